"""Steps of builds, from what real builders print."""

import subprocess
from pathlib import Path

import pytest

from migrate.engine.steps import Step, Steps
from tests.engine.private import PrivateEngine

TEXT = """\
FROM busybox AS one
RUN sleep 1; echo {0}
FROM busybox
COPY --from=one /bin/busybox /b
RUN false {1}
"""


@pytest.mark.engine
@pytest.mark.parametrize("buildkit", ["0", "1"], ids=["classic", "buildkit"])
def test_steps_begin_and_end(buildkit: str, engine: PrivateEngine, tmp_path: Path) -> None:
    environment = {**engine.environment(), "DOCKER_BUILDKIT": buildkit, "BUILDKIT_PROGRESS": "plain"}
    text = TEXT.format(tmp_path, "|| true")

    def build(dockerfile: str) -> list[Step]:
        (tmp_path / "Dockerfile").write_text(dockerfile)
        told = Steps()
        words = ["docker", "build", "--force-rm", "-t", "steps", str(tmp_path)]
        with subprocess.Popen(
            words, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as building:
            assert building.stdout is not None
            found = [s for line in building.stdout for s in told.feed(line.rstrip("\n"))]
        return [*found, *told.end()]

    first, again, failing = build(text), build(text), build(text.replace("|| true", "x"))
    ended = [s for s in first if s.seconds is not None]
    assert {s.name for s in first if s.seconds is None} >= {s.name for s in ended}
    slow = next(s for s in ended if "sleep 1" in s.name)
    assert 0.9 < (slow.seconds or 0) < 30
    assert not slow.cached
    assert not any(s.failed for s in first)
    assert any("COPY --from=one" in s.name and not s.cached for s in ended)
    assert any("sleep 1" in s.name and s.cached for s in again)
    assert [("RUN false" in s.name) for s in failing if s.failed] == [True]
    engine.docker("rmi", "-f", "steps")


def test_builds_one_after_the_other() -> None:
    """Numbers begin anew; a classic build that failed is followed by another one's first step."""
    output = """\
#1 [internal] load build definition from Dockerfile
#5 [builder 2/2] RUN make
#4 [stage-1 1/2] FROM docker.io/library/busybox
#4 CACHED
#5 sha256:1 0B / 1B
#5 1.234 output
#5 DONE 2.5s
#5 DONE 2.5s
#1 [internal] load build definition from Dockerfile
#5 [1/2] RUN other
#5 CANCELED
Step 1/2 : FROM a
Step 2/2 : RUN false
Step 1/1 : FROM b
Successfully built 0123456789ab
"""
    told = Steps(clock=lambda: 0.0)
    found = [s for line in output.splitlines() for s in told.feed(line) if s.seconds is not None]
    assert [(s.name, s.seconds, s.cached, s.failed) for s in found] == [
        ("stage-1 1/2 FROM docker.io/library/busybox", 0, True, False),
        ("builder 2/2 RUN make", 2.5, False, False),
        ("1/2 RUN other", 0, False, True),
        ("1/2 FROM a", 0, False, False),
        ("2/2 RUN false", 0, False, True),
        ("1/1 FROM b", 0, False, False),
    ]
    assert list(told.end()) == []


@pytest.mark.parametrize("line", ["Step 1/1 : RUN make", "#5 [1/1] RUN make"], ids=["classic", "buildkit"])
def test_what_is_open_when_the_output_ends_has_failed(line: str) -> None:
    """As where the time limit ends a build."""
    seconds = iter([2.0, 5.0])
    told = Steps(clock=lambda: next(seconds))
    assert list(told.feed(line)) == [Step(name="1/1 RUN make")]
    assert list(told.end()) == [Step(name="1/1 RUN make", seconds=3.0, failed=True)]
    assert list(told.end()) == []
