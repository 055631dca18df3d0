"""How long it takes to compare two images of 1 GB, and how much memory: against reading both with `docker export | sha256sum`.

On a private engine, which needs root, `dockerd` and 6 GB of memory or disk for its folder. Output: a table on standard output;
exit code 1 where the comparison takes over 1.1 times as long as the reading, over 0.05 times where the layers are equal, or over
100 MB. Every ratio is the median of RUNS, in which one follows the other. diffoscope is measured where it is installed.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from migrate.compare.grouping import lines
from migrate.compare.verdict import compare_images
from migrate.engine.client import connect
from migrate.engine.snapshot import read_image, read_pair
from tests.engine.private import PrivateEngine, unavailable

PROJECT = Path(__file__).parents[2]
SIZE = 1 << 30
RUNS = 3
LIMITS = {"layers differ": 1.1, "layers equal": 0.05}
MEGABYTES = 100
DIFFOSCOPE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Images of `files` files, `SIZE` bytes together. Two of them differ in the content of one file."""

    name: str
    files: int


SHAPES = (Shape(name="big", files=16), Shape(name="small", files=100_000))


class _Repeated:
    """A file's content: the same block again, turned by `key`."""

    def __init__(self, block: bytes, size: int, key: int) -> None:
        turn = key % 997
        self._block = block[turn:] + block[:turn] if size > len(block) else block[key % 1000 : key % 1000 + size]
        self._left = size

    def read(self, count: int) -> bytes:
        piece = self._block[: min(count, self._left)]
        self._left -= len(piece)
        return piece


def write(out: IO[bytes], shape: Shape, seed: int) -> None:
    block = bytes(range(251)) * 4178
    size = SIZE // shape.files
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT, bufsize=1 << 20) as tar:
        for number in range(shape.files):
            member = tarfile.TarInfo(f"d{number // 100:05}/f{number:06}")
            member.size = size
            key = seed if number == shape.files - 1 else number
            tar.addfile(member, cast("IO[bytes]", _Repeated(block, size, 1000 + key)))


def load(engine: PrivateEngine, shape: Shape, seed: int) -> str:
    """An image's name; it is made without a builder, which would copy it more than once."""
    name = f"{shape.name}:{seed}"
    command = ["docker", "import", "-", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=engine.environment()
    ) as importing:
        assert importing.stdin is not None
        write(importing.stdin, shape, seed)
        importing.stdin.close()
    return name


def labelled(engine: PrivateEngine, image: str) -> str:
    """The same layers under another config."""
    command = ["docker", "build", "-q", "-"]
    text = f"FROM {image}\nLABEL a=b\n".encode()
    made = subprocess.run(command, input=text, env=engine.environment(), check=True, capture_output=True)
    return made.stdout.decode().strip()


@contextmanager
def containers(engine: PrivateEngine, images: list[str]) -> Iterator[list[str]]:
    made = [engine.docker("create", image, "-").strip() for image in images]
    yield made
    engine.docker("rm", *made)


def timed(command: str, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(["sh", "-c", command], env=environment, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def read_both(engine: PrivateEngine, images: list[str]) -> float:
    """Seconds of the measure that all is held to."""
    with containers(engine, images) as made:
        return sum(timed(f"docker export {c} | sha256sum", engine.environment()) for c in made)


def compare(engine: PrivateEngine, images: list[str]) -> tuple[float, float, int]:
    """Seconds and megabytes of a process that compares, its start included, and how many differences it found."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.compare", *images],
        cwd=PROJECT,
        env=engine.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    found = json.loads(done.stdout)
    return seconds, found["megabytes"], found["deltas"]


def compare_here(legacy: str, migrated: str) -> None:
    with closing(connect(os.environ)) as client:
        one, other = read_image(client, legacy), read_image(client, migrated)
        assert one is not None
        assert other is not None
        if one.diff_ids != other.diff_ids:
            files = read_pair(client, legacy, migrated, ("bench-legacy", "bench-migrated"))
            one, other = replace(one, files=files[0]), replace(other, files=files[1])
        deltas = compare_images(one, other).deltas
    lines(deltas, 20)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"megabytes": megabytes, "deltas": len(deltas)}))


def measure(engine: PrivateEngine, shape: Shape) -> bool:
    """Whether all is within the limits."""
    images = [load(engine, shape, seed) for seed in (1, 2)]
    same = labelled(engine, images[0])
    within = True
    for what, pair in (("layers differ", images), ("layers equal", [images[0], same])):
        runs = [(read_both(engine, pair), *compare(engine, pair)) for _ in range(RUNS)]
        ratio = statistics.median(r[1] / r[0] for r in runs)
        reading, comparing = (statistics.median(r[n] for r in runs) for n in (0, 1))
        megabytes = max(r[2] for r in runs)
        assert {r[3] for r in runs} == ({1} if what == "layers differ" else {0})
        good = ratio <= LIMITS[what] and megabytes <= MEGABYTES
        within = within and good
        note = "" if good else "  too much"
        print(
            f"{shape.files:>7} files, {what:<14}{reading:>10.1f}{comparing:>10.2f}{ratio:>8.3f}{megabytes:>6.0f}{note}"
        )
    engine.docker("rmi", same)
    diffoscope(engine, shape, images)
    engine.docker("rmi", *images)
    return within


def diffoscope(engine: PrivateEngine, shape: Shape, images: list[str]) -> None:
    """The same pair, as it takes it: as files."""
    what = f"{shape.files:>7} files, diffoscope"
    if shutil.which("diffoscope") is None:
        print(f"{what}: not installed")
        return
    with containers(engine, images) as made, tempfile.TemporaryDirectory(dir=engine.folder) as folder:
        environment = {**engine.environment(), "TMPDIR": folder}
        start = time.perf_counter()
        for number, container in enumerate(made):
            timed(f"docker export {container} > {folder}/{number}.tar", environment)
        exporting = time.perf_counter() - start
        limit = DIFFOSCOPE_SECONDS
        command = f"exec timeout {limit} diffoscope --no-progress {folder}/0.tar {folder}/1.tar"
        taken = timed(command, environment)
        shown = f"over {limit}" if taken >= limit else f"{taken:.1f}"
        print(f"{what}: {exporting:.1f} to export, {shown} to compare")


def main() -> int:
    if (reason := unavailable()) is not None:
        print(f"compare: left out, since {reason}")
        return 0
    print(f"two images of 1 GB{'':<14}{'export,':>10}{'compare':>10}{'ratio':>8}{'MB':>6}")
    print(f"{'':<32}{'sha256sum':>10}")
    with PrivateEngine() as engine:
        results = [measure(engine, shape) for shape in SHAPES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    if sys.argv[1:]:
        compare_here(*sys.argv[1:])
    else:
        sys.exit(main())
