"""Repositories that are multi-stage already: stages get names, and everything else stays as it is."""

import subprocess
from pathlib import Path

import pytest

from migrate.compare.verdict import Verdict
from migrate.outcome import MigrationOutcome, Status, exit_code
from migrate.pipeline.run import Mode, Request, migrate
from migrate.proof.model import Verdict as Proved
from tests.engine.private import PrivateEngine
from tests.pipeline import legacy
from tests.trios import BEYOND

GREETING = (BEYOND / "half-migrated/legacy/Dockerfile").read_text()
NAMED = (BEYOND / "half-migrated/expected/Dockerfile").read_text()


def lay(root: Path, text: str, path: str = "Dockerfile", **files: str) -> Path:
    for name, content in {path: text, "greeting": "hello\nall\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode())
    return root


def refined(root: Path, mode: Mode = Mode.WRITE, *, verify: bool = False) -> MigrationOutcome:
    return migrate(Request(root=root, mode=mode, verify=verify), lambda _side, _line: None)


def test_stages_get_names(tmp_path: Path) -> None:
    lay(tmp_path, GREETING)
    outcome = refined(tmp_path)
    (build,) = outcome.builds
    assert build.status is Status.WRITTEN
    assert build.proof is not None
    assert build.proof.verdict is Proved.PROVED
    assert (tmp_path / "Dockerfile").read_text() == NAMED
    assert refined(tmp_path).builds == ()
    assert exit_code(outcome, check=False) == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("FROM a\nFROM b\nCOPY --from=0 /x /\n", "FROM a AS builder\nFROM b\nCOPY --from=builder /x /\n"),
        ("FROM a AS x\nFROM b\nCOPY --from=0 /x /\n", "FROM a AS x\nFROM b\nCOPY --from=x /x /\n"),
        (
            "ARG BASE=builder\nFROM a\nFROM $BASE\nCOPY --from=0 /x /\n",
            "ARG BASE=builder\nFROM a AS build\nFROM $BASE\nCOPY --from=build /x /\n",
        ),
        ("FROM a AS builder\nFROM a\nFROM b\n", "FROM a AS builder\nFROM a AS build\nFROM b\n"),
        ("FROM a\nFROM b\nCOPY --from=builder /x /\n", "FROM a AS build\nFROM b\nCOPY --from=builder /x /\n"),
        (
            "FROM a\nFROM b\nRUN --mount=type=bind,from=builder,source=/x cat /x\n",
            "FROM a AS build\nFROM b\nRUN --mount=type=bind,from=builder,source=/x cat /x\n",
        ),
        (
            "FROM x/node:10\nFROM node:10\nFROM b\nCOPY --from=0 /app/. /\nCOPY --from=1 /a /\n",
            "FROM x/node:10 AS node-builder\nFROM node:10 AS build-a\nFROM b\nCOPY --from=node-builder /app/. /\nCOPY --from=build-a /a /\n",
        ),
        ("FROM a\r\nFROM b\r\nCOPY --from=0 /x /", "FROM a AS builder\r\nFROM b\r\nCOPY --from=builder /x /"),
        (
            "FROM --platform=$BUILDPLATFORM a  \nFROM b\nCOPY \\\n  # why\n  --from=0 \\\n  /x /\n",
            "FROM --platform=$BUILDPLATFORM a AS builder  \nFROM b\nCOPY \\\n  # why\n  --from=builder \\\n  /x /\n",
        ),
    ],
)
def test_names(text: str, named: str, tmp_path: Path) -> None:
    lay(tmp_path, text)
    refined(tmp_path)
    assert (tmp_path / "Dockerfile").read_bytes().decode() == named


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\n",
        "FROM a AS x\nFROM b\nCOPY --from=x /x /\n",
        "FROM a AS x\nFROM b\nRUN --mount=type=bind,from=0,source=/x cat /x\n",
        "FROM a AS x\nFROM b\nCOPY --from=7 /x /\nCOPY --from=$N /x /\n",
        "FROM a AS x\nFROM b\nONBUILD COPY --from=0 /x /\n",
    ],
)
def test_nothing_to_name(text: str, tmp_path: Path) -> None:
    lay(tmp_path, text)
    assert refined(tmp_path).builds == ()


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("docker/Dockerfile.prod", True),
        ("prod.Dockerfile", True),
        ("Dockerfile.j2", False),
        ("Dockerfile.md", False),
        ("vendor/Dockerfile", False),
        ("node_modules/x/Dockerfile", False),
    ],
)
def test_which_files_are_dockerfiles(path: str, named: bool, tmp_path: Path) -> None:
    lay(tmp_path, GREETING, path)
    assert len(refined(tmp_path).builds) == named


def test_check_is_about_legacy_builds(tmp_path: Path) -> None:
    lay(tmp_path, GREETING)
    outcome = refined(tmp_path, Mode.CHECK)
    assert outcome.builds == ()
    assert exit_code(outcome, check=True) == 0


@pytest.mark.engine
@pytest.mark.parametrize("buildkit", ["1", "0"], ids=["buildkit", "classic"])
def test_names_are_verified(
    tmp_path: Path, buildkit: str, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the engine that all of a repository is built in its own folder, by `docker build` in it."""
    for name, value in (engine.environment() | {"DOCKER_BUILDKIT": buildkit}).items():
        monkeypatch.setenv(name, value)
    lay(tmp_path, GREETING, "docker/Dockerfile")
    (build,) = refined(tmp_path, verify=True).builds
    assert build.status is Status.WRITTEN, build.diagnostics
    assert build.verification is not None
    assert [c.comparison.verdict for c in build.verification.checks] == [Verdict.IDENTICAL]
    assert (tmp_path / "docker/Dockerfile").read_text() == NAMED
    images = subprocess.run(
        ["docker", "images", "-q", "--filter", "reference=ms-migrate*/*"],
        env=engine.environment(),
        check=True,
        capture_output=True,
    )
    assert images.stdout == b""


@pytest.mark.engine
def test_beside_a_legacy_build_one_that_fails_is_told(
    tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in engine.environment().items():
        monkeypatch.setenv(name, value)
    trio = legacy.lay(tmp_path)
    (trio / "Dockerfile.multi").write_text(GREETING.replace("sort greeting", "none-such"))
    (trio / "greeting").write_text("hello\n")
    outcome = refined(trio, verify=True)
    assert [b.status for b in outcome.builds] == [Status.WRITTEN, Status.UNCHANGED]
    assert [d.rule.code for d in outcome.builds[1].diagnostics] == ["MS474"]
    assert exit_code(outcome, check=False) == 0


@pytest.mark.engine
def test_a_wrong_name_is_found(tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in engine.environment().items():
        monkeypatch.setenv(name, value)
    text = "FROM busybox\nRUN echo one > /x\n\nFROM busybox\nRUN echo two > /x\n\nFROM busybox\nCOPY --from=0 /x /\n"
    lay(tmp_path, text)
    named = text.replace("busybox\n", "busybox AS one\n", 1).replace("busybox\n", "busybox AS two\n", 1)
    monkeypatch.setattr("migrate.pipeline.refining.apply_edits", lambda *_: named.replace("--from=0", "--from=two"))
    (build,) = refined(tmp_path, verify=True).builds
    assert build.status is Status.DIFFERENT
    assert {d.rule.code for d in build.diagnostics} >= {"MS453", "MS503"}
