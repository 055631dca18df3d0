"""What the trace of a Makefile says docker is given, against what real make gives it.

Each snippet in makefiles/ is a Makefile; a line `#: COMMAND` in it says how make is called, `# unknown: why` that the trace must
not know it. make runs it with a `docker` first on PATH that notes its words and its directory.
"""

import re
import shutil
from pathlib import Path, PurePosixPath

import pytest

from migrate.diagnostics import has_errors
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.shell.syntax import SimpleCommand
from migrate.source import SourceFile
from migrate.trace import interpreter, simple
from migrate.trace.docker_events import docker_command
from migrate.trace.events import Argument, ConditionKind
from migrate.trace.state import State
from migrate.trace.values import Output
from tests.trace.test_confirm import by_bash, lay, spelt

MAKEFILES = Path(__file__).parent / "makefiles"


def snippets() -> dict[str, str]:
    return {
        f"{path.stem}-{number}": text.strip("\n") + "\n"
        for path in sorted(MAKEFILES.glob("*.txt"))
        for number, text in enumerate(path.read_text().split("\n---\n"), 1)
    }


SNIPPETS = snippets()


def laid(root: Path, makefile: str) -> tuple[Path, str]:
    called = re.search(r"^#: (.*)$", makefile, re.MULTILINE)
    script = (called[1] if called else "make") + "\n"
    lay(root, script)
    (root / "Makefile").write_text(re.sub(r"^#: .*\n", "", makefile, flags=re.MULTILINE))
    (root / "tools/vars.mk").write_text("FROM_FILE = 3\nmore:\n\tdocker build more\n")
    return root, script


def by_trace(root: Path, text: str, monkeypatch: pytest.MonkeyPatch, *, bare: bool = True) -> list[list[str]] | None:
    """Directory and words of every docker command; None where the trace says that it doesn't know."""
    calls: list[list[str | None]] = []
    sure = True

    def noting(state: State, command: SimpleCommand, arguments: tuple[Argument, ...], how: str) -> Output:
        nonlocal sure
        if any(c.kind is ConditionKind.FAILURE for c in state.conditions):
            return docker_command(state, command, arguments, how)  # docker works here
        sure = sure and all(c.decided for c in state.conditions) and all(a.certain for a in arguments)
        place = str(state.workspace.root / state.directory) if state.directory is not None else None
        calls.append([place, "", *(spelt(a.value) for a in arguments)])
        return docker_command(state, command, arguments, how)

    monkeypatch.setattr(simple, "docker_command", noting)
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None
    assert not has_errors(found)
    known = {"HOME": "/home/nobody"}
    followed = interpreter.trace(
        script, scan(root), directory=PurePosixPath(), name="./build.sh", environment=known, bare=bare
    )
    stopping = {"MS201", "MS204", "MS207", "MS113"}
    if not sure or any(None in call for call in calls) or {d.rule.code for d in followed.diagnostics} & stopping:
        return None
    return [[w for w in call if w is not None] for call in calls]


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_makefile_is_followed_as_make_does(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("make") is not None, "make is missing: these tests can't be left out"
    root, script = laid(tmp_path / "tree", SNIPPETS[name])
    traced = by_trace(root, script, monkeypatch)
    if "# unknown: " in SNIPPETS[name]:
        assert traced is None
    else:
        assert traced == by_bash(root)


def test_there_are_enough_of_them() -> None:
    assert len(SNIPPETS) >= 150
