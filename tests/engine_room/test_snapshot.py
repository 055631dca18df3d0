"""An image's files as the engine streams them, held against what was put in."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from migrate.engine.artifact import Held, held, path_facts
from migrate.engine.client import EngineClient, EngineUnavailable, connect
from migrate.engine.snapshot import read_image
from migrate.image import FileType
from tests.engine.private import PrivateEngine
from tests.engine.reading import read_files

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM busybox
ENV A=1
RUN mkdir -p /d/sub && echo hi > /d/file && chown 12:34 /d/file && chmod 4751 /d/file \\
 && ln -s ../x /d/sub/link && ln /d/file /d/hard && mkfifo /d/pipe && mkdir -m 1777 /d/sticky && echo 1 > /etc/hostname-like \\
 && mkdir /d/setuid && echo 1 > /d/setuid/su && chmod 4711 /d/setuid/su
LABEL a=b
EXPOSE 80
USER 7
"""


@pytest.fixture
def client(engine: PrivateEngine) -> Iterator[EngineClient]:
    with closing(connect(engine.environment())) as connected:
        yield connected


@pytest.fixture
def image(engine: PrivateEngine, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    environment = engine.environment() | {"DOCKER_BUILDKIT": "0"}
    subprocess.run(
        ["docker", "build", "-q", "-t", "snapshot-test", tmp_path], check=True, env=environment, capture_output=True
    )
    yield "snapshot-test"
    engine.docker("rmi", "snapshot-test")


def test_files_are_read_as_they_are(client: EngineClient, image: str) -> None:
    files = read_files(client, image, "snapshot-reader")
    first = files["/d/file"]
    assert (first.type, first.mode, first.uid, first.gid, first.size) == (FileType.FILE, 0o4751, 12, 34, 3)
    assert first.digest == "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4"
    assert (files["/d/hard"].type, files["/d/hard"].link) == (FileType.HARDLINK, "/d/file")
    assert (files["/d/sub/link"].type, files["/d/sub/link"].link) == (FileType.SYMLINK, "../x")
    assert files["/d/pipe"].type is FileType.FIFO
    assert files["/d/sticky"].mode == 0o1777
    assert "/etc/hostname-like" in files
    assert not {"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/proc", "/dev/pts"} & set(files)
    assert client.containers("snapshot-reader") == ()


def test_the_config_is_read(client: EngineClient, image: str) -> None:
    snapshot = read_image(client, image)
    assert snapshot is not None
    assert (snapshot.config.user, snapshot.config.labels["a"]) == ("7", "b")
    assert snapshot.config.exposed_ports == frozenset({"80/tcp"})
    assert "A=1" in snapshot.config.env
    assert len(snapshot.diff_ids) == 2
    assert read_image(client, "no-such-image") is None


def test_facts_of_an_artifact(client: EngineClient, image: str) -> None:
    paths = ("/d", "/d/file", "/d/sub", "/d/sub/link", "/d/setuid", "/bin/busybox", "/none")
    facts = path_facts(client, image, paths, "facts-reader")
    assert {p: (f.type, f.root_owned) for p, f in facts.items()} == {
        "/d": (FileType.DIRECTORY, False),
        "/d/file": (FileType.FILE, False),
        "/d/sub": (FileType.DIRECTORY, True),
        "/d/sub/link": (FileType.SYMLINK, True),
        "/d/setuid": (FileType.DIRECTORY, False),
        "/bin/busybox": (FileType.FILE, True),
    }


def test_what_is_at_a_source_of_a_copy(client: EngineClient, image: str) -> None:
    wanted = {
        "/d": Held.CONTENT,
        "/d/file": Held.CONTENT,
        "/d/sub/.": Held.CONTENT,
        "/d/sticky": Held.EMPTY,
        "/d/f*": Held.CONTENT,
        "/d/st*y": Held.EMPTY,
        "/d/*/su": Held.CONTENT,
        "/d/*.jar": Held.NOTHING,
        "/*/no-such-program": Held.NOTHING,
        "/?/set[tu]id": Held.CONTENT,
        "/none/*": Held.NOTHING,
        "/none": Held.NOTHING,
    }
    assert held(client, image, tuple(wanted), "held-reader") == wanted


def test_no_engine_is_one_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as raised:
        connect({**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none"})
    assert "does not answer" in raised.value.message
    assert "--no-verify" in raised.value.help


def test_an_engine_that_goes_away_is_the_same_error(tmp_path: Path) -> None:
    with PrivateEngine() as own, closing(connect(own.environment())) as client:
        own.stop()
        with pytest.raises(EngineUnavailable):
            client.version()
    assert list(tmp_path.iterdir()) == []
