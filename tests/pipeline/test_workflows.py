"""CI files as drivers through the static phases: the shapes of each service, and what is left of their text."""

import re
from pathlib import Path, PurePosixPath

import pytest

from migrate.discover import scan
from migrate.drivers.script import Start, command_text, jobs_of
from migrate.outcome import Status
from migrate.pipeline.run import Request, migrate
from migrate.source import SourceFile
from tests.pipeline.legacy import analysed, codes, lay, rendered

STEPS = [
    "docker build -t demo:build -f Dockerfile.build .",
    "docker create --name extract demo:build",
    "docker cp extract:/src/app ./app",
    "docker rm extract",
    "docker build -t demo:latest .",
    "rm ./app",
]


def listed(indent: int, dash: str = "- ") -> str:
    return "".join(f"{' ' * indent}{dash}{s}\n" for s in STEPS)


FILES = {
    ".gitlab-ci.yml": f"job:\n  script:\n{listed(4)}",
    ".travis.yml": f"language: c\nscript:\n{listed(2)}",
    "circle.yml": f"machine:\n  services:\n    - docker\ntest:\n  override:\n{listed(4)}",
    "bitbucket-pipelines.yml": f"pipelines:\n  default:\n    - step:\n        script:\n{listed(10)}",
    ".circleci/config.yml": f"version: 2\njobs:\n  build:\n    steps:\n      - checkout\n      - run: |\n{listed(10, '')}",
    ".circleci/named.yml": f"jobs:\n  build:\n    steps:\n      - run:\n          name: all\n          command: |\n{listed(12, '')}",
    "azure-pipelines.yml": f"steps:\n- script: |\n{listed(4, '')}",
    "azure-stages.yml": f"stages:\n- stage: a\n  jobs:\n  - job: b\n    steps:\n    - bash: |\n{listed(8, '')}",
    ".github/workflows/ci.yml": f"jobs:\n  all:\n    steps:\n      - uses: x\n      - run: |\n{listed(10, '')}",
}


@pytest.mark.parametrize("name", FILES)
def test_a_job_loses_the_extraction(name: str, tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": "", name: FILES[name]})
    assert codes(analysis) == []
    kept = [
        line.strip().removeprefix("- ") for line in (rendered(analysis)[name] or "").splitlines() if "docker " in line
    ]
    assert kept == ["docker build -t demo:latest ."]
    assert "Dockerfile.build" not in (rendered(analysis)[name] or "")


def test_steps_that_are_one_command_each_are_not_left_empty(tmp_path: Path) -> None:
    steps = "".join(f"      - run: {s}\n" for s in STEPS)
    analysis = analysed(tmp_path, {"build.sh": "", ".github/workflows/ci.yml": f"jobs:\n  all:\n    steps:\n{steps}"})
    assert codes(analysis) == ["MS410"]
    (told,) = [d for d in analysis.diagnostics if d.rule.code == "MS410"]
    assert "docker cp extract:/src/app ./app` goes" in told.notes[0]


def test_each_step_is_a_shell_of_its_own() -> None:
    """`cd` and what a step sets end with it."""
    text = """\
jobs:
  all:
    env: {TAG: "7"}
    steps:
      - run: |
          cd sub
          TAG=no
      - working-directory: sub
        run: docker build -t demo:$TAG .
"""
    source = SourceFile(path=PurePosixPath(".github/workflows/ci.yml"), text=text)
    (job,) = jobs_of(source)
    assert [s.directory for s in job.steps] == [None, "sub"]
    ran = command_text(source, Start(directory=PurePosixPath(), name="job all", job="all"))
    assert re.findall(r"^(?:cd|export|docker).*$", ran, re.MULTILINE) == [
        'export TAG="7"',
        "cd sub",
        'cd "sub"',
        "docker build -t demo:$TAG .",
    ]


def test_an_expression_of_the_service_is_an_unknown_of_that_name(tmp_path: Path) -> None:
    text = FILES[".github/workflows/ci.yml"].replace("demo:latest", "demo:${{ github.sha }}")
    analysis = analysed(tmp_path, {"build.sh": "", ".github/workflows/ci.yml": text})
    assert analysis.plan is not None
    (kept,) = [b for b in analysis.plan.builds if b.number not in analysis.plan.dropped]
    assert str(kept.tags[0]) == "demo:github.sha"


def test_text_that_is_no_yaml(tmp_path: Path) -> None:
    analysis = analysed(tmp_path, {"build.sh": "", ".travis.yml": "script:\n  - docker cp x:/a .\n bad: [\n"})
    assert codes(analysis) == ["MS122"]


def test_aliases_that_grow_without_end(tmp_path: Path) -> None:
    lines = ["a0: &a0 [docker cp x:/a .]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert codes(analysed(tmp_path, {"build.sh": "", ".gitlab-ci.yml": "\n".join(lines) + "\n"})) == ["MS122"]


@pytest.mark.parametrize("path", ["app", "./app", "ap*", "**/app", "app/**", "**/*pp"])
def test_a_file_that_the_service_keeps_is_not_taken_away(path: str, tmp_path: Path) -> None:
    kept = FILES[".gitlab-ci.yml"] + f"  artifacts:\n    paths:\n      - '{path}'\n"
    analysis = analysed(tmp_path, {"build.sh": "", ".gitlab-ci.yml": kept})
    assert (analysis.plan, codes(analysis)) == (None, ["MS410"])


def test_a_step_on_a_condition_is_refused(tmp_path: Path) -> None:
    text = FILES[".github/workflows/ci.yml"].replace("- run: |", "- if: github.ref == 'x'\n        run: |")
    analysis = analysed(tmp_path, {"build.sh": "", ".github/workflows/ci.yml": text})
    assert (analysis.plan, codes(analysis)) == (None, ["MS201"])


def test_a_job_that_calls_the_script_leaves_it_to_the_script(tmp_path: Path) -> None:
    workflow = "docker-job:\n  script:\n    - ./build.sh\n    - docker save demo > image.tar\n"
    root = lay(tmp_path, {".gitlab-ci.yml": workflow})
    outcome = migrate(Request(root=root, verify=False), lambda _side, _text: None)
    assert [(str(b.driver), b.status) for b in outcome.builds] == [("build.sh", Status.WRITTEN)]
    assert scan(root).source(PurePosixPath(".gitlab-ci.yml")) is not None
