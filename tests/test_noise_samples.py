"""Builds that never make the same file twice, on an engine: the right verdict, and a byte changed on purpose is found.

The files are real ones (Python's zipfile and py_compile here, Go's linker in the build); a RUN takes one of many by chance.
"""

import os
import py_compile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from migrate.compare.verdict import Verdict
from migrate.outcome import Status
from tests.engine.private import PrivateEngine
from tests.pipeline.legacy import SCRIPT, lay
from tests.test_migration import WITH_BUILDKIT, environment, spoil, untouched, use
from tests.test_verify import verdicts, verified
from tests.thinned import LONG

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("untouched")]
__all__ = ["environment", "untouched"]

VARIANTS = 64
TRIES = 4
"""Two builds take the same variant once in 64 times; then nothing differs, and it is tried again."""
PICKS = """\
FROM busybox
WORKDIR /src
COPY variants /variants
COPY changed /changed
RUN n=$(( 0x$(head -c 2 /dev/urandom | od -An -tx1 | tr -d ' \\n') % 64 )) && cp /variants/$n app
"""
# with -trimpath the flags, and the id in them, are not written into the program itself
GO = """\
FROM golang:1.21-alpine
WORKDIR /src
COPY main.go .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-buildid=$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \\n')" -o app main.go
"""
MAIN = """\
package main

func main() { println("hello") }
"""


def zipped(path: Path, number: int, greeting: str) -> None:
    """The entries in an order of their own in each, as a packer writes them that goes by a hash."""
    names = sorted((f"entry-{n}" for n in range(8)), key=lambda n: hash((n[-1], number)) ^ number * 2654435761)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(
                zipfile.ZipInfo(name, (2026, 1, 1 + number % 28, number % 24, 0, 0)), f"{greeting} {name}\n" * 9
            )


def compiled(path: Path, number: int, greeting: str) -> None:
    """A source with another time each, which the header of its .pyc holds."""
    source = path.with_name("module.py")
    source.write_text(f"GREETING = {greeting!r}\n")
    os.utime(source, (1_700_000_000 + number, 1_700_000_000 + number))
    py_compile.compile(str(source), cfile=str(path), dfile="module.py", doraise=True)
    source.unlink()


@WITH_BUILDKIT
@pytest.mark.parametrize(("make", "name"), [(zipped, "zip"), (compiled, "pyc")])
def test_a_file_that_is_another_each_time(
    make: Callable[[Path, int, str], None],
    name: str,
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile.build": PICKS, "main.c": ""})
    for folder, greeting in (("variants", "hello"), ("changed", "hellp")):
        (root / folder).mkdir()
        for number in range(VARIANTS):
            make(root / folder / str(number), number, greeting)
    use(monkeypatch, environment)
    found = [Verdict.IDENTICAL]
    for _ in range(TRIES):
        (build,) = (outcome := verified(root, independent=True)).builds
        assert build.status is Status.VERIFIED, build.diagnostics
        ((verdict, by),) = verdicts(outcome)
        assert set(by) <= {name}
        found.append(verdict)
        if verdict is Verdict.EQUIVALENT:
            break
    assert found[-1] is Verdict.EQUIVALENT
    with monkeypatch.context() as patched:
        spoil(patched, environment, lambda t: t.replace("cp /variants", "cp /changed"))
        assert [b.status for b in verified(root).builds] == [Status.DIFFERENT]


@LONG
@WITH_BUILDKIT
def test_a_build_id_of_go(
    tmp_path: Path, environment: dict[str, str], go_engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert go_engine
    root = lay(tmp_path / "demo", {"Dockerfile.build": GO, "main.go": MAIN, "main.c": "", "build.sh": SCRIPT})
    use(monkeypatch, environment)
    outcome = verified(root, independent=True)
    assert [b.status for b in outcome.builds] == [Status.VERIFIED], outcome.builds[0].diagnostics
    assert verdicts(outcome) == [(Verdict.EQUIVALENT, {"elf-build-id": 1})]
    with monkeypatch.context() as patched:
        # the same length, at the same place
        spoil(patched, environment, lambda t: t.replace("RUN CGO", "RUN sed -i s/hello/hellp/ main.go && CGO"))
        assert [b.status for b in verified(root).builds] == [Status.DIFFERENT]
