"""What Docker's guide does by hand, measured: one stage, its program alone, compiles side by side, two targets.

On a private engine, which needs root and `dockerd`. Output: two tables on standard output; exit code 1 where dividing compiles that
take most of the time leaves over LIMIT of it. Median of RUNS; both builds of a pair run in one verification, one after the other.
"""

import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.engine.private import PrivateEngine, unavailable
from tests.engine.standins import GO, SMALL, load
from tests.trios import BEYOND

MS_MIGRATE = Path(sys.executable).with_name("ms-migrate")
RUNS = 3
LIMIT = 0.6
FUNCTIONS = 12_000
GROUP = 50
SHARED = """\
FROM golang:1.21-alpine
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
{compiles}
FROM scratch
COPY --from=0 /bin/client /bin/server /bin/
ENTRYPOINT [ "/bin/server" ]
"""
COMPILES = "RUN go build -o /bin/client ./cmd/client\nRUN go build -o /bin/server ./cmd/server\n"
TARGETS = """\
FROM golang:1.21-alpine AS base
WORKDIR /src
COPY . .

FROM base AS build-client
RUN go build -o /bin/client ./cmd/client

FROM base AS build-server
RUN go build -o /bin/server ./cmd/server

FROM scratch AS client
COPY --from=build-client /bin/client /bin/
ENTRYPOINT [ "/bin/client" ]

FROM scratch AS server
COPY --from=build-server /bin/server /bin/
ENTRYPOINT [ "/bin/server" ]
"""
TOOLCHAIN = "FROM golang:1.21-alpine\nRUN go build std\n"
ONE_CORE = COMPILES.replace("RUN go", "RUN GOMAXPROCS=1 go")


def program(name: str) -> str:
    """A program that has a large package of its own: what it shares with others is compiled already."""
    body = "".join(
        f'func f{n}(s string) string {{\n\tif len(s) > {n} {{\n\t\treturn s[:{n}] + "{n}" + s\n\t}}\n\treturn s + "{n}"\n}}\n'
        for n in range(FUNCTIONS)
    )
    groups = range(0, FUNCTIONS, GROUP)
    body += "".join(
        f"func g{g}(s string) string {{\n"
        + "".join(f"\ts = f{n}(s)\n" for n in range(g, g + GROUP))
        + "\treturn s\n}\n"
        for g in groups
    )
    calls = "".join(f"\ts = g{g}(s)\n" for g in groups)
    return (
        f'package main\n\nimport "fmt"\n\n{body}\nfunc main() {{\n\ts := "{name}"\n{calls}\tfmt.Println(len(s))\n}}\n'
    )


def lay(folder: Path, text: str, *, large: bool = False) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BEYOND / "client-server" / "legacy", folder)
    (folder / "Dockerfile").write_text(text)
    for name in ("client", "server") if large else ():
        (folder / "cmd" / name / "main.go").write_text(program(name))
    return folder


def built(folder: Path, environment: Mapping[str, str], *options: str) -> tuple[float, float]:
    """Seconds of a build without the cache, and the image's size in MB."""
    start = time.perf_counter()
    words = ["docker", "build", "-q", "--no-cache", "-t", "bench", *options, "."]
    subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    words = ["docker", "image", "inspect", "-f", "{{.Size}}", "bench"]
    return seconds, int(subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout) / 1e6


def divided(folder: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds before and after, as `--split` measured them, whether it kept it or not."""
    done = subprocess.run(
        [MS_MIGRATE, folder, "--split", "--dry-run"], env=environment, check=False, capture_output=True, text=True
    )
    kept = re.search(r"([\d.]+) s before, ([\d.]+) s after", done.stderr)
    left = re.search(r"it would take ([\d.]+) s instead of ([\d.]+) s", done.stderr)
    if kept is not None:
        return float(kept[1]), float(kept[2])
    if left is not None:
        return float(left[2]), float(left[1])
    raise SystemExit(f"nothing was divided:\n{done.stdout}{done.stderr}")


def main() -> int:
    reason = unavailable()
    if reason is not None:
        print(f"left out: {reason}")
        return 0
    with PrivateEngine() as engine:
        load(engine, *SMALL, *GO)
        environment = engine.environment() | {"DOCKER_BUILDKIT": "1"}
        root = engine.folder / "buildme"
        steps = [
            ("one stage", (BEYOND / "client-server/legacy/Dockerfile").read_text(), ()),
            ("`--single`", (BEYOND / "client-server/expected/Dockerfile").read_text(), ()),
            ("target `client`", TARGETS, ("--target", "client")),
            ("target `server`", TARGETS, ("--target", "server")),
        ]
        for name, text, options in steps:
            found = [built(lay(root, text), environment, *options) for _ in range(RUNS)]
            print(f"{name:<40} {statistics.median(s for s, _ in found):6.1f} s  {found[0][1]:6.1f} MB", flush=True)
        subprocess.run(
            ["docker", "build", "-q", "-t", "toolchain", "-"],
            input=TOOLCHAIN.encode(),
            env=environment,
            check=True,
            capture_output=True,
        )
        shared = SHARED.format(compiles=COMPILES)
        apart = SHARED.format(compiles=ONE_CORE).replace("golang:1.21-alpine", "toolchain")
        ratios = {}
        for name, text, large in (("they share most of the work", shared, False), ("they share nothing", apart, True)):
            found = [divided(lay(root, text, large=large), environment) for _ in range(RUNS)]
            ratios[name] = statistics.median(after / before for before, after in found)
            before, after = (statistics.median(column) for column in zip(*found, strict=True))
            print(f"--split, {name:<31} {before:6.1f} s  {after:6.1f} s  {ratios[name]:.2f}", flush=True)
    return 0 if ratios["they share nothing"] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
