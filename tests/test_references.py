"""What else names what a migration takes away: told with its line, and mended where that is sure to mean the same."""

from pathlib import Path

import pytest

from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.run import Request, migrate
from tests.pipeline.legacy import SCRIPT, lay

README = """\
# demo

Compile in the image of Dockerfile.build:

    docker build -t demo:build -f Dockerfile.build .
    docker run demo:build
"""
COMPOSE = """\
services:
  tests:
    build:
      context: .
      dockerfile: Dockerfile.build
    command: make test
  app:
    build: .
"""
MENDED_COMPOSE = """\
services:
  tests:
    build:
      context: .
      dockerfile: Dockerfile
      target: builder
    command: make test
  app:
    build: .
"""


def migrated(root: Path) -> BuildOutcome:
    (build,) = migrate(Request(root=root, verify=False), lambda _side, _line: None).builds
    return build


def told(build: BuildOutcome) -> set[tuple[str, str]]:
    """Each finding's code, with its place."""
    codes = ("MS439", "MS454", "MS455", "MS456")
    return {(d.rule.code, str(d.primary.span)) for d in build.diagnostics if d.primary and d.rule.code in codes}


def test_every_kind_of_file_is_looked_through(tmp_path: Path) -> None:
    files = {
        "README.md": README,
        "compose.yaml": COMPOSE,
        ".gitignore": "*.o\n/app\n",
        ".github/workflows/test.yml": "jobs:\n  test:\n    steps:\n    - run: docker build --file=Dockerfile.build --pull -t t . # twice\n",
        "package.json": '{"scripts": {"toolchain": "docker build -f ./Dockerfile.build -t tools ."}}\n',
        "hack/notes.txt": "Dockerfile.build, DockerfileXbuild, Dockerfile.builder, demo:build\n",
        "logo.png": "\x00Dockerfile.build",
    }
    root = lay(tmp_path, files)
    build = migrated(root)
    assert build.status is Status.WRITTEN, build.diagnostics
    assert not (root / "Dockerfile.build").exists()
    assert told(build) == {
        ("MS455", ".github/workflows/test.yml:4:32"),
        ("MS455", "compose.yaml:2:3"),
        ("MS455", "package.json:1:46"),
        ("MS454", "README.md:3:25"),
        ("MS454", "README.md:5:21"),
        ("MS454", "hack/notes.txt:1:1"),
        ("MS454", "hack/notes.txt:1:57"),
        ("MS456", ".gitignore:2:1"),
    }
    assert (root / "compose.yaml").read_text() == MENDED_COMPOSE
    mended = (root / "README.md").read_text()
    assert mended == README.replace("demo:build -f Dockerfile.build .", "demo:build --target builder .")
    assert "docker build --target builder --pull -t t . # twice" in (root / ".github/workflows/test.yml").read_text()
    assert "docker build --target builder -t tools ." in (root / "package.json").read_text()
    assert (root / ".gitignore").read_text() == files[".gitignore"]
    assert migrate(Request(root=root, verify=False), lambda _side, _line: None).builds == ()


def test_the_lines_of_one_file_are_one_finding(tmp_path: Path) -> None:
    build = migrated(lay(tmp_path, {"README.md": "Dockerfile.build\n\nDockerfile.build\nDockerfile.build\n"}))
    (finding,) = [d for d in build.diagnostics if d.rule.code == "MS454"]
    assert finding.notes == ("it is named on lines 3, 4 too",)
    assert finding.help == "`docker build --target builder .` makes its image now"


@pytest.mark.parametrize(
    "line",
    [
        "docker build -t x -f Dockerfile.build docker",
        "docker build -t x -f Dockerfile.build --target compile .",
        "docker build -t x -f $DIR/Dockerfile.build .",
        "docker build -t x -f docker/Dockerfile.build .",
        "docker build -t x -f Dockerfile.build - < context.tar",
        "docker build -t x -f Dockerfile.build . -f Dockerfile.build",
        "buildah bud -f Dockerfile.build .",
        "cp Dockerfile.build /tmp",
    ],
)
def test_what_is_not_sure_keeps_the_file(line: str, tmp_path: Path) -> None:
    root = lay(tmp_path, {"test.sh": f"#!/bin/sh\n{line}\n"})
    build = migrated(root)
    assert {c for c, _ in told(build)} == {"MS439"}
    assert (root / "Dockerfile.build").exists()
    assert (root / "test.sh").read_text() == f"#!/bin/sh\n{line}\n"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("docker build -f Dockerfile.build .", "docker build --target builder ."),
        ("docker build -fDockerfile.build -t x .", "docker build --target builder -t x ."),
        ('docker image build --file "Dockerfile.build" .', "docker image build --target builder ."),
        (
            "docker buildx build \\\n  -f Dockerfile.build \\\n  . && echo",
            "docker buildx build \\\n  --target builder \\\n  . && echo",
        ),
        ("docker build . -f Dockerfile.build", "docker build . --target builder"),
        ("(docker build . -f Dockerfile.build)", "(docker build . --target builder)"),
    ],
)
def test_what_is_sure_is_mended(line: str, mended: str, tmp_path: Path) -> None:
    root = lay(tmp_path, {"test.sh": f"#!/bin/sh\n{line}\n"})
    assert {c for c, _ in told(migrated(root))} == {"MS455"}
    assert (root / "test.sh").read_text() == f"#!/bin/sh\n{mended}\n"
    assert not (root / "Dockerfile.build").exists()


@pytest.mark.parametrize(
    "text",
    [
        COMPOSE.replace("context: .", "context: docker"),
        COMPOSE.replace("Dockerfile.build\n", "Dockerfile.build\n      target: x\n"),
        COMPOSE.replace("context: .", "context: ${DIR}"),
        'version: "3.1"\n' + COMPOSE,
    ],
    ids=["another context", "a target", "unknown", "an old format"],
)
def test_a_service_that_is_not_sure_keeps_the_file(text: str, tmp_path: Path) -> None:
    root = lay(tmp_path, {"compose.yaml": text})
    assert {c for c, _ in told(migrated(root))} <= {"MS439", "MS454"}
    assert (root / "compose.yaml").read_text() == text
    kept = "context: docker" not in text
    assert (root / "Dockerfile.build").exists() is kept or not kept


def test_a_runtime_under_another_name_is_named(tmp_path: Path) -> None:
    script = SCRIPT.replace("docker build -t demo:latest .", "docker build -t demo:latest -f Dockerfile.run .")
    files = {"build.sh": script, "Dockerfile": "", "Dockerfile.run": "FROM busybox\nCOPY app /\n"}
    root = lay(tmp_path, {**files, "test.sh": "#!/bin/sh\ndocker build -f Dockerfile.build .\n"})
    migrated(root)
    assert (root / "test.sh").read_text() == "#!/bin/sh\ndocker build -f Dockerfile.run --target builder .\n"
