"""What else names what a migration takes away: told with its line, and mended where that is sure to mean the same."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from migrate.compare.verdict import Verdict, compare_images
from migrate.discover import Driver, DriverKind, scan
from migrate.drivers.script import starts
from migrate.engine.client import connect
from migrate.engine.snapshot import read_image
from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.following import Inputs, traced
from migrate.pipeline.run import Mode, Request, migrate, undo_migration
from migrate.plan.heirs import heir_of
from migrate.plan.model import GroupPlan
from migrate.proof.prove import Given, Version, prove
from migrate.source import SourceFile, decode
from tests.engine.private import PrivateEngine
from tests.engine.reading import read_files
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, lay
from tests.proof.sides import analysed as sample_analysed
from tests.trios import FOLDER, NAMES

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
        ("MS455", "README.md:5:35"),
        ("MS454", "hack/notes.txt:1:1"),
        ("MS454", "hack/notes.txt:1:57"),
        ("MS456", ".gitignore:2:1"),
    }
    assert (root / "compose.yaml").read_text() == MENDED_COMPOSE
    mended = (root / "README.md").read_text()
    assert mended == README.replace("demo:build -f Dockerfile.build .", "demo:build --target builder .")
    assert "docker build --target=builder --pull -t t . # twice" in (root / ".github/workflows/test.yml").read_text()
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


OWN = {"sub/Dockerfile.build": BUILDER, "sub/Dockerfile": "FROM busybox\n", "sub/main.c": "x\n"}
"""A folder with a Dockerfile of its own by that name."""
UNSURE: dict[str, dict[str, str]] = {
    "a folder with its own": {**OWN, "test.sh": "cd sub\ndocker build -f Dockerfile.build .\n"},
    "the folder of a job": {
        **OWN,
        "ci.yml": "jobs:\n  t:\n    defaults: {run: {working-directory: sub}}\n    steps:\n    - run: docker build -f Dockerfile.build .\n",
    },
    "a folder elsewhere": {"test.sh": "cd /tmp/other\ndocker build -f Dockerfile.build .\n"},
    "a folder that isn't there": {"test.sh": "cd other && docker build -f Dockerfile.build .\n"},
    "a folder without one": {"sub/x": "x\n", "test.sh": "(cd sub && docker build -f Dockerfile.build .)\n"},
    "home": {"test.sh": "cd\ndocker build -f Dockerfile.build .\n"},
    "a folder of a variable": {"test.sh": "cd ${DIR}\ndocker build -f Dockerfile.build .\n"},
    "a new folder": {"test.sh": 'cd "$(basename x)"\ndocker build -f Dockerfile.build .\n'},
    "files by a pattern": {"test.sh": "sed -i s/12/13/ Dockerfile.*\ndocker build -f Dockerfile.build .\n"},
    "an earlier state": {"test.sh": "git checkout v1\ndocker build -f Dockerfile.build .\n"},
    "another repository": {"test.sh": "git clone https://example.org/x . && docker build -f Dockerfile.build .\n"},
    "another host": {"test.sh": "ssh builder docker build -f Dockerfile.build .\n"},
    "the context of another script": {
        "package.json": '{"scripts": {"a": "docker build -f Dockerfile.build sub", "b": "ls ."}}\n'
    },
    "a context in a comment": {"test.sh": "docker build -f Dockerfile.build sub # not .\n"},
    "a value like a context": {"test.sh": "docker build -f Dockerfile.build --label . sub\n"},
    "a context behind a name": {"test.sh": "docker build -f Dockerfile.build https://example.org/x.git\n"},
    "options of a variable": {"test.sh": "docker build $OPTIONS -f Dockerfile.build .\n"},
    "all arguments": {"test.sh": 'docker build -f Dockerfile.build . "$@"\n'},
    "an unknown option": {"test.sh": "docker build --frobnicate -f Dockerfile.build .\n"},
    "joined with the next line": {
        ".gitlab-ci.yml": "t:\n  script:\n  - >\n    docker build -f Dockerfile.build .\n    --target x\n"
    },
    "named otherwise too": {"test.sh": "test -f Dockerfile.build\ndocker build -f Dockerfile.build .\n"},
    "who starts the driver": {"Makefile": "image:\n\t./build.sh\ndev:\n\tdocker build -f Dockerfile.build -t dev .\n"},
    "an ignore file of its own": {
        "Dockerfile.build.dockerignore": "*\n!main.c\n",
        "test.sh": "docker build -f Dockerfile.build .\n",
    },
    "a renamed argument": {
        "Dockerfile.build": BUILDER.replace("WORKDIR", "ARG MODE=a\nWORKDIR"),
        "Dockerfile": RUNTIME.replace("COPY", "ARG MODE=b\nCOPY"),
        "build.sh": SCRIPT.replace("-t demo:build", "--build-arg MODE=x -t demo:build"),
        "test.sh": "docker build --build-arg MODE=z -f Dockerfile.build .\n",
    },
    "a platform": {
        "build.sh": SCRIPT.replace("-t demo:build", "--platform linux/arm64 -t demo:build"),
        "test.sh": "docker build -f Dockerfile.build .\n",
    },
    "a program": {"test.py": "# docker build -f Dockerfile.build .\nrun('docker build -f Dockerfile.build .')\n"},
    "a program that is compiled": {"mage.go": 'package main\n\nvar file = "Dockerfile.build"\n'},
    "quoted in a string": {"package.json": '{"scripts": {"t": "docker build -f \\"Dockerfile.build\\" -t t ."}}\n'},
    "the folder of a stage": {
        **OWN,
        "Jenkinsfile": "pipeline { stages { stage('t') { steps { dir('sub') { sh 'docker build -f Dockerfile.build .' } } } } }\n",
    },
    "a service in braces": {"compose.yaml": "services:\n  t:\n    build: {context: ., dockerfile: Dockerfile.build}\n"},
    "a service that another file changes": {
        "compose.yaml": COMPOSE,
        "compose.override.yaml": "services:\n  tests:\n    build:\n      dockerfile: Dockerfile.dev\n",
    },
    "a command of a service": {
        "compose.yaml": COMPOSE.replace("make test", "docker build -f Dockerfile.build .").replace(
            "  app:\n    build: .\n", ""
        )
    },
}


@pytest.mark.parametrize("name", UNSURE)
def test_what_may_mean_something_else_is_not_mended(name: str, tmp_path: Path) -> None:
    root = lay(tmp_path, UNSURE[name])
    changing = {"build.sh", "Dockerfile", "Dockerfile.build", ".dockerignore"}
    others = {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and str(p.relative_to(root)) not in changing}
    build = migrated(root)
    assert build.status is Status.WRITTEN, build.diagnostics
    assert "MS439" in {c for c, _ in told(build)}
    assert (root / "Dockerfile.build").exists()
    mended = {p.name for p, text in others.items() if p.read_bytes() != text}
    # what a service is built from is the stage all the same
    assert mended == ({"compose.yaml"} if name == "a command of a service" else set())


def test_a_link_keeps_what_it_leads_to(tmp_path: Path) -> None:
    root = lay(tmp_path)
    (root / "Dockerfile.dev").symlink_to("Dockerfile.build")
    assert "MS439" in {c for c, _ in told(migrated(root))}
    assert (root / "Dockerfile.dev").read_text() == BUILDER


DOCUMENTED = {
    "a table": ("| a | `docker build -t t -f Dockerfile.build .` |", "| a | `docker build -t t --target builder .` |"),
    "a fence, by CRLF": (
        "```sh\r\n$ docker build \\\r\n    -f Dockerfile.build \\\r\n\r\n```\r\n\r\n    sudo docker build . -f ./Dockerfile.build\r\n",
        "```sh\r\n$ docker build \\\r\n    -f Dockerfile.build \\\r\n\r\n```\r\n\r\n    sudo docker build . --target builder\r\n",
    ),
    "a sentence": ("docker build -f Dockerfile.build . and then", "docker build -f Dockerfile.build . and then"),
    "the pattern": (
        "docker build -t demo:build -f Dockerfile.build .\ndocker create demo:build\n",
        "docker build -t demo:build -f Dockerfile.build .\ndocker create demo:build\n",
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_document_is_mended_paragraph_by_paragraph(name: str, tmp_path: Path) -> None:
    before, after = DOCUMENTED[name]
    root = lay(tmp_path, {"README.md": before})
    assert migrated(root).status is Status.WRITTEN
    assert (root / "README.md").read_bytes().decode() == after


def test_a_script_in_a_folder_of_the_repository_is_mended_by_where_the_file_is(tmp_path: Path) -> None:
    nested = {f"svc/{n}": t for n, t in {"Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": "x\n"}.items()}
    script = SCRIPT.replace("docker build -t demo:build", "cd svc\ndocker build -t demo:build")
    files = {**nested, "build.sh": script, "Dockerfile": "", "Dockerfile.build": "", "main.c": ""}
    root = lay(tmp_path, {**files, "hack/dev.sh": "cd svc && docker build --file=./Dockerfile.build -t dev .\n"})
    root.joinpath("Makefile").write_text("dev:\n\tdocker build -f svc/Dockerfile.build svc\n")
    build = migrated(root)
    assert not (root / "svc/Dockerfile.build").exists(), build.diagnostics
    assert (root / "hack/dev.sh").read_text() == "cd svc && docker build --target=builder -t dev .\n"
    assert (root / "Makefile").read_text() == "dev:\n\tdocker build --target builder svc\n"


def pair() -> dict[str, str]:
    """Two trios side by side, one script each."""
    files = {"Dockerfile": "", "Dockerfile.build": "", "build.sh": ""}
    for name in "ab":
        script = SCRIPT.replace("Dockerfile.build", f"Dockerfile.{name}-build").replace(
            "demo:build", f"demo:{name}-build"
        )
        script = script.replace("-t demo:latest .", f"-t demo:{name} -f Dockerfile.{name} .").replace(
            "./app", f"./app{name}"
        )
        files |= {f"{name}.sh": script, f"Dockerfile.{name}-build": BUILDER}
        files[f"Dockerfile.{name}"] = RUNTIME.replace("app /", f"app{name} /")
    return files


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "docker build -f Dockerfile.a-build .\n\ndocker build -f Dockerfile.b-build .\n"),
        ("dev.sh", "docker build -f Dockerfile.a-build .\ndocker build -f Dockerfile.b-build .\n"),
        (
            "compose.yaml",
            "services:\n"
            + "".join(f"  {x}:\n    build:\n      context: .\n      dockerfile: Dockerfile.{x}-build\n" for x in "ab"),
        ),
        (".dockerignore", "*\n!main.c\n!appa\n!appb\nDockerfile.a-build\nDockerfile.b-build\n"),
    ],
)
def test_a_file_that_two_migrations_would_change_keeps_neither_from_being_made(
    name: str, text: str, tmp_path: Path
) -> None:
    root = lay(tmp_path, {**pair(), name: text})
    builds = migrate(Request(root=root, verify=False), lambda _side, _line: None).builds
    assert [b.status for b in builds] == [Status.WRITTEN] * 2, [b.diagnostics for b in builds]
    assert (root / name).read_text() == text


def test_entries_that_only_the_extraction_needed_go(tmp_path: Path) -> None:
    ignore = "*\n!main.c\n# the program, out of the builder\n!app\n\nDockerfile.build\n!*.h\n"
    root = lay(tmp_path, {".dockerignore": ignore})
    build = migrated(root)
    assert told(build) == {("MS455", ".dockerignore:4:1"), ("MS455", ".dockerignore:6:1")}
    assert (root / ".dockerignore").read_text() == "*\n!main.c\n\n!*.h\n"
    assert build.proof is not None
    assert build.proof.difference is None


@pytest.mark.parametrize(
    ("ignore", "files"),
    [
        ("*\n!main.c\n!app\n", {"Dockerfile.dev": "FROM busybox\nCOPY app /\n"}),
        ("*\n!main.c\n!app\n", {"Dockerfile.dev": "FROM busybox\nCOPY . /\n"}),
        (
            "*\n!main.c\n!app\n",
            {"compose.yaml": "services: {x: {build: {context: ., dockerfile_inline: FROM busybox}}}\n"},
        ),
        ("!app\n", {}),
        ("*\n!main.c\n!a*\n", {}),
    ],
    ids=["another dockerfile", "all of the context", "a dockerfile in a service", "nothing else", "a pattern"],
)
def test_entries_that_something_else_may_need_stay(ignore: str, files: dict[str, str], tmp_path: Path) -> None:
    root = lay(tmp_path, {".dockerignore": ignore, **files})
    assert migrated(root).status is Status.WRITTEN
    assert (root / ".dockerignore").read_text() == ignore


def test_what_is_true_still_is_not_told(tmp_path: Path) -> None:
    """History, a file of that name elsewhere, and an image that the file makes itself."""
    files = {
        "CHANGELOG.md": "- Dockerfile.build is new\n",
        "other/Dockerfile.build": "FROM busybox\n",
        "README.md": "See other/Dockerfile.build.\n",
        "dev.sh": "docker build -t demo:build -f Dockerfile.dev . && docker run demo:build\n",
        "Dockerfile.dev": "FROM busybox\n",
    }
    assert told(migrated(lay(tmp_path, files))) == set()


def test_a_comment_that_stays_in_the_driver_is_told(tmp_path: Path) -> None:
    """Those over the steps that go, go too."""
    script = SCRIPT.replace("docker build -t demo:build", "# compile by Dockerfile.build\ndocker build -t demo:build")
    script = script.replace(
        "docker build -t demo:latest", "\n# see Dockerfile.build for the compiler\ndocker build -t demo:latest"
    )
    assert told(migrated(lay(tmp_path, {"build.sh": script}))) == {("MS454", "build.sh:8:7")}


def test_what_a_file_still_needs_is_told_with_all_lines(tmp_path: Path) -> None:
    files = {
        "Dockerfile.dev": "FROM demo:build\nCOPY --from=demo:build / /\n",
        "README.md": "The result is bin/app.\n",
        "bin/keep": "x\n",
    }
    script = SCRIPT.replace("./app", "./bin/app").replace("rm bin/app\n", "").replace("rm ./bin/app\n", "")
    root = lay(tmp_path, {**files, "build.sh": script, "Dockerfile": RUNTIME.replace("COPY app", "COPY bin/app")})
    build = migrated(root)
    assert told(build) == {("MS454", "Dockerfile.dev:1:6"), ("MS454", "README.md:1:15")}
    assert next(d.notes for d in build.diagnostics if d.rule.code == "MS454") == ("it is named on line 2 too",)


@pytest.mark.parametrize("stage", ["Dockerfile.build", "Dockerfile"])
def test_a_mended_file_in_the_build_context_is_told(stage: str, tmp_path: Path) -> None:
    """The images hold the README: whether one is equal but for that is said by the proof."""
    trio = {"Dockerfile.build": BUILDER, "Dockerfile": RUNTIME}
    taken = trio[stage].replace("COPY main.c .", "COPY . .").replace("COPY app", "COPY README.md /doc/\nCOPY app")
    build = migrated(lay(tmp_path, {stage: taken, "README.md": README}))
    assert build.status is Status.WRITTEN
    assert "README.md" in {str(c.path) for c in build.changes}
    assert {"MS420" if stage == "Dockerfile" else "MS452"} <= {d.rule.code for d in build.diagnostics}
    assert build.proof is not None
    assert build.proof.difference is None


@pytest.mark.parametrize(
    "ahead", ['cd "$(dirname "$0")"', "cd ..", "cd ../..", 'cd "${0%/*}"', "cd $CI_PROJECT_DIR", "cd - "]
)
def test_ways_to_its_own_folder_are_known(ahead: str, tmp_path: Path) -> None:
    root = lay(tmp_path, {"hack/dev.sh": f"{ahead}\ndocker build -f Dockerfile.build .\n"})
    assert migrated(root).status is Status.WRITTEN
    assert (root / "hack/dev.sh").read_text() == f"{ahead}\ndocker build --target builder .\n"


def test_a_builder_behind_another_one_has_no_heir(tmp_path: Path) -> None:
    """The classic builder would make the first one too, which may want arguments that only the driver gives."""
    other = (
        SCRIPT.replace("Dockerfile.build", "Dockerfile.tool").replace("demo:build", "demo:tool").replace("app", "tool")
    )
    script = other.partition("docker build -t demo:latest")[0] + SCRIPT.partition("\n")[2]
    files = {
        "Dockerfile.tool": BUILDER.replace("app", "tool"),
        "Dockerfile": RUNTIME.replace("COPY app", "COPY tool /usr/bin/\nCOPY app"),
        "build.sh": script,
        "a.sh": "docker build -f Dockerfile.tool .\n",
    }
    root = lay(tmp_path / "first", files)
    assert {c for c, _ in told(migrated(root))} == {"MS455"}
    root = lay(tmp_path / "second", {**files, "a.sh": "docker build -f Dockerfile.build .\n"})
    assert {c for c, _ in told(migrated(root))} == {"MS439"}


def test_what_is_mended_can_be_undone(tmp_path: Path) -> None:
    root = lay(tmp_path, {"README.md": README, "compose.yaml": COMPOSE, ".dockerignore": "*\n!main.c\n!app\n"})
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    migrated(root)
    assert not undo_migration(root).diagnostics
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


def test_a_dry_run_shows_what_is_mended(tmp_path: Path) -> None:
    root = lay(tmp_path, {"README.md": README})
    (build,) = migrate(Request(root=root, verify=False, mode=Mode.DRY_RUN), lambda _side, _line: None).builds
    assert "README.md" in {str(c.path) for c in build.changes}
    assert (root / "README.md").read_text() == README


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    ignore = "*\n!main.c\n!app\nDockerfile.build\n"
    root = lay(tmp_path, {"README.md": README, "compose.yaml": COMPOSE, ".dockerignore": ignore})
    assert migrated(root).status is Status.WRITTEN
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert migrate(Request(root=root, verify=False), lambda _side, _line: None).builds == ()
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


WITH_HEIRS = NAMES


def heirs(sample: str) -> Iterator[tuple[Analysis, PurePosixPath, GroupPlan, str]]:
    """The Dockerfiles that go with a sample's migration, and the stage that is said to stand for each."""
    analysis = sample_analysed(FOLDER / sample / "legacy")
    assert analysis.plan is not None
    for group in analysis.plan.groups:
        for path in group.removed:
            heir = heir_of(path, analysis.plan.groups)
            if heir is not None:
                yield analysis, path, *heir


@pytest.mark.parametrize("sample", WITH_HEIRS)
def test_a_stage_makes_what_its_dockerfile_made(sample: str) -> None:
    """Held to the proof, which knows nothing of how a stage is taken for another's."""
    for analysis, path, group, stage in heirs(sample):
        repository = scan(FOLDER / sample / "legacy")
        changed = repository.changed({c.path: None if c.after is None else decode(c.after) for c in analysis.changes})
        sides = []
        for tree, options in ((repository, f"-f {path}"), (changed, f"-f {group.path} --target {stage}")):
            source = SourceFile(
                path=PurePosixPath("other.sh"), text=f"docker build -t other {options} {group.context}\n"
            )
            start = starts(Driver(path=source.path, kind=DriverKind.SCRIPT))[0]
            followed, found = traced(tree, source, start, Inputs())
            assert followed is not None, found
            sides.append(Version(trace=followed, repository=tree))
        given = Given(facts={}, dockerfiles={}, buildkit=True)
        proof = prove(sides[0], sides[1], analysis.changes, given)
        assert proof.difference is None, (path, stage, proof.difference)


def test_most_samples_have_one() -> None:
    assert sum(1 for sample in WITH_HEIRS if next(heirs(sample), None) is not None) >= 20


@pytest.mark.engine
@pytest.mark.parametrize("buildkit", ["1", "0"])
def test_what_is_mended_builds_the_same_image(tmp_path: Path, engine: PrivateEngine, buildkit: str) -> None:
    line = "docker build -t demo:other{} -f Dockerfile.build ."
    environment = engine.environment() | {"DOCKER_BUILDKIT": buildkit}
    root = lay(tmp_path, {"dev.sh": f"#!/bin/sh\n{line.format('')}\n"})
    snapshots = []
    for side in ("legacy", "mended"):
        subprocess.run(["sh", "-e", "dev.sh"], cwd=root, env=environment, check=True, capture_output=True, timeout=180)
        with closing(connect(environment)) as client:
            snapshot = read_image(client, "demo:other")
            assert snapshot is not None
            snapshots.append(replace(snapshot, files=read_files(client, snapshot.image_id, f"references-{side}")))
        engine.docker("image", "rm", "demo:other")
        if side == "legacy":
            assert {c for c, _ in told(migrated(root))} == {"MS455"}
            assert not (root / "Dockerfile.build").exists()
    assert compare_images(*snapshots).verdict is Verdict.IDENTICAL
