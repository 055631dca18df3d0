"""What the trace of a package.json's scripts says docker is given, against what npm gives it (the stand-in, where none is installed).

Each row is a call, and the scripts by name. npm runs it with a `docker` first on
PATH that notes its words and its directory.
"""

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from tests.engine_room.test_npm_standin import program
from tests.trace.test_confirm import by_bash, lay
from tests.trace.test_make_confirm import by_trace

PACKAGE = {"name": "demo", "version": "1.2.3", "config": {"port": "80", "many": 3}}
Scripts = dict[str, str]
KNOWN: dict[str, tuple[str, Scripts]] = {
    "one": ("npm run a", {"a": "docker build ."}),
    "hooks": ("npm run a", {"a": "docker build a", "prea": "docker build pre", "posta": "docker build post"}),
    "named by npm": (
        "npm test; npm start; npm stop; npm t",
        {n: f"docker build {n}" for n in ("test", "start", "stop")},
    ),
    "another one": ("npm run a", {"a": "npm run b && docker build a", "b": "docker build b"}),
    "words": ("npm run a -- b -c d=e ./f", {"a": "docker build"}),
    "words before the dashes": ("npm run a b -- c", {"a": "docker build"}),
    "words for hooks": ("npm run a -- b", {"a": "docker build a", "prea": "docker build pre"}),
    "words are no parameters": ("npm run a -- b", {"a": 'docker build "$1" $# $0'}),
    "silent": (
        "npm run -s a; npm -s run b; npm --silent test",
        {"a": "docker build a", "b": "docker build b", "test": "docker build c"},
    ),
    "what npm sets": (
        "npm run a",
        {
            "a": "docker build $npm_package_name $npm_package_version $npm_package_config_port $npm_lifecycle_event $INIT_CWD"
        },
    ),
    "what it sets in hooks": ("npm run a", {"a": "true", "prea": "docker build $npm_lifecycle_event"}),
    "the folder": ("npm run a", {"a": "docker build $PWD; cd sub; docker build $PWD"}),
    "each is a process": ("npm run a", {"a": "docker build $B .", "prea": "cd sub; B=1; export B"}),
    "what is exported": ("A=1; export B=2; C=3 npm run a", {"a": "docker build x$A $B $C"}),
    "nothing comes back": ("npm run a; docker build x$B", {"a": "B=1; cd sub"}),
    "one that fails": ("npm run a; docker build end", {"a": "docker build a; false", "posta": "docker build post"}),
    "a hook that fails": ("npm run a || docker build end", {"a": "docker build a", "prea": "false"}),
    "a chain": ("npm run a && docker build end", {"a": "npm run b && docker build a", "b": "exit 1"}),
    "no errexit": ("npm run a", {"a": "false; docker build a"}),
    "statements": ("npm run a", {"a": "for i in 1 2; do docker build $i; done\nif true; then docker build yes; fi"}),
    "captured": ('docker build "$(npm run -s a)"', {"a": "echo $npm_package_version"}),
    "piped": ("npm run -s a | cat > /dev/null; docker build $(npm run -s b)", {"a": "docker build a", "b": "echo b"}),
    "redirected": ("npm run a > log", {"a": "docker build a"}),
    "quotes": ("npm run a", {"a": 'docker build "a b" \'c "d"\' e\\ f "$npm_package_name"'}),
    "unicode": ("npm run a", {"a": "docker build é \U0001f433"}),
    "another folder": ("cd sub; npm --prefix .. run a; npm -C ../ run a", {"a": "docker build $PWD"}),
    "above": ("cd deep/x; npm run a", {"a": "docker build $PWD"}),
    "scripts of the repository": ("npm run a", {"a": "tools/child.sh b; . tools/env.sh; docker build $NAME"}),
    "if it is there": ("npm run --if-present a; npm run --if-present b", {"a": "docker build a"}),
    "by sudo's like": ("env A=1 npm run a; nohup npm run a", {"a": "docker build x$A"}),
    "make": ("npm run a", {"a": "make -f rules.mk"}),
}
UNKNOWN: dict[str, tuple[str, Scripts]] = {
    "a name": ("npm run $A", {"a": "docker build ."}),
    "a word": ("npm run a -- $(date)", {"a": "docker build"}),
    "a word to be quoted": ("npm run a -- 'b c'", {"a": "docker build"}),
    "an option": ("npm run a --ignore-scripts", {"a": "docker build a", "prea": "docker build pre"}),
    "a workspace": ("npm run a --workspace b", {"a": "docker build a"}),
    "restart": ("npm restart", {"restart": "docker build a"}),
    "an installation": ("npm install", {"postinstall": "docker build a"}),
    "pnpm": ("pnpm run a", {"a": "docker build a"}),
    "pnpm, to another one": ("pnpm a", {"a": "npm run b", "b": "tools/child.sh"}),
    "side by side": ("npm-run-all -p a b", {"a": "docker build a", "b": "docker build b"}),
    "a pattern": ("npm-run-all 'a:*'", {"a:b": "docker build a"}),
    "what sh may not read": ("npm run a", {"a": "[[ a == a ]] && docker build a"}),
    "itself without end": ("npm run a", {"a": "docker build a; npm run a"}),
}


def laid(root: Path, call: str, scripts: Scripts) -> Path:
    lay(root, call + "\n")
    (root / "package.json").write_text(json.dumps({**PACKAGE, "scripts": scripts}))
    (root / "rules.mk").write_text("all:\n\tdocker build make\n")
    return root


@pytest.mark.parametrize("name", KNOWN)
def test_scripts_are_followed_as_npm_does(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call, scripts = KNOWN[name]
    root = laid(tmp_path / "tree", call, scripts)
    if shutil.which("npm") is None:
        stand_in(tmp_path / "bin", monkeypatch)
    assert by_trace(root, call + "\n", monkeypatch) == by_bash(root)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call, scripts = UNKNOWN[name]
    root = laid(tmp_path / "tree", call, scripts)
    assert by_trace(root, call + "\n", monkeypatch) is None


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "npm").write_text(f'#!/bin/sh\nexec {shlex.join(program())} "$@"\n')
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
