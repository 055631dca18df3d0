"""What the trace says docker is given, against what a real bash gives it.

Each row is run by bash with a `docker` that notes its words, its directory and DOCKER_BUILDKIT, and answers as docker does;
the trace must say the same, or say that it doesn't know. The rows stand below, one a line, and in snippets/, several lines
each, a file for each construct. A row that begins with `# unknown: why` must be one that the trace doesn't know, so that the
table can't go slack.
"""

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from migrate import rules
from migrate.diagnostics import has_errors
from migrate.discover import find_drivers, scan
from migrate.shell.reader import read_script
from migrate.shell.syntax import SimpleCommand
from migrate.source import SourceFile
from migrate.trace import interpreter, simple
from migrate.trace.docker_events import docker_command
from migrate.trace.events import Argument, ConditionKind
from migrate.trace.state import State
from migrate.trace.values import ContainerId, ImageId, Output, Text, Value
from tests.trios import NAMES

BASH = shutil.which("bash")
SNIPPETS = Path(__file__).parent / "snippets"
PROJECT = Path(__file__).resolve().parent.parent.parent
NOTING = """\
#!/bin/bash
{ printf '%s\\0' "$PWD" "${DOCKER_BUILDKIT-}" "$@"; printf '\\n'; } >> "$NOTES"
case " $* " in
  " cp "*:*)
    target=${@: -1}; from=${@: -2:1}
    if [ -d "$target" ]; then touch "$target/${from##*/}"; elif [ "$target" != - ]; then touch "$target"; fi ;;
  " create "* | " run "*)
    echo x >> "$NOTES.made"
    case " $* " in *" --cidfile "*) echo -n "cid$(grep -c x "$NOTES.made")" > cid ;; esac
    case " $* " in " create "* | *" -d "* | *" -dit "*) echo "cid$(grep -c x "$NOTES.made")" ;; esac ;;
  " build "*)
    echo x >> "$NOTES.built"
    case " $* " in *" --iidfile "*) echo -n "iid$(grep -c x "$NOTES.built")" > iid ;; esac
    case " $* " in *" -q "* | *" --quiet "*) echo "iid$(grep -c x "$NOTES.built")" ;; esac ;;
esac
exit 0
"""

KNOWN = r"""
docker build .
docker build -t a:1 .
docker build -t "a b" .
docker build -t 'a $b' .
docker build -t a\ b .
docker build -t a\$b .
docker build -t "a\$b\"c\\d" .
docker build -t a'b'"c"d .
docker build -t '' .
docker build -t "" ""
docker   build    -t   a    .
docker build -t a . # comment
docker build -t a#b .
A=1; docker build -t a:$A .
A=1; docker build -t a:${A} .
A=1; docker build -t "a:$A" .
A=1; docker build -t 'a:$A' .
A=1; docker build -t a:$A$A .
A=1; docker build -t a:${A}b .
A='x y'; docker build $A .
A='x y'; docker build "$A" .
A=' x  y '; docker build $A .
A=' x  y '; docker build a$A.b .
A='x y'; docker build "a $A b" .
A=; docker build $A .
A=; docker build "$A" .
A=; docker build a$A .
unset A; docker build a$A .
A=1 B=2; docker build $A$B .
A=1; B=$A; docker build $B .
A=1; B="$A-$A"; docker build "$B" .
A='*x'; docker build "$A" .
A=1; A=2; docker build $A .
A=1; unset A; docker build "x$A" .
export A=1; docker build $A .
export A=1 B=2; docker build $A$B .
readonly A=1; docker build $A .
declare A=1; docker build $A .
declare -r A=1; docker build $A .
export A; A=1; docker build $A .
B=0; B=1 docker build x$B .; docker build x$B
A="docker"; $A build .
A="docker build"; $A -t x .
A="docker build -t x"; $A .
DOCKER=docker; B="$DOCKER build"; $B .
A=x; docker build ${A:-y} .
A=; docker build ${A:-y} .
A=; docker build ${A-y} x
unset A; docker build ${A-y} x
unset A; docker build ${A:-y z} x
unset A; docker build "${A:-y z}" x
unset A; B=1; docker build ${A:-$B} x
unset A; docker build ${A:+y} x
A=1; docker build ${A:+y} x
A=; docker build ${A:+y} x
A=; docker build ${A+y} x
unset A; docker build ${A:=q} x
docker build .; docker build x
docker build . && docker build x
docker build . || true
docker build . || exit 1
docker build . || { echo failed; exit 1; }
docker build . && docker build x && docker build y
true && docker build .
{ docker build .; docker build x; }
{ docker build .
docker build x
}
docker build . > /dev/null
docker build . >/dev/null 2>&1
docker build . 2> /dev/null
docker build . &> /dev/null
docker build \
  -t a \
  .
docker build -t a\
b .
ID=$(docker create x); docker cp $ID:/a b
ID=`docker create x`; docker cp $ID:/a b
ID="$(docker create x)"; docker cp "$ID:/a" b
ID=$(docker create x); docker cp ${ID}:/a b; docker rm $ID
docker cp $(docker create x):/a b
docker cp "$(docker create --name y x)":/a b
A=$(docker create x); B=$(docker create y); docker cp $B:/a b; docker cp $A:/a c
docker create --name n x; docker cp n:/a b; docker rm -f n
docker build -t "$(echo a)" .
docker build -t $(echo a b) .
docker build -t "$(echo a b)" .
docker build -t a:`echo 1` .
docker build $(dirname a/b/c) .
docker build $(dirname abc) .
docker build $(dirname /abc) .
docker build $(basename a/b/c) .
docker build $(basename a/b/) .
docker build "$(cat VERSION)" .
docker build -t a:$(cat VERSION) .
docker build $(cat LINES) .
docker build "$(cat LINES)" .
A=$(cat VERSION); docker build a:$A .
docker build "$(basename "$0")" .
docker build "$(dirname "$0")" .
docker build -f sub/D sub
cd sub; docker build .
cd sub && docker build .
cd ./sub; cd ..; docker build .
docker build $0
echo hello; docker build .
echo "docker rm z"; docker build .
printf '%s\n' x; docker build .
set -e; docker build .
set -ex; docker build .
set -euo pipefail; docker build .
set -o pipefail; docker build .
set +e; docker build .
#!/bin/bash
: nothing; docker build .
true; docker build .
[ -f VERSION ]; docker build .
docker build .; exit 0; docker build never
docker build $'a\tb' .
docker build $'a\x41\n' .
docker build "a
b" .
docker build 'a
b' .
docker build -t a:"1".2 .
docker build --build-arg A="x y" --build-arg B='z' .
docker build --build-arg=A=x .
A="a=b c"; docker build --build-arg "$A" .
docker build -t a:1 -t a:2 . ; docker push a:1; docker tag a:1 b
docker build -t é:ü "ñ" .
docker build {} {a} a{b}c .
docker build -t a] x .
docker build a=b .
A=b; docker build a=$A .
mkdir -p out; docker build out
rm -rf out; docker build .
f() { echo hi; }; docker build .
if [ -n "" ]; then echo x; fi; docker build .
for i in 1 2; do echo $i; done; docker build .
while false; do echo x; done; docker build .
case x in y) echo z;; esac; docker build .
if true; then echo x; else echo y; fi; A=1; docker build $A .
"docker" build .
'docker' build .
do\cker build .
A=1; A="$A.$A"; docker build $A .
A=a.b; docker build "$A"c .
A="x"y; docker build $A .
A='a  b'; B=$A; docker build "$B" .
A='a  b'; B=$A; docker build $B .
docker build "$PWD" .
docker build "$(pwd)" .
cd sub; docker build "$PWD" .
cd sub; docker build "$(pwd)/x" .
IFS=,; A=x; docker build $A .
docker create --name a x true; docker rm a
docker build . ;
  docker build .
	docker build x
echo a > /dev/null; docker build .
cat <<EOF
docker rm z
EOF
docker build .
cat <<'EOF' > /dev/null
docker rm z
EOF
docker build .
docker build * .
docker build a? .
docker build [ab] .
docker build {a,b} .
docker build {1..3} .
A='*'; docker build $A .
A=abc; docker build ${A%c} .
A=abc; docker build ${A#a} .
A=abc; docker build ${A/b/x} .
A=abc; docker build ${#A} .
A=abc; docker build ${A:1} .
A=(a b); docker build ${A[0]} .
A=; A+=x; docker build $A .
docker build $((1+1)) .
read A < VERSION; docker build $A .
if true; then A=1; else A=2; fi; docker build $A .
for A in 1 2; do echo; done; docker build $A .
f() { A=1; }; A=2; f; docker build $A .
unset A; local A=1; docker build x$A .; A=$(cat none); docker build "$A" .
IFS=,; A=x,y; docker build $A .
IFS=; A='x y'; docker build $A .
echo x > VERSION; docker build $(cat VERSION) .
set -- a b; docker build $1 .
if true; then docker build .; fi
for i in 1 2; do docker build $i; done
f() { docker build .; }; f
(cd sub; docker build .)
docker build . | cat
! docker build .
docker build . || docker rm x
eval docker build .
A=build; eval "docker $A ."
. ./VERSION; docker rm x
. tools/env.sh; docker build $TAG .
command docker build .
env docker build .
exec docker build .
time docker build .
alias d=docker; docker build .
trap 'docker rm x' EXIT; docker build .
[[ a == a ]] && docker build .
set -- a b; shift; docker build $1 .
pushd sub; docker build .
test -f VERSION && docker build .
[ -f VERSION ] && docker build .
[ -f none ] || docker build .
true && [ -f VERSION ] && docker build .
[ -f VERSION ] && A=1; docker build $A .
false || docker build .
docker exec x y
DOCKER_BUILDKIT=1 docker build .
export DOCKER_BUILDKIT=0; docker build .
DOCKER_BUILDKIT=1; docker build .
""".removeprefix("\n").splitlines()

UNKNOWN = r"""
docker build -t ~x/y a~b .
A=1 docker build x$B . ; B=2; docker build $B
docker build $HOME_OF_NOBODY .
docker build -t a:$1 .
docker build "$@"
docker build $# .
docker build -t a:$(date +%s) .
docker build -t a:$(git rev-parse HEAD) .
docker build ~ .
docker build ~/x .
docker build $RANDOM .
declare -i A=1+1; docker build $A .
declare -u A=x; docker build $A .
docker build .&
alias d=docker; shopt -s expand_aliases; eval "d build $X ."
trap 'docker rm x' ERR; docker build .
docker build --nope .
test -f $X && docker build .
grep -q x VERSION && docker build .
if [ "$X" ]; then A=1; else A=2; fi; docker build $A .
case $X in a) docker build a;; *) docker build b;; esac
for x in $X; do docker build x; done
while [ "$X" ]; do docker build x; X=; done
eval "$X"; docker build .
./VERSION.sh; docker build $(cat out.txt) .
x=$(curl x); docker build "$x" .
[[ $X == a ]] || docker build .
until docker build .; do sleep 0; done
read -r A; docker build "$A" .
docker build -t "a-$$" .
for f in "$@"; do docker build "$f"; done
while getopts a: o; do docker build "$o"; done
""".removeprefix("\n").splitlines()


_ABOUT_WORDS = {
    rules.CONSTRUCT_NOT_TRACED,
    rules.DOCKER_OPTION_UNKNOWN,
    rules.DOCKER_COMMAND_NOT_TRACED,
    rules.VALUE_UNKNOWN,
    rules.SCRIPT_TOO_LONG,
}
"""Findings that say that the words, or whether they are given at all, aren't known; others are about files."""


def rows(lines: list[str]) -> list[str]:
    """One row a line; a line that bash would read on from (a here-document, an open brace) takes the next ones along."""
    found: list[str] = []
    waiting = ""
    for line in lines:
        text = f"{waiting}{line}\n"
        done = subprocess.run([BASH or "bash", "-n"], input=text, text=True, check=False, capture_output=True)
        joined = line.endswith("\\") or (waiting.endswith("\\\n") and done.returncode != 0)
        waiting = text if done.returncode != 0 or "here-document" in done.stderr or joined else ""
        if not waiting:
            found.append(text)
    assert not waiting, waiting
    return found


def snippets() -> dict[str, str]:
    """Every snippet by its construct and number."""
    return {
        f"{path.stem}-{number}": text.strip("\n") + "\n"
        for path in sorted(SNIPPETS.glob("*.txt"))
        for number, text in enumerate(path.read_text().split("\n---\n"), 1)
        if text.strip()
    }


KNOWN_ROWS = rows(KNOWN)
UNKNOWN_ROWS = rows(UNKNOWN)
SNIPPETS_BY_NAME = snippets()


def lay(root: Path, script: str) -> Path:
    files = {
        "build.sh": script,
        "VERSION": "1.2\n",
        "LINES": "a  b\nc\n\n",
        "Dockerfile": "FROM busybox\n",
        "sub/one.txt": "one\n",
        "sub/two.txt": "two\n",
        "sub/.hidden": "h\n",
        "sub/Dockerfile": "FROM busybox\n",
        "deep/x/y.txt": "y\n",
        "a-1.tar": "",
        "a-2.tar": "",
        "tools/env.sh": "NAME=fromenv\nTAG=7\nexport LEVEL=3\n",
        "tools/child.sh": '#!/bin/bash\ndocker build -t "child:${1:-none}-${EXPORTED:-unset}-${PLAIN:-unset}" .\n',
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "tools/child.sh").chmod(0o755)
    (root / "link.txt").symlink_to("VERSION")
    return root


def by_bash(root: Path, script: str = "build.sh") -> list[list[str]]:
    programs = root.parent / "programs"
    programs.mkdir()
    (programs / "docker").write_text(NOTING)
    (programs / "docker").chmod(0o755)
    log = root.parent / "notes"
    log.write_bytes(b"")
    environment = ENVIRONMENT | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "NOTES": str(log),
        "HOME": "/home/nobody",
        "LC_ALL": "C",
    }
    assert BASH is not None, "bash is missing: these tests can't be left out"
    subprocess.run([BASH, f"./{script}"], check=False, capture_output=True, cwd=root, env=environment, timeout=20)
    records = log.read_bytes().split(b"\0\n")[:-1]
    return [[word.decode("utf-8", "surrogateescape") for word in record.split(b"\0")] for record in records]


def spelt(value: Value) -> str | None:
    """A value as bash would give it; None where it isn't known."""
    words = []
    for part in value.parts:
        match part:
            case Text(text=text):
                words.append(text)
            case ContainerId(number=number):
                words.append(f"cid{number + 1}")
            case ImageId(number=number):
                words.append(f"iid{number + 1}")
            case _:
                return None
    return "".join(words)


def by_trace(root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[list[str]] | None:
    """Directory, DOCKER_BUILDKIT and words of every docker command; None where the trace says that it doesn't know."""
    calls: list[list[str | None]] = []
    sure = True

    def noting(state: State, command: SimpleCommand, arguments: tuple[Argument, ...], how: str) -> Output:
        nonlocal sure
        if any(c.kind is ConditionKind.FAILURE for c in state.conditions):
            return docker_command(state, command, arguments, how)  # docker works here
        sure = sure and all(c.decided for c in state.conditions) and all(a.certain for a in arguments)
        place = str(state.workspace.root / state.directory) if state.directory is not None else None
        named = "DOCKER_BUILDKIT"
        kit = state.variables.get(named) if named in state.exported else None
        calls.append([place, spelt(kit) if isinstance(kit, Value) else "", *(spelt(a.value) for a in arguments)])
        return docker_command(state, command, arguments, how)

    monkeypatch.setattr(simple, "docker_command", noting)
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    if script is None or has_errors(found):
        return None
    followed = interpreter.trace(
        script, scan(root), directory=PurePosixPath(), name="./build.sh", arguments=ARGUMENTS, environment=ENVIRONMENT
    )
    said = {d.rule for d in followed.diagnostics if "operands" not in d.message and "is not known: " not in d.message}
    known = [[w for w in call if w is not None] for call in calls]
    if not sure or said & _ABOUT_WORDS or any(len(k) != len(c) for k, c in zip(known, calls, strict=True)):
        return None
    return known


ENVIRONMENT: dict[str, str] = {}
ARGUMENTS: tuple[str, ...] | None = None


@pytest.mark.parametrize("text", KNOWN_ROWS, ids=range(len(KNOWN_ROWS)))
def test_what_the_trace_says_is_what_bash_does(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path / "tree", text)
    assert by_trace(root, text, monkeypatch) == by_bash(root)


@pytest.mark.parametrize("text", UNKNOWN_ROWS, ids=range(len(UNKNOWN_ROWS)))
def test_what_is_not_known_is_said(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path / "tree", text)
    assert by_trace(root, text, monkeypatch) is None


@pytest.mark.parametrize("name", SNIPPETS_BY_NAME)
def test_every_construct_is_followed_as_bash_does(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SNIPPETS_BY_NAME[name]
    root = lay(tmp_path / "tree", text)
    monkeypatch.setattr("tests.trace.test_confirm.ARGUMENTS", ())
    traced = by_trace(root, text, monkeypatch)
    if text.startswith("# unknown: "):
        assert traced is None
    else:
        assert traced == by_bash(root)


# What these scripts do depends on what a real engine prints, on their place below the root, or on the environment.
NEED_MORE = frozenset(
    "export-untar import many-builders per-arch pipe-to-build pipe-to-build-many run-wait secret-arg stdout-targz stdout-untar"
    " two-contexts make-goals make-script references github-steps gitlab-job compose-run compose-args npm-script jenkins-pipeline".split()
)


@pytest.mark.parametrize("sample", sorted(set(NAMES) - NEED_MORE))
def test_a_sample_is_followed_as_bash_does(sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    legacy = PROJECT / "samples" / sample / "legacy"
    root = shutil.copytree(legacy, tmp_path / "tree")
    (script,) = [d.path.as_posix() for d in find_drivers(scan(root))]
    text = (root / script).read_text()
    monkeypatch.setattr("tests.trace.test_confirm.ENVIRONMENT", {"http_proxy": "", "https_proxy": "http://proxy:1"})
    assert by_trace(root, text, monkeypatch) == by_bash(root, script)
