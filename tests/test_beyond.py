"""Samples that are no legacy build, or ask for more: with their options they become what `expected` holds."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine
from tests.test_samples import different_files
from tests.trios import BEYOND

MS_MIGRATE = Path(sys.executable).with_name("ms-migrate")
ON_GO = ("client-server",)
SLOW = (*ON_GO, "parallel-compiles")
"""Those that take their time are built once in each run."""
NAMES = sorted(p.name for p in BEYOND.iterdir())


@pytest.mark.engine
@pytest.mark.parametrize("sample", [n for n in NAMES if n not in ON_GO])
def test_a_sample_becomes_what_is_expected(sample: str, tmp_path: Path, engine: PrivateEngine) -> None:
    becomes(sample, tmp_path, engine)


@pytest.mark.engine
@pytest.mark.parametrize("sample", ON_GO)
def test_a_sample_in_go_becomes_what_is_expected(sample: str, tmp_path: Path, go_engine: PrivateEngine) -> None:
    becomes(sample, tmp_path, go_engine)


def becomes(sample: str, folder: Path, engine: PrivateEngine) -> None:
    """In place, and back; the diff that a dry run shows is what is written."""
    expected, root = BEYOND / sample / "expected", folder / "buildme"
    before = shutil.copytree(BEYOND / sample / "legacy", folder / "before")
    shutil.copytree(before, root)
    options = shlex.split((BEYOND / sample / "options").read_text())
    if sample not in SLOW:
        shown = run(engine, root, "--dry-run", *options)
        apply = ["git", "apply", "--check", "-"]
        subprocess.run(["git", "init", "-q"], cwd=before, check=True)
        subprocess.run(apply, input=shown.stdout, cwd=before, check=True, capture_output=True, text=True)
    done = run(engine, root, *options)
    assert done.returncode == 0, done.stderr
    codes = sorted(set(re.findall(r"^\w+\[(MS\d+)\]", done.stderr, re.MULTILINE)))
    assert codes == (expected / "diagnostics").read_text().split()
    left = root / ".ms-migrate"
    kept = left.rename(folder / "backup")
    assert different_files(expected, root) == []
    kept.rename(left)
    assert run(engine, root, "--undo").returncode == 0
    assert different_files(before, root) == []
    assert not left.exists()


def run(engine: PrivateEngine, root: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [MS_MIGRATE, root, *options], check=False, capture_output=True, text=True, env=engine.environment(), timeout=240
    )
