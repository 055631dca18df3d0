"""The command line: exit codes, what goes to which stream, and that the README lists what there is."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from migrate import __version__, cli
from migrate.revision import uncommitted
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


def git(root: Path, *words: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(root), *words]
    subprocess.run(command, check=True, capture_output=True)


def untracked(root: Path) -> None:
    git(root, "rm", "-q", "--cached", "Dockerfile.build")
    git(root, "commit", "-qm", "no builder")


def staged(root: Path) -> None:
    edited(root)
    git(root, "add", "build.sh")


def edited(root: Path) -> None:
    with (root / "build.sh").open("a") as script:
        script.write("# mine\n")


@pytest.mark.parametrize(
    ("change", "path"),
    [(edited, "build.sh"), (staged, "build.sh"), (untracked, "Dockerfile.build")],
)
def test_what_is_not_committed_is_not_written_over(change: Callable[[Path], None], path: str, tmp_path: Path) -> None:
    root = lay(tmp_path / "tree")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "legacy")
    change(root)
    (root / "notes.txt").write_text("of no concern to anyone")
    before = files(root)
    done = ms_migrate("--no-verify", root)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error[MS603]: `{path}` has changes that are not committed\n"), done.stderr
    assert files(root) == before
    assert ms_migrate("--dry-run", root).returncode == 0
    assert ms_migrate("--no-verify", "--output", tmp_path / "out", root).returncode == 0
    assert ms_migrate("--no-verify", "--force", root).returncode == 0
    assert not (root / "Dockerfile.build").exists()


def test_what_git_ignores_or_never_knew_is_written(tmp_path: Path) -> None:
    root = lay(tmp_path)
    git(root, "init", "-q")
    (root / ".gitignore").write_text("Dockerfile.build\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "legacy")
    assert ms_migrate("--no-verify", root).returncode == 0


def test_without_git_a_repository_is_not_written_unless_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path)
    git(root, "init", "-q")
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    done = ms_migrate("--no-verify", root)
    assert done.returncode == 1
    assert "error[MS603]: what is not committed can't be told: git is not installed" in done.stderr
    assert ms_migrate("--no-verify", "--force", root).returncode == 0


def test_a_change_is_seen_behind_a_link_and_in_a_folder(tmp_path: Path) -> None:
    root = lay(tmp_path / "tree")
    (root / "link").symlink_to("build.sh")
    (root / "sub").mkdir()
    (root / "sub" / "[ab]").write_text("old")
    (root / "sub" / "a").write_text("old")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "legacy")
    asked = [PurePosixPath(p) for p in ("link", "sub/[ab]", "Dockerfile", "none/such", "new")]
    index = (root / ".git/index").read_bytes()
    assert uncommitted(root, asked) == ()
    (root / "sub" / "a").write_text("new")
    os.utime(root / "Dockerfile")
    assert uncommitted(root, asked) == ()
    edited(root)
    assert uncommitted(root, asked) == (PurePosixPath("link"),)
    assert uncommitted(root / "sub", [PurePosixPath("a"), PurePosixPath("[ab]")]) == (PurePosixPath("a"),)
    assert (root / ".git/index").read_bytes() == index
