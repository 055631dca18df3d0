"""Small legacy repositories for tests: the textbook trio in pieces, so that a case says only what is its own."""

from pathlib import Path, PurePosixPath

from migrate.discover import find_drivers, scan
from migrate.pipeline.analysis import NO_FACTS, Analysis, analyse
from migrate.pipeline.following import Inputs
from migrate.plan.model import Facts

BUILDER = """\
FROM gcc:12
WORKDIR /src
COPY main.c .
RUN cc -static -o app main.c
"""
RUNTIME = """\
FROM busybox
COPY app /usr/local/bin/
CMD ["/usr/local/bin/app"]
"""
SCRIPT = """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
docker create --name extract demo:build
docker cp extract:/src/app ./app
docker rm extract
docker build -t demo:latest .
rm ./app
"""
MAIN = """\
#include <stdio.h>
int main(void) { puts("hello"); return 0; }
"""


def lay(root: Path, files: dict[str, str] | None = None) -> Path:
    """The trio in `root`, with `files` laid over it; an empty text leaves a file out."""
    everything = {
        "Dockerfile.build": BUILDER,
        "Dockerfile": RUNTIME,
        "build.sh": SCRIPT,
        "main.c": MAIN,
        **(files or {}),
    }
    for name, text in everything.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_bytes(text.encode())
            path.chmod(0o755 if name.endswith(".sh") else 0o644)
    return root


def analysed(
    root: Path, files: dict[str, str] | None = None, *, facts: Facts = NO_FACTS, inputs: Inputs | None = None
) -> Analysis:
    """The one driver of the repository, through the static phases."""
    repository = scan(lay(root, files))
    (driver,) = find_drivers(repository)
    return analyse(repository, driver, inputs or Inputs(), facts)


def rendered(analysis: Analysis) -> dict[str, str | None]:
    return {str(c.path): None if c.after is None else c.after.decode() for c in analysis.changes}


def codes(analysis: Analysis) -> list[str]:
    return sorted({d.rule.code for d in analysis.diagnostics})


def text_of(analysis: Analysis, path: str) -> str:
    change = next(c for c in analysis.changes if c.path == PurePosixPath(path))
    assert change.after is not None
    return change.after.decode()
