"""The command line: exit codes, what goes to which stream, and that the README lists what there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from migrate import __version__, cli
from tests.pipeline.legacy import RUNTIME, SCRIPT, lay

PROJECT = Path(__file__).resolve().parent.parent


def ms_migrate(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "DOCKER_HOST": "unix:///nonexistent", "COLUMNS": "200"}
    command = [sys.executable, "-m", "migrate", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=cwd)


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_readme_lists_every_option() -> None:
    shown = set(re.findall(r"--[a-z][a-z-]+", ms_migrate("migrate", "--help").stdout)) - {"--help"}
    table = [line for line in (PROJECT / "README.md").read_text().splitlines() if line.startswith("| `--")]
    assert shown == {o for line in table for o in re.findall(r"--[a-z][a-z-]+", line.split("|")[1])}


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['ms-migrate', '--help']\nfrom migrate.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print([m for m in ('bashlex', 'docker', 'jinja2', 'dockerfile_parse', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    assert ms_migrate("--version").stdout == f"ms-migrate {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--nope", "."],
        ["none-such"],
        ["--env", "novalue", "."],
        ["--check", "--dry-run", "."],
        ["--time-limit", "0", "."],
        ["--output", ".", "."],
        ["--output", "./inside", "."],
    ],
    ids=" ".join,
)
def test_usage_is_exit_code_2(words: list[str], tmp_path: Path) -> None:
    lay(tmp_path)
    done = ms_migrate(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_nothing_found_and_nothing_to_do_are_told_apart(tmp_path: Path) -> None:
    empty = ms_migrate(tmp_path)
    assert (empty.returncode, empty.stdout) == (3, "")
    assert "nothing found" in empty.stderr
    (tmp_path / "Dockerfile").write_text(RUNTIME)
    done = ms_migrate(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ms-migrate: nothing to migrate\n", "")


def test_the_call_or_the_job_that_was_followed_is_said(tmp_path: Path) -> None:
    recipe = "".join(f"\t{line}\n" for line in SCRIPT.splitlines()[1:])
    lay(tmp_path, {"build.sh": "", "Makefile": f"all:\n\ttrue\nimage:\n{recipe}"})
    assert ms_migrate("--check", tmp_path).stdout.startswith("Makefile (make image): found\n")
    (tmp_path / "Makefile").rename(tmp_path / ".gitlab-ci.yml")
    (tmp_path / ".gitlab-ci.yml").write_text(
        "pack:\n  script:\n" + "".join(f"  - {s}\n" for s in SCRIPT.splitlines()[1:])
    )
    assert ms_migrate("--check", tmp_path).stdout.startswith(".gitlab-ci.yml (job pack): found\n")


def test_check_finds_and_writes_nothing(tmp_path: Path) -> None:
    before = files(lay(tmp_path))
    done = ms_migrate("--check", tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("build.sh: found\n")
    assert files(tmp_path) == before


def test_a_dry_run_is_a_diff_that_git_takes(tmp_path: Path) -> None:
    before = files(lay(tmp_path / "tree"))
    done = ms_migrate("--dry-run", tmp_path / "tree")
    assert done.returncode == 0
    assert "not verified" in done.stderr
    assert files(tmp_path / "tree") == before
    other = lay(tmp_path / "other")
    subprocess.run(["git", "apply", "-"], input=done.stdout, text=True, check=True, cwd=other)
    assert ms_migrate("--no-verify", tmp_path / "tree").returncode == 0
    assert files(other) == {k: v for k, v in files(tmp_path / "tree").items() if ".ms-migrate" not in k}


def test_output_leaves_the_tree_alone(tmp_path: Path) -> None:
    before = files(lay(tmp_path / "tree"))
    done = ms_migrate("--no-verify", "--output", tmp_path / "out", tmp_path / "tree")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "tree") == before
    assert sorted(files(tmp_path / "out")) == ["Dockerfile", "build.sh", "main.c"]
    assert os.access(tmp_path / "out" / "build.sh", os.X_OK)


def test_without_an_engine_nothing_is_written_unless_asked(tmp_path: Path) -> None:
    before = files(lay(tmp_path))
    done = ms_migrate(tmp_path)
    assert done.returncode == 3
    assert "not verified: the container engine does not answer" in done.stdout
    assert files(tmp_path) == before
    assert ms_migrate("--no-verify", tmp_path).returncode == 0


def test_undo_restores_every_byte_and_mode(tmp_path: Path) -> None:
    before = files(lay(tmp_path))
    mode = (tmp_path / "build.sh").stat().st_mode
    ms_migrate("--no-verify", tmp_path)
    done = ms_migrate("--undo", tmp_path)
    assert done.returncode == 0
    assert sorted(done.stdout.splitlines()) == ["restored Dockerfile", "restored Dockerfile.build", "restored build.sh"]
    assert files(tmp_path) == before
    assert (tmp_path / "build.sh").stat().st_mode == mode
    nothing = ms_migrate("--undo", tmp_path)
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing to undo" in nothing.stderr


def test_a_refusal_shows_its_place(tmp_path: Path) -> None:
    lay(tmp_path, {"build.sh": SCRIPT.replace("docker rm", "patchelf app\ndocker rm")})
    done = ms_migrate("--no-verify", tmp_path)
    assert done.returncode == 1
    assert "error[MS205]: `patchelf app` changes the artifact `app` on its way\n --> build.sh:5:1\n" in done.stderr
    assert done.stdout == "build.sh: not migrated\n  nothing was written\n"


def test_an_error_that_nobody_foresaw_is_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("migrate.pipeline.run.scan", broken)
    monkeypatch.setattr(sys, "argv", ["ms-migrate", str(lay(tmp_path))])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    said = capsys.readouterr().err
    assert "internal error" in said
    assert "unforeseen" in said
