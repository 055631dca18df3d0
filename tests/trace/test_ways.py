"""Where the course of a script isn't known, what the trace says must hold whichever way it takes.

Random scripts are run by bash under several environments, none of which the trace is told. Each docker command that bash runs
must be one that the trace foretells, and each one that the trace gives without a condition must be run, in order.
"""

import contextlib
import os
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from migrate.diagnostics import has_errors
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace.events import ImageBuild
from migrate.trace.interpreter import trace
from migrate.trace.values import Text
from tests.trace.test_confirm import BASH, lay
from tests.trace.ways import ENVIRONMENTS, Writer

SEEDS = int(os.environ.get("MS_FUZZ", "100"))
NOTING = '#!/bin/sh\nprintf \'%s|%s\\n\' "$PWD" "$3" >> "$NOTES"\n'


def foretold(root: Path, text: str) -> list[tuple[re.Pattern[str], bool]] | None:
    """Each build as a pattern of `directory|tag`, and whether it is given without a condition; None where the trace gave up."""
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None, found
    followed = trace(script, scan(root), directory=PurePosixPath(), name="./build.sh", arguments=())
    if has_errors(followed.diagnostics):
        return None
    calls = []
    for step in followed.steps:
        if isinstance(step.event, ImageBuild):
            assert step.event.context is not None
            place = re.escape(str(root / step.event.context).removesuffix("/."))
            tag = "".join(re.escape(p.text) if isinstance(p, Text) else ".*" for p in step.event.tags[0].parts)
            calls.append((re.compile(f"{place}\\|{tag}", re.DOTALL), not step.conditions))
    return calls


def ran(root: Path, environment: dict[str, str]) -> list[str]:
    programs = root.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "docker").write_text(NOTING)
    (programs / "docker").chmod(0o755)
    notes = root.parent / "notes"
    notes.write_text("")
    base = {"PATH": f"{programs}:{os.environ['PATH']}", "NOTES": str(notes), "HOME": "/home/nobody", "LC_ALL": "C"}
    assert BASH is not None
    with contextlib.suppress(subprocess.TimeoutExpired):  # what ran till then must have been foretold too
        subprocess.run(
            [BASH, "./build.sh"], check=False, capture_output=True, cwd=root, env={**base, **environment}, timeout=5
        )
    return notes.read_text().splitlines()


@pytest.mark.parametrize("block", range(0, SEEDS, 10))
def test_what_is_foretold_holds_whichever_way_is_taken(block: int, tmp_path: Path) -> None:
    for seed in range(block, min(block + 10, SEEDS)):
        text = Writer(seed).script()
        root = lay(tmp_path / str(seed) / "tree", text)
        calls = foretold(root, text)
        if calls is None:
            continue
        for environment in ENVIRONMENTS:
            lines = ran(root, environment)
            for line in lines:
                assert any(c.fullmatch(line) for c, _ in calls), (seed, environment, line, text)
            rest = iter(lines)
            for call, sure in calls:
                if sure:
                    assert any(call.fullmatch(line) for line in rest), (seed, environment, call.pattern, text)


def test_most_scripts_are_followed(tmp_path: Path) -> None:
    """Giving up is always right, and must stay the exception."""
    followed = 0
    for seed in range(60):
        text = Writer(seed).script()
        followed += foretold(lay(tmp_path / str(seed) / "tree", text), text) is not None
    assert followed >= 36  # most others build where the directory isn't known
