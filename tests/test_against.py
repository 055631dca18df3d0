"""`ms-migrate verify --against REV`: a migration that was made and committed, held to the state before it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine
from tests.pipeline.legacy import BUILDER, RUNTIME, lay
from tests.test_migration import WITH_BUILDKIT, contents, environment, run, untouched

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("untouched")]
__all__ = ["environment", "untouched"]

MIGRATED = """\
FROM gcc:12 AS build
WORKDIR /src
COPY main.c .
RUN cc -static -o app main.c

FROM busybox
COPY --from=build /src/app /usr/local/bin/
CMD ["/usr/local/bin/app"]
"""
SCRIPT = "#!/bin/sh\ndocker build -t demo:latest .\n"


def git(root: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=b")
    return subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, text=True).stdout


def committed(root: Path, files: dict[str, str] | None = None) -> Path:
    lay(root, files)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "legacy")
    git(root, "tag", "before")
    return root


def by_hand(root: Path, dockerfile: str = MIGRATED) -> None:
    (root / "Dockerfile.build").unlink()
    (root / "Dockerfile").write_text(dockerfile)
    (root / "build.sh").write_text(SCRIPT)


def test_a_migration_that_was_committed_is_verified(tmp_path: Path, environment: dict[str, str]) -> None:
    root = committed(tmp_path / "demo")
    by_hand(root)
    git(root, "commit", "-qam", "migrate")
    before = contents(root)
    done = run(root, environment, "--against", "before", "--smoke", "", command="verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "build.sh: verified\n" in done.stdout
    assert "verdict  demo:latest: identical\n" in done.stdout
    assert "made     demo:build, by the legacy side alone\n" in done.stdout
    assert "its own command: identical (exit status 0)" in done.stdout
    assert contents(root) == before


@WITH_BUILDKIT
def test_what_a_migration_got_wrong_is_found(tmp_path: Path, environment: dict[str, str]) -> None:
    root = committed(tmp_path / "demo", {"Dockerfile.build": BUILDER + "RUN chown 7:7 app\n"})
    by_hand(root, MIGRATED.replace("main.c\n\n", "main.c && chown 7:7 app\n\n"))
    done = run(root, environment, "--against", "HEAD", command="verify")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "/usr/local/bin/app: owner 0:0 became 7:7" in done.stderr


@WITH_BUILDKIT
def test_files_of_the_migration_in_an_image_are_told_apart(tmp_path: Path, environment: dict[str, str]) -> None:
    """`COPY .` takes the Dockerfiles and the script along; another file that was changed beside them is a difference."""
    root = committed(tmp_path / "demo", {"Dockerfile": RUNTIME + "COPY . /all\nRUN rm -rf /all/.git /all/app\n"})
    by_hand(root, MIGRATED + "COPY . /all\nRUN rm -rf /all/.git /all/app\n")
    done = run(root, environment, "--against", "before", command="verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(allowed for: migration 3)" in done.stdout
    assert re.search(r"/all/Dockerfile.build: .*, by migration", done.stdout)
    (root / "main.c").write_text((root / "main.c").read_text() + "/* changed */\n")
    done = run(root, environment, "--against", "before", command="verify")
    assert done.returncode == 1
    assert "/all/main.c: content" in done.stderr


@WITH_BUILDKIT
def test_a_folder_of_a_repository_and_a_build_that_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    """Where the earlier state has no plan, the images are compared by their names all the same."""
    root = tmp_path / "demo/service"
    script = (lay(root) / "build.sh").read_text()
    (root / "build.sh").write_text(script.replace("rm ./app", "./app && rm ./app"))
    committed(tmp_path / "demo")
    by_hand(root)
    done = run(root, environment, "--against", "before", command="verify")
    assert "build.sh: verified\n" in done.stdout, done.stdout + done.stderr


def test_what_is_no_state_is_a_usage_error(tmp_path: Path, engine: PrivateEngine) -> None:
    root = committed(tmp_path / "demo")
    for name in ("none", "--all", "HEAD^{tree}"):
        done = run(root, engine.environment(), "--against", name, command="verify")
        assert done.returncode == 2, done.stderr
    assert run(lay(tmp_path / "plain"), engine.environment(), "--against", "HEAD", command="verify").returncode == 2
    for name in ("Dockerfile.build", "build.sh"):
        (root / name).unlink()
    git(root, "commit", "-qam", "nothing of it")
    done = run(root, engine.environment(), "--against", "HEAD", command="verify")
    assert done.returncode == 3
    assert "no legacy build was found at" in done.stdout
