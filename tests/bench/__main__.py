"""`make bench`: milliseconds of reading and tracing a script of 50 lines, once all is imported."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from migrate.discover import Repository, scan
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace.interpreter import trace

_BLOCK = """\
# build and pack {0}
NAME{0}="acme/app-{0}"
TAG{0}=${{VERSION:-1.{0}}}-$(git rev-parse --short HEAD)
if [ -n "$DEBUG" ]; then
  echo "building $NAME{0}:$TAG{0}"
fi
docker build -t "$NAME{0}:build" -f Dockerfile.build .
id{0}=$(docker create "$NAME{0}:build")
docker cp "$id{0}":/src/app ./app{0} && docker rm "$id{0}"
docker build -t "$NAME{0}:$TAG{0}" . || exit 1
"""
_BASH_ONLY = """\
if [[ "$TAG{0}" == *-* ]]; then tags=("$NAME{0}:latest" "$NAME{0}:$TAG{0}"); fi
for tag in "${{tags[@]}}"; do docker push "$tag"; done
"""


def script(lines: int, *, bash: bool) -> str:
    block = _BLOCK + (_BASH_ONLY if bash else "")
    text = "".join(block.format(i) for i in range(lines))
    return "#!/bin/bash\nset -e\n" + "\n".join(text.splitlines()[: lines - 2]) + "\n"


def milliseconds(run: Callable[[], object]) -> float:
    """The median of 21 runs."""
    times = []
    for _ in range(21):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def measure(repository: Repository, text: str) -> tuple[float, float]:
    source = SourceFile(path=PurePosixPath("build.sh"), text=text)
    tree, found = read_script(source)
    if tree is None:
        sys.exit(f"the benchmark's script can't be read: {found}")
    reading = milliseconds(lambda: read_script(source))
    tracing = milliseconds(lambda: trace(tree, repository, directory=PurePosixPath(), name="./build.sh"))
    return reading, tracing


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = scan(Path(folder))
        print(f"{'script':<28}{'reading':>10}{'tracing':>10}  ms")
        for lines, bash in ((50, False), (50, True), (500, True)):
            reading, tracing = measure(repository, script(lines, bash=bash))
            what = f"{lines} lines, {'shfmt' if bash else 'bashlex'}"
            print(f"{what:<28}{reading:>10.1f}{tracing:>10.1f}")


main()
