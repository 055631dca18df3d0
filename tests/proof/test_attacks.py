"""Builds that do what the reader of a script doesn't expect. Each was proved once, and its images differed on an engine."""

from dataclasses import replace
from pathlib import Path

import pytest

from migrate.discover import scan
from migrate.pipeline.following import Inputs
from migrate.pipeline.run import found_builds
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind
from migrate.proof.model import Proof
from tests.proof.sides import analysed, prove_changes
from tests.proof.test_prove import codes, lay

BUILD = "docker build -t demo:build -f Dockerfile.build .\n"
RUN = "docker run --name ex demo:build\n"
IDLE = "docker run -d --name ex demo:build sleep 60\n"
TAKE = "docker cp ex:/out ./out\ndocker rm -f ex\n"
FINAL = "docker build -t demo .\n"
GIVEN, LAST = (b.replace("-t", "--build-arg V -t") for b in (BUILD, FINAL))
CREATE = "docker create --name ex demo:build\n"
BUILDER = "FROM busybox\nRUN mkdir /out\nCMD echo x >> /out/n\n"
RUNTIME = "FROM busybox\nCOPY out /opt/\n"
ARGUMENT = "FROM busybox\nARG V\nRUN mkdir /out && echo $V > /out/v\n"
ENTRYPOINT = "FROM busybox\nRUN mkdir /out\nENTRYPOINT echo $0 $@ > /out/n\n"
SCRIPT = "mkdir -p /artifacts/app && echo x > /artifacts/app/y && echo z > /app\n"
APP = {
    "Dockerfile.build": "FROM busybox\nCOPY app.sh .\nRUN sh app.sh\n",
    "Dockerfile": "FROM busybox\nCOPY app /opt/\n",
}
MOUNTED = 'docker run --rm -v "$PWD":/src -v "$PWD/out":/src/dist demo:build sh -c \'echo x > /src/dist/x\'\n'


def proof_of(tmp_path: Path, script: str, files: dict[str, str]) -> Proof | None:
    """The proof of what the tool itself would write; None where it plans nothing."""
    tree = {"build.sh": f"#!/bin/sh\nset -e\n{script}", "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, **files}
    analyses = found_builds(scan(lay(tmp_path, tree)), Inputs())
    return next((a.proof for a in analyses if a.plan is not None), None)


NOT_PROVED = {
    "an argument from a variable that changes between the builds": (
        f"export V=5\n{GIVEN}{CREATE}{TAKE}export V=6\n{LAST}",
        {"Dockerfile.build": ARGUMENT, "Dockerfile": RUNTIME.replace("COPY", "ARG V\nCOPY")},
        "sees `V` as",
    ),
    "an argument from a variable that is exported between the builds": (
        f"V=5\n{GIVEN}{CREATE}{TAKE}export V\n{LAST}",
        {"Dockerfile.build": ARGUMENT, "Dockerfile": RUNTIME.replace("COPY", "ARG V\nCOPY")},
        "sees `V` as",
    ),
    "a container that is started again": (f"{BUILD}{RUN}docker start -a ex\n{TAKE}{FINAL}", {}, "more than once"),
    "a container that is started twice": (
        f"{BUILD}{CREATE}docker start -a ex\ndocker start -a ex\n{TAKE}{FINAL}",
        {},
        "more than once",
    ),
    "a label that an option gives the base": (
        f"{BUILD.replace('-t', '--label a=b -t')}{CREATE}{TAKE}{FINAL}",
        {"Dockerfile": "FROM demo:build\nCOPY out /opt/\n"},
        "LABEL a b",
    ),
    "the whole of a container in a folder": (
        f"{BUILD}{CREATE}docker export ex > root.tar\ndocker rm ex\n{FINAL}",
        {"Dockerfile": "FROM busybox\nADD root.tar /opt/\n"},
        "what docker puts there",
    ),
    "the container's /etc elsewhere": (
        f"{BUILD}{CREATE}docker cp ex:/etc ./etc\ndocker rm ex\n{FINAL}",
        {"Dockerfile": "FROM busybox\nCOPY etc /opt/\n"},
        "what docker puts there",
    ),
    "a folder that a container has at two places": (f"{BUILD}{MOUNTED}{FINAL}", {}, "at two places"),
    "parts that are built with another builder": (
        f"DOCKER_BUILDKIT=0 {BUILD}{CREATE}{TAKE}DOCKER_BUILDKIT=1 {FINAL}",
        {},
        "DOCKER_BUILDKIT",
    ),
    "a script that has the folder of the migration": (
        f"{BUILD}{CREATE}docker cp ex:/app app\ndocker rm ex\nchmod 700 app\n{FINAL}",
        {**APP, "app.sh": SCRIPT},
        "chmod 700",
    ),
}


@pytest.mark.parametrize(("script", "files", "said"), NOT_PROVED.values(), ids=NOT_PROVED)
def test_what_differs_is_not_proved(tmp_path: Path, script: str, files: dict[str, str], said: str) -> None:
    proof = proof_of(tmp_path, script, files)
    assert proof is not None
    assert proof.difference is not None
    assert said in proof.difference.message


NOT_PLANNED = {
    "exec with a variable": f"{BUILD}{IDLE}docker exec -e Q=5 ex sh -c 'echo $Q > /out/q'\n{TAKE}{FINAL}",
    "exec in a folder": f"{BUILD}{IDLE}docker exec -w /out ex sh -c 'pwd > n'\n{TAKE}{FINAL}",
    "exec as a user": f"{BUILD}{IDLE}docker exec -u 5 ex sh -c 'id -u > /out/n'\n{TAKE}{FINAL}",
    "a terminal's line ends": f"{BUILD}mkdir -p out\ndocker run -t demo:build cat /etc/passwd > out/n\n{FINAL}",
    "errors among the output": f"{BUILD}mkdir -p out\ndocker run demo:build sh -c 'ls / /x' > out/n 2>&1\n{FINAL}",
}


@pytest.mark.parametrize("script", NOT_PLANNED.values(), ids=NOT_PLANNED)
def test_what_a_stage_would_not_do_is_not_planned(tmp_path: Path, script: str) -> None:
    assert proof_of(tmp_path, script, {}) is None


def test_output_into_a_file_that_may_be_run_is_not_planned(tmp_path: Path) -> None:
    """It keeps its mode, which a file that RUN makes has not."""
    (lay(tmp_path, {"app": ""}) / "app").chmod(0o755)
    script = f"{BUILD}docker run --rm demo:build cat /etc/passwd > app\n{FINAL}"
    assert proof_of(tmp_path, script, {"Dockerfile": "FROM busybox\nCOPY app /opt/\n"}) is None


def test_what_stands_behind_an_entrypoint_in_shell_form_is_given_to_it(tmp_path: Path) -> None:
    script = f"{BUILD}{RUN.strip()} a b\n{TAKE}{FINAL}"
    tree = lay(tmp_path, {"build.sh": f"#!/bin/sh\n{script}", "Dockerfile.build": ENTRYPOINT, "Dockerfile": RUNTIME})
    analysis = analysed(tree)
    text = next(c.after for c in analysis.changes if c.path.name == "Dockerfile") or b""
    assert b'RUN ["/bin/sh", "-c", "echo $0 $@ > /out/n", "a", "b"]' in text
    assert analysis.proof is not None
    assert analysis.proof.difference is None


@pytest.mark.parametrize(
    "command", ["webpack -o dist", "go build -o dist/ ./...", "test -d x && mkdir dist || make dist", "grep mkdir dist"]
)
def test_what_a_command_may_make_is_no_certain_kind(tmp_path: Path, command: str) -> None:
    """Another name in a folder: a file lands under it, a folder is opened."""
    script = f"{BUILD}{CREATE}docker cp ex:/src/dist ./site\ndocker rm ex\n{FINAL}"
    files = {
        "Dockerfile.build": f"FROM busybox\nWORKDIR /src\nRUN {command}\n",
        "Dockerfile": "FROM busybox\nCOPY site /opt/\n",
    }
    proof = proof_of(tmp_path, script, files)
    assert proof is not None
    assert "MS403" in codes(proof)


def test_a_shared_folder_is_taken_to_have_the_usual_mode_where_it_is_copied_with_others(tmp_path: Path) -> None:
    script = f"{BUILD}docker run --rm -v \"$PWD/out\":/out demo:build sh -c 'chmod 700 /out'\n{FINAL}"
    proof = proof_of(tmp_path, script, {"Dockerfile": "FROM busybox\nCOPY . /opt/\n"})
    assert proof is not None
    assert proof.difference is None
    assert "MS443" in codes(proof)


def test_a_file_that_the_host_opens_to_anyone_is_proved(tmp_path: Path) -> None:
    script = f"{BUILD}{CREATE}docker cp ex:/etc/passwd app\ndocker rm ex\nchmod 777 app\n{FINAL}"
    proof = proof_of(tmp_path, script, {"Dockerfile": "FROM busybox\nCOPY app /opt/\n"})
    assert proof is not None
    assert proof.difference is None


def test_what_matches_in_a_folder_of_root_is_root_s(tmp_path: Path) -> None:
    files = {
        "build.sh": f"#!/bin/sh\n{BUILD}{CREATE}{TAKE}{FINAL}",
        "Dockerfile.build": BUILDER,
        "Dockerfile": "FROM busybox\nCOPY out/*.js /opt/\n",
    }
    analysis = analysed(lay(tmp_path, files))
    key = next(iter(analysis.plan.artifacts)) if analysis.plan is not None else None
    assert isinstance(key, ArtifactKey)
    fact = ArtifactFact(kind=ArtifactKind.DIRECTORY, root_owned=True)
    changes = tuple(
        replace(c, after=c.after.replace(b" --chown=0:0", b"")) if c.after is not None else c for c in analysis.changes
    )
    assert prove_changes(tmp_path, analysis, changes, {key: fact}).difference is None
    assert prove_changes(tmp_path, analysis, changes).difference is not None


def test_an_argument_that_a_variable_is_made_of_may_have_another_name(tmp_path: Path) -> None:
    """`ENV V=${V}x` hides the ARG that is called otherwise now; the command sees one variable more, and that is told."""
    builder = ARGUMENT.replace("ARG V\n", "ARG V\nENV V=${V}x\n")
    script = f"{GIVEN.replace('V -t', 'V=1 -t')}{CREATE}{TAKE}{LAST.replace('V -t', 'V=2 -t')}"
    files = {"Dockerfile.build": builder, "Dockerfile": RUNTIME.replace("COPY", "ARG V\nRUN echo $V\nCOPY")}
    proof = proof_of(tmp_path, script, files)
    assert proof is not None
    assert proof.difference is None
    assert "MS432" in codes(proof)


def test_an_argument_ahead_of_from_that_another_one_is_made_of_keeps_its_value(tmp_path: Path) -> None:
    builder = "ARG A=1\nARG B=$A-2\nFROM busybox\nARG B\nRUN mkdir /out && echo $B > /out/b\n"
    files = {"Dockerfile.build": builder, "Dockerfile": "ARG A=9\n" + RUNTIME.replace("COPY", "ARG A\nCOPY")}
    proof = proof_of(tmp_path, f"{BUILD}{CREATE}{TAKE}{FINAL}", files)
    assert proof is not None
    assert proof.difference is None
