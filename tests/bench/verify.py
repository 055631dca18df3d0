"""How long verifying takes, against the legacy build alone: both from a cold cache, one after the other.

On a private engine, which needs root and `dockerd`. Output: a table on standard output; exit code 1 where verifying a build that
compiles Go's standard library (half a minute) takes over LIMIT times as long as that build. The others, which compile for a
quarter of that and for a moment, show what verifying costs whatever it verifies. Every ratio is the median of RUNS.
"""

import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.engine.private import PrivateEngine, unavailable
from tests.engine.standins import GO, SMALL, load
from tests.pipeline.legacy import BUILDER, lay

MS_MIGRATE = Path(sys.executable).with_name("ms-migrate")
RUNS = 3
LIMIT = 1.15
COLD = "RUN echo {} > /cold\n"
GO_BUILDER = """\
FROM golang:1.21-alpine
WORKDIR /src
COPY main.go .
RUN CGO_ENABLED=0 go build -o app main.go
"""
SERVER = """\
package main

import "net/http"

func main() { http.ListenAndServe(":8080", nil) }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A legacy build; `bound` is whether its ratio is held to LIMIT."""

    name: str
    builder: str
    files: Mapping[str, str]
    bound: bool


SHAPES = (
    Shape(
        name="Go, all of std",
        builder=GO_BUILDER.replace("go build", "go build std && CGO_ENABLED=0 go build"),
        files={"main.go": SERVER, "main.c": ""},
        bound=True,
    ),
    Shape(name="Go server", builder=GO_BUILDER, files={"main.go": SERVER, "main.c": ""}, bound=False),
    Shape(name="C program", builder=BUILDER, files={}, bound=False),
)


def timed(words: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(words, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words[0]} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def run(engine: PrivateEngine, shape: Shape, environment: Mapping[str, str], words: list[str]) -> float:
    """Seconds of `words` in a repository of which nothing is in the cache but the base images."""
    folder = engine.folder / "demo"
    first, rest = shape.builder.split("\n", 1)
    cold = COLD.format(secrets.token_hex(8))
    lay(folder, {**shape.files, "Dockerfile.build": f"{first}\n{cold}{rest}"})
    try:
        return timed(words, folder, environment)
    finally:
        shutil.rmtree(folder)


def measure(engine: PrivateEngine, shape: Shape, buildkit: str) -> bool:
    """Whether the ratio is within the limit."""
    environment = engine.environment() | {"DOCKER_BUILDKIT": buildkit, "XDG_STATE_HOME": str(engine.folder / "state")}
    pairs = []
    for _ in range(RUNS):
        legacy = run(engine, shape, environment, ["sh", "build.sh"])
        engine.docker("rmi", "demo:build", "demo:latest")
        pairs.append((legacy, run(engine, shape, environment, [str(MS_MIGRATE), "verify", "."])))
    legacy, verifying = (statistics.median(p[n] for p in pairs) for n in (0, 1))
    ratio = statistics.median(p[1] / p[0] for p in pairs)
    builder = "BuildKit" if buildkit == "1" else "classic"
    good = ratio <= LIMIT or not shape.bound
    print(
        f"{shape.name}, {builder:<10}{legacy:>10.1f}{verifying:>10.1f}{ratio:>8.2f}{'' if good else '  too much'}",
        flush=True,
    )
    return good


def main() -> int:
    if (reason := unavailable()) is not None:
        print(f"verify: left out, since {reason}")
        return 0
    print(f"{'seconds':<25}{'legacy':>10}{'verify':>10}{'ratio':>8}")
    with PrivateEngine() as engine:
        load(engine, *SMALL, *GO)
        results = [measure(engine, shape, buildkit) for shape in SHAPES for buildkit in ("1", "0")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
