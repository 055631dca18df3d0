"""However a script is made, following it ends soon, within bounds of memory, and says where it stopped."""

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path, PurePosixPath

import pytest

from migrate import rules
from migrate.discover import scan
from migrate.shell.reader import MAX_BYTES, read_script
from migrate.source import SourceFile
from migrate.trace.events import ImageBuild, Trace
from migrate.trace.interpreter import trace

SECONDS = 2.0
MEBIBYTES = 256


def unit() -> float:
    """Seconds of processor time that a fixed piece of work takes now: a tenth of a second where nothing else runs."""
    start = time.process_time()
    made = [{"key": str(i), "pair": (i, i + 1)} for i in range(120_000)]
    assert sum(len(m["key"]) for m in made) > 0
    return time.process_time() - start


def allowed() -> float:
    """Two seconds, and in proportion more where the machine is busy: timings are compared within one run."""
    return SECONDS * max(1.0, unit() / 0.1)


def followed(root: Path, text: str) -> Trace:
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None, found
    return trace(script, scan(root), directory=PurePosixPath(), name="./build.sh")


ENDLESS = {
    "while-true": "while true; do docker build .; done\n",
    "until-false": "until false; do :; done\n",
    "for-ever": "for ((;;)); do :; done\n",
    "counting": "i=0; while [ $i -ge 0 ]; do i=$((i+1)); done\n",
    "recursion": "f() { f; }; f\n",
    "mutual-recursion": "f() { g; }; g() { f; }; f\n",
    "recursion-with-branches": 'f() { if [ "$X" ]; then f; else f; fi; }; f\n',
    "script-calls-itself": "./build.sh\n",
    "sources-itself": ". ./build.sh\n",
    "eval-of-itself": 'f=\'eval "$f"\'; eval "$f"\n',
    "calls-that-fork": "".join(
        f'f{i}() {{ if [ "$X{i}" ]; then f{i + 1} a || return 1; else f{i + 1} b; fi; [ "$Y" ] || return 2; }}\n'
        for i in range(30)
    )
    + 'f30() { [ "$Z" ] || exit 1; A=$A$1; }\nf0\n',
    "nested-loops": "".join(f"for a{i} in 1 2 3 4 5 6 7 8 9; do\n" for i in range(8)) + ":\n" + "done\n" * 8,
    "nested-unknown-loops": "".join(f'while [ "$X{i}" ]; do A{i}=$A{i}x\n' for i in range(12)) + ":\n" + "done\n" * 12,
    "braces": "docker build " + "{a,b}" * 20 + "\n",
    "a-long-sequence": "for i in {1..1000000}; do :; done\n",
    "growing-text": 'x=aaaaaaaa\nwhile :; do x="$x$x"; done\n',
}


ENDS = {"nested-unknown-loops", "braces", "a-long-sequence"}
"""Those that end after all: as a loop, or a list, that isn't known."""


@pytest.mark.parametrize("name", ENDLESS)
def test_what_does_not_end_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "build.sh").write_text("#!/bin/bash\n" + ENDLESS[name])
    (tmp_path / "build.sh").chmod(0o755)
    start = time.process_time()
    result = followed(tmp_path, "#!/bin/bash\n" + ENDLESS[name])
    assert time.process_time() - start < allowed()
    if name not in ENDS:
        assert rules.SCRIPT_TOO_LONG in {d.rule for d in result.diagnostics}
        assert all(d.primary is not None for d in result.diagnostics)


@pytest.mark.parametrize("name", ["while-true", "growing-text", "braces", "recursion", "nested-unknown-loops"])
def test_what_does_not_end_takes_little_memory(name: str, tmp_path: Path) -> None:
    tracemalloc.start()
    followed(tmp_path, "#!/bin/bash\n" + ENDLESS[name])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEBIBYTES * 2**20


LONG = {
    "commands": "".join(f'V{i}=$V{i - 1}x; echo "$V{i}" > out{i}.txt\n' for i in range(2500)),
    "builds": "".join(f"docker build -t app:{i} .\n" for i in range(5000)),
    "files": "".join(f"touch f{i}; [ -f f{i} ] || exit 1\n" for i in range(2500)),
    "branches": "".join(f'if [ "$X{i}" ]; then A=$X{i}; fi\n' for i in range(1700)),
    "early-exits": "".join(f'[ "$X{i}" ] || exit {i}\n' for i in range(1200)),
    "early-exits-in-branches": "".join(f'if [ "$X{i}" ]; then [ "$Y{i}" ] && exit 1; fi\n' for i in range(700)),
    "files-of-two-ways": "docker create --name c b\ndocker cp c:/x f\n"
    + "".join(f'if [ "$X{i}" ]; then strip f; else touch g; fi\n' for i in range(700)),
    "containers": "".join(f"id=$(docker create a); docker cp $id:/x o{i}\n" for i in range(1700)),
}


@pytest.mark.parametrize("name", LONG)
def test_a_script_of_5000_commands_is_followed_in_time(name: str, tmp_path: Path) -> None:
    text = LONG[name]
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None, found
    repository = scan(tmp_path)
    start = time.process_time()
    result = trace(script, repository, directory=PurePosixPath(), name="./build.sh")
    assert time.process_time() - start < allowed()
    assert not [d for d in result.diagnostics if d.rule is rules.SCRIPT_TOO_LONG]


def test_memory_of_many_builds_is_bounded(tmp_path: Path) -> None:
    text = "".join(f"A{i}={i}; touch f{i}; docker build -t app:{i} .\n" for i in range(700))
    tracemalloc.start()
    result = followed(tmp_path, text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(isinstance(e, ImageBuild) for e in result.events) == 700
    assert peak < MEBIBYTES * 2**20


def test_a_script_that_is_too_large_is_refused() -> None:
    text = "echo x\n" * (MAX_BYTES // 7 + 1)
    script, (diagnostic,) = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is None
    assert diagnostic.rule is rules.SCRIPT_TOO_LARGE


@pytest.mark.parametrize("opener", ["$(", "(", "{ ", "if a; then ", "while a; do "])
def test_deep_nesting_is_refused_or_followed(opener: str, tmp_path: Path) -> None:
    closer = {"$(": ")", "(": ")", "{ ": "; }", "if a; then ": "; fi", "while a; do ": "; done"}[opener]
    for depth in (10, 100, 5000):
        text = "echo " * (opener == "$(") + opener * depth + "docker build ." + closer * depth + "\n"
        script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
        assert script is not None or {d.rule for d in found} == {rules.SCRIPT_UNREADABLE}
        if script is not None:
            trace(script, scan(tmp_path), directory=PurePosixPath(), name="./build.sh")


HELD = """
import sys, subprocess
from pathlib import Path, PurePosixPath
started = []
def hook(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"):
        started.append((event, arguments[:2]))
    if event == "open" and isinstance(arguments[0], (str, bytes)) and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        started.append((event, arguments[:2]))
sys.addaudithook(hook)
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace.interpreter import trace
root = Path(sys.argv[1])
source = SourceFile.read(root, PurePosixPath("build.sh"))
script, found = read_script(source)
assert script is not None, found
trace(script, scan(root), directory=PurePosixPath(), name="./build.sh")
programs = {str(a[0] if e == "subprocess.Popen" else a).rpartition("/")[2] for e, a in started}
assert programs <= {"shfmt"}, started
print(sorted(programs))
"""


def test_nothing_is_started_while_tracing(tmp_path: Path) -> None:
    """But shfmt, which reads; and nothing is written."""
    (tmp_path / "build.sh").write_text(
        "#!/bin/bash\n"
        "set -e\n"
        "V=$(git describe --tags)-$(date +%s)-$(uname -m)\n"
        'if [[ "$V" == *-* ]]; then ./other.sh; python3 -c "print(1)"; make all; fi\n'
        "touch made; rm -rf sub; cat <<E > file\nx\nE\n"
        "sh -c 'docker build .'; eval \"docker push $V\"; curl -o x http://x; trap 'docker rm y' EXIT\n"
        "docker run x | docker build -\n"
    )
    (tmp_path / "other.sh").write_text("#!/bin/sh\ndocker build -t x .\n")
    done = subprocess.run([sys.executable, "-c", HELD, str(tmp_path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['shfmt']\n"
    assert {p.name for p in tmp_path.iterdir()} == {"build.sh", "other.sh"}
