"""What the trace says docker is given, against what a real bash gives it.

Each row is run by bash with a `docker` that notes its words and answers as docker does; the trace must say the same words,
or say that it doesn't know. A row marked as unknown must be one, so that the table can't go slack.
"""

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from migrate import rules
from migrate.diagnostics import has_errors
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.shell.syntax import SimpleCommand
from migrate.source import SourceFile
from migrate.trace import interpreter
from migrate.trace.docker_events import docker_command
from migrate.trace.events import Argument
from migrate.trace.state import State
from migrate.trace.values import ContainerId, ImageId, Text, Value

BASH = shutil.which("bash")
NOTING = """\
#!/bin/bash
{ printf '%s\\0' "$@"; printf '\\n'; } >> "$NOTES"
case $1 in create) echo "cid$(grep -ac '^create' "$NOTES")" ;; esac
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
""".removeprefix("\n").splitlines()

UNKNOWN = r"""
docker build $HOME_OF_NOBODY .
docker build -t a:$1 .
docker build "$@"
docker build $# .
docker build -t a:$(date +%s) .
docker build -t a:$(git rev-parse HEAD) .
docker build * .
docker build a? .
docker build [ab] .
docker build {a,b} .
docker build {1..3} .
docker build ~ .
docker build ~/x .
A='*'; docker build $A .
A=abc; docker build ${A%c} .
A=abc; docker build ${A#a} .
A=abc; docker build ${A/b/x} .
A=abc; docker build ${#A} .
A=abc; docker build ${A:1} .
A=(a b); docker build ${A[0]} .
A+=x; docker build $A .
docker build $((1+1)) .
docker build $RANDOM .
read A < VERSION; docker build $A .
if true; then A=1; else A=2; fi; docker build $A .
for A in 1 2; do echo; done; docker build $A .
f() { A=1; }; A=2; f; docker build $A .
declare -i A=1+1; docker build $A .
declare -u A=x; docker build $A .
local A=1; docker build $A .; A=$(cat none); docker build "$A" .
IFS=,; A=x,y; docker build $A .
IFS=; A='x y'; docker build $A .
echo x > VERSION; docker build $(cat VERSION) .
set -- a b; docker build $1 .
if true; then docker build .; fi
for i in 1 2; do docker build $i; done
f() { docker build .; }; f
(cd sub; docker build .)
docker build . | cat
docker build . &
! docker build .
docker build . || docker build x
eval docker build .
A=build; eval "docker $A ."
. ./VERSION; docker build .
command docker build .
env docker build .
exec docker build .
time docker build .
/usr/bin/docker build .
alias d=docker; docker build .
trap 'docker rm x' EXIT; docker build .
[[ a == a ]] && docker build .
shift; docker build .
pushd sub; docker build .
docker build --nope .
A=1 docker build x$B . ; B=2; docker build $B
docker build -t ~x/y a~b .
test -f VERSION && docker build .
[ -f VERSION ] && docker build .
[ -f none ] || docker build .
grep -q x VERSION && docker build .
true && [ -f VERSION ] && docker build .
[ -f VERSION ] && A=1; docker build $A .
false || docker build .
docker exec x y
""".removeprefix("\n").splitlines()


_ABOUT_WORDS = {
    rules.CONSTRUCT_NOT_TRACED,
    rules.DOCKER_OPTION_UNKNOWN,
    rules.DOCKER_COMMAND_NOT_TRACED,
    rules.VALUE_UNKNOWN,
    rules.COMMAND_TOUCHES_ARTIFACT,
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


KNOWN_ROWS = rows(KNOWN)
UNKNOWN_ROWS = rows(UNKNOWN)


def lay(root: Path) -> Path:
    root.mkdir()
    (root / "VERSION").write_text("1.2\n")
    (root / "LINES").write_text("a  b\nc\n\n")
    (root / "sub").mkdir()
    return root


def by_bash(root: Path, text: str) -> list[list[str]]:
    programs = root.parent / "programs"
    programs.mkdir()
    (programs / "docker").write_text(NOTING)
    (programs / "docker").chmod(0o755)
    log = root.parent / "notes"
    log.write_bytes(b"")
    (root / "build.sh").write_text(text)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "NOTES": str(log), "HOME": "/home/nobody"}
    assert BASH is not None, "bash is missing: these tests can't be left out"
    subprocess.run([BASH, "./build.sh"], check=False, capture_output=True, cwd=root, env=environment, timeout=20)
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
            case ImageId():
                words.append("")
            case _:
                return None
    return "".join(words)


def by_trace(root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[list[str]] | None:
    """The words of every docker command; None where the trace says that it doesn't know."""
    calls: list[list[str | None]] = []

    def noting(state: State, command: SimpleCommand, client: Argument, arguments: tuple[Argument, ...]) -> Value:
        calls.append([spelt(a.value) for a in arguments])
        return docker_command(state, command, client, arguments)

    monkeypatch.setattr(interpreter, "docker_command", noting)
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    if script is None or has_errors(found):
        return None
    followed = interpreter.trace(script, scan(root), directory=PurePosixPath(), name="./build.sh")
    if any(d.rule in _ABOUT_WORDS and "operands" not in d.message for d in followed.diagnostics):
        return None
    known = [[w for w in call if w is not None] for call in calls]
    return known if all(len(k) == len(c) for k, c in zip(known, calls, strict=True)) else None


@pytest.mark.parametrize("text", KNOWN_ROWS, ids=range(len(KNOWN_ROWS)))
def test_what_the_trace_says_is_what_bash_does(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path / "tree")
    assert by_trace(root, text, monkeypatch) == by_bash(root, text)


@pytest.mark.parametrize("text", UNKNOWN_ROWS, ids=range(len(UNKNOWN_ROWS)))
def test_what_is_not_known_is_said(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path / "tree")
    assert by_trace(root, text, monkeypatch) is None
