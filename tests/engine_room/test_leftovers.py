"""Whatever ends a verification, nothing of it is left, and nothing of the user's is gone: the real command, ended at many moments.

`MS_FUZZ=100` takes 100 moments a builder instead of the few of each run.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from migrate.outcome import CleanOutcome
from migrate.pipeline import cleaning
from tests.engine.private import PrivateEngine
from tests.engine_room.test_cleanup import built, everything

pytestmark = pytest.mark.engine

MOMENTS = int(os.environ.get("MS_FUZZ", "2"))
SPAN_SECONDS = 2.2
"""About how long a verification of CREATES takes from its journal's entry on."""
MS_MIGRATE = Path(sys.executable).with_name("ms-migrate")
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(params=["1", "0"], ids=["buildkit", "classic"])
def environment(engine: PrivateEngine, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    own = {"XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path / "tmp"), "DOCKER_BUILDKIT": request.param}
    return engine.environment() | own | {"NO_COLOR": "1"}


@pytest.fixture
def users(engine: PrivateEngine, environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """Things of the user's: an image with a name, one that lost it and that a build of the run comes to, containers, a volume."""
    there = set(everything(engine))
    folder = sample(tmp_path / "user", "creates")
    built(engine, environment, folder, (folder / "Dockerfile.builder").read_text(), "user/lost")
    built(engine, environment, tmp_path / "other", "FROM busybox\nRUN echo 1 > /x\n", "user/lost")
    engine.docker("volume", "create", "user-volume")
    engine.docker("run", "-d", "--name", "user-container", "-v", "user-volume:/v", "user/lost", "sleep", "1000")
    engine.docker("create", "--name", "ms-migrate-user", "user/lost", "true")
    yield
    engine.docker("rm", "-f", "user-container", "ms-migrate-user")
    engine.docker("volume", "rm", "user-volume")
    for key in sorted(set(everything(engine)) - there):
        subprocess.run(["docker", "rmi", "-f", key.split()[1]], env=environment, check=False, capture_output=True)


def sample(folder: Path, kind: str) -> Path:
    """A repository whose builder takes a while: in a step of its build, or in a container that runs."""
    if kind == "creates":
        shutil.copytree(SAMPLES / "cp-of-create/legacy", folder)
        with (folder / "Dockerfile.builder").open("a") as stream:
            stream.write("RUN sleep 0.3\n")
    else:
        shutil.copytree(SAMPLES / "run-cp/legacy", folder)
        with (folder / "compile.sh").open("a") as stream:
            stream.write("sleep 50\n")
    if kind == "builds":
        with (folder / "Dockerfile.build").open("a") as stream:
            stream.write("RUN sleep 50\n")
    return folder


def start(root: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    words = [str(MS_MIGRATE), "--dry-run", str(root)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def clean(environment: dict[str, str]) -> CleanOutcome:
    return cleaning.clean(environment, lambda _side, _text: None)


def command(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [str(MS_MIGRATE), "verify", "--clean"]
    return subprocess.run(words, env=environment, check=True, capture_output=True, text=True, timeout=60)


def wait_for(what: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def entries(environment: dict[str, str]) -> list[Path]:
    return list(Path(environment["XDG_STATE_HOME"]).glob("ms-migrate/runs/*.json"))


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.lstat().st_mode, p.read_bytes()) for p in sorted(root.rglob("*")) if p.is_file()}


def kill(process: subprocess.Popen[str], *, all_of_it: bool) -> None:
    """The process alone, so that its script goes on; or all of it at once, as when a machine's memory is out."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split() if all_of_it else []
    process.kill()
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(int(child), signal.SIGKILL)
    process.communicate()


def left(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """What is new, but for images of the classic builder without a name: of its last step none tells whose it was."""
    return [k for k in now if k not in before and not (k.startswith("image") and not now[k]["RepoTags"])]


@pytest.mark.usefixtures("users")
def test_after_a_kill_at_any_moment_nothing_is_left(
    engine: PrivateEngine, environment: dict[str, str], tmp_path: Path
) -> None:
    root = sample(tmp_path / "demo", "creates")
    tree, before = contents(root), everything(engine)
    buildkit = environment["DOCKER_BUILDKIT"] == "1"
    ended = found = 0
    for moment in range(MOMENTS):
        process = start(root, environment)
        wait_for(lambda: entries(environment))
        time.sleep(SPAN_SECONDS * moment / MOMENTS)
        ended += process.poll() is None
        if process.poll() is None:
            kill(process, all_of_it=moment % 2 == 1)
        else:
            process.communicate()
        done = clean(environment)
        assert done.exit_code == 0, done
        found += sum(r.containers + r.tags for r in done.runs)
        now = everything(engine)
        assert {k: now.get(k) for k in before} == before, f"moment {moment}: of the user's"
        assert left(now, before) == [], f"moment {moment}: {done}"
        assert not buildkit or now == before
        assert entries(environment) == []
        assert list((tmp_path / "tmp").iterdir()) == [], f"moment {moment}"
        assert contents(root) == tree
    assert ended >= MOMENTS * 0.7, "most of them were to be killed at work"
    assert found > 0
    process = start(root, environment)
    wait_for(lambda: list((tmp_path / "tmp").glob("*/legacy*/bin/docker")))
    kill(process, all_of_it=False)
    assert command(environment).stdout.startswith("ms-migrate-")
    assert list((tmp_path / "tmp").iterdir()) == []
    assert command(environment).stdout == "ms-migrate: nothing is left of any verification\n"


SIGNALS: dict[str, Sequence[signal.Signals]] = {
    "ctrl-c": [signal.SIGINT],
    "ctrl-c twice": [signal.SIGINT, signal.SIGINT],
    "terminated": [signal.SIGTERM],
    "terminal closed": [signal.SIGHUP, signal.SIGTERM, signal.SIGHUP],
}


CASES = [("0", "builds", name) for name in SIGNALS] + [("0", "runs", "ctrl-c"), ("1", "builds", "ctrl-c twice")]


@pytest.mark.parametrize(
    ("environment", "kind", "name"),
    [pytest.param(*c, id=f"{'buildkit' if c[0] == '1' else 'classic'}-{c[1]}-{c[2]}") for c in CASES],
    indirect=["environment"],
)
def test_an_interrupted_verification_leaves_nothing(
    name: str, kind: str, engine: PrivateEngine, environment: dict[str, str], tmp_path: Path
) -> None:
    """In the middle of a step of a build, and of a container that runs."""
    root = sample(tmp_path / "demo", kind)
    tree, before = contents(root), everything(engine)
    process = start(root, environment)
    wait_for(lambda: subprocess.run(["pgrep", "-fx", "sleep 50"], check=False, capture_output=True).returncode == 0)
    for sign in SIGNALS[name]:
        process.send_signal(sign)
        time.sleep(0.05)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "nothing of this verification is left" in said
    assert everything(engine) == before
    assert entries(environment) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert contents(root) == tree


@pytest.mark.parametrize("environment", ["0"], ids=["classic"], indirect=True)
def test_an_interrupted_clean_up_is_brought_to_its_end(
    engine: PrivateEngine, environment: dict[str, str], tmp_path: Path
) -> None:
    root = sample(tmp_path / "demo", "creates")
    before = everything(engine)
    for moment in range(max(2, MOMENTS // 5)):
        process = start(root, environment)
        assert process.stderr is not None
        for line in process.stderr:
            if "identical" in line:
                break
        time.sleep(0.05 * moment)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert process.returncode in (0, 130, -signal.SIGINT, -signal.SIGTERM), said
        assert "Traceback" not in said
        assert everything(engine) == before
        assert list((tmp_path / "tmp").iterdir()) == []
        assert entries(environment) == []
