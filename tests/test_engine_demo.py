"""The demo chooses its engine as it says, and ends as the tool does. `docker` and `ms-migrate` are scripts here."""

import contextlib
import os
from pathlib import Path

import pytest

from tests.engine import demo

MIGRATION = """#!/bin/sh
echo "verdict for $1"
echo "# migrated" >> "$1/Dockerfile"
rm -f "$1/Dockerfile.build"
exit $CODE
"""


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("images", "pulls", "chosen", "said"),
    [
        pytest.param("alpine:latest golang:1.21-alpine", "", True, "real base images", id="there"),
        pytest.param("alpine:latest", "golang:1.21-alpine", True, "pulling golang:1.21-alpine", id="one pulled"),
        pytest.param("alpine:latest", "", False, "neither has golang:1.21-alpine nor can pull it", id="out of reach"),
        pytest.param(None, "", False, "", id="no engine"),
    ],
)
def test_the_engine_that_runs_is_used_if_it_has_the_images(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    images: str | None,
    pulls: str,
    chosen: bool,
    said: str,
) -> None:
    log = tmp_path / "log"
    arms = f'case "$1 $2" in version*) exit {0 if images is not None else 1} ;;\n'
    arms += f'"image inspect") case " {images} " in *" $3 "*) exit 0 ;; esac; exit 1 ;;\n'
    arms += '"image rm") exit 0 ;;\n'
    arms += f'pull*) case " {pulls} " in *" $3 "*) exit 0 ;; esac; exit 1 ;;\nesac\n'
    script(tmp_path / "docker", f'#!/bin/sh\necho "$@" >> {log}\n{arms}exit 99\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with contextlib.ExitStack() as stack:
        assert (demo.running_engine(stack) is os.environ) == chosen
        assert said in capsys.readouterr().err
        calls = log.read_text().splitlines()
        assert {c.split()[0] for c in calls} <= {"version", "image", "pull"}
        assert not any(c.startswith("image rm") for c in calls)
    removed = [c.removeprefix("image rm ") for c in log.read_text().splitlines() if c.startswith("image rm ")]
    assert removed == pulls.split()


@pytest.mark.parametrize("code", [0, 1, 3])
def test_it_shows_what_the_tool_did_and_ends_as_the_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: int
) -> None:
    monkeypatch.setattr(demo, "MS_MIGRATE", script(tmp_path / "ms-migrate", MIGRATION))
    legacy = {path: path.read_bytes() for path in demo.LEGACY.iterdir()}
    assert demo.show(tmp_path / "href-counter", os.environ | {"CODE": str(code)}) == code
    output = capfd.readouterr().out
    assert output.count("verdict for href-counter") == (2 if code == 0 else 1)
    assert code != 0 or output.endswith("# migrated\n\nverdict for href-counter\n")
    assert ("+# migrated" in output) == (code == 0)
    assert ("2 files changed" in output) == (code == 0)
    assert {path: path.read_bytes() for path in demo.LEGACY.iterdir()} == legacy


def test_without_any_engine_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "running_engine", lambda _stack: None)
    monkeypatch.setattr(demo, "unavailable", lambda: "dockerd not found: `apt-get install docker.io`")
    assert demo.main() == 3
    assert capsys.readouterr().err.splitlines() == [
        "demo: no container engine answers, and dockerd not found: `apt-get install docker.io`"
    ]


def test_the_base_images_are_those_of_the_sample() -> None:
    assert demo.base_images() == ["alpine:latest", "golang:1.21-alpine"]
