"""One image with something of every kind, and a container of it that is never started."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.engine.private import PrivateEngine
from tests.landing.lab import run


@dataclass(frozen=True, slots=True)
class Sources:
    image: str = "landing:sources"
    container: str = "landing-sources"


DOCKERFILE = """\
FROM busybox
RUN mkdir -p /out/dir/sub /out/dir/empty /out/bare /work/near \\
 && printf top > /out/file && printf one > /out/dir/one && printf two > /out/dir/sub/two && ln -s one /out/dir/link \\
 && ln -s file /out/link && ln -s dir /out/linked && ln -s none /out/dangling && ln -s ../file /out/dir/sub/out \\
 && ln -s ../file /out/bare/out && printf '#!/bin/sh' > /out/dir/run && chmod 4750 /out/dir/run \\
 && chown -R 1000:1000 /out/dir/sub && chmod 2775 /out/dir/empty && printf near > /work/near/file
WORKDIR /work
"""


@pytest.fixture(scope="session")
def sources(engine: PrivateEngine) -> Iterator[Sources]:
    made = Sources()
    done = run(engine, "docker", "build", "-q", "-t", made.image, "-", stdin=DOCKERFILE.encode())
    assert done.returncode == 0, done.stdout
    engine.docker("create", "--name", made.container, made.image)
    yield made
    engine.docker("rm", made.container)
    engine.docker("rmi", made.image)
