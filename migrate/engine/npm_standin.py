"""The `npm` that a driver meets while it is verified where none is installed: it runs a package.json's scripts and nothing else.

Run as a program, with npm's own words. Standard library only. `--prefix`, silence and arguments are understood; whatever else npm
is told ends it, as a program that isn't there would.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NAMED = {"start": "start", "stop": "stop", "test": "test", "t": "test", "tst": "test"}
_SILENT = {"-s", "--silent", "-q", "--quiet"}


def main() -> None:
    sys.exit(_run(sys.argv[1:]))


def _run(words: Sequence[str]) -> int:
    asked, _, given = "\0".join(words).partition("\0--\0")
    behind = given.split("\0") if given else []
    before: list[str] = []
    folder, verb, script = None, "", ""
    silent, optional = "npm_config_loglevel" in os.environ, False
    rest = asked.split("\0")
    while rest:
        word = rest.pop(0)
        if word in ("--prefix", "-C") and rest:
            folder = Path(rest.pop(0))
        elif word.startswith("--prefix="):
            folder = Path(word.partition("=")[2])
        elif word in _SILENT:
            silent = True
        elif word == "--if-present":
            optional = True
        elif word.startswith("-"):
            return _refused(words)
        elif not verb:
            verb = word
            script = _NAMED.get(verb, "")
        elif not script:
            script = word
        else:
            before.append(word)
    if not script or verb not in {*_NAMED, "run", "run-script"}:
        return _refused(words)
    here = Path.cwd()
    folder = folder or next((p for p in (here, *here.parents) if (p / "package.json").is_file()), here)
    try:
        package = json.loads((folder / "package.json").read_bytes())
    except (OSError, ValueError):
        return _refused(words)
    if script not in package.get("scripts", {}):
        print(f"npm: there is no script {script}", file=sys.stderr)
        return 0 if optional else 1
    return _scripts(package, folder, script, [*before, *behind], silent=silent)


def _scripts(package: dict[str, Any], folder: Path, script: str, arguments: Sequence[str], *, silent: bool) -> int:
    config = package.get("config") or {}
    environment = {
        **os.environ,
        **{f"npm_package_{n}": package[n] for n in ("name", "version") if isinstance(package.get(n), str)},
        **{f"npm_package_config_{n}": v for n, v in config.items() if isinstance(v, str)},
        "INIT_CWD": str(Path.cwd()),
        **({"npm_config_loglevel": "silent"} if silent else {}),
    }
    for hook in (f"pre{script}", script, f"post{script}"):
        text = package["scripts"].get(hook)
        if text is None:
            continue
        if hook == script:
            text = " ".join([text, *map(shlex.quote, arguments)])
        if not silent:
            print(f"\n> {hook}\n> {text}\n", flush=True)
        done = subprocess.run(
            ["sh", "-c", text], cwd=folder, env={**environment, "npm_lifecycle_event": hook}, check=False
        )
        if done.returncode:
            return done.returncode
    return 0


def _refused(words: Sequence[str]) -> int:
    print(f"npm: not installed here, and `npm {shlex.join(words)}` runs no script", file=sys.stderr)
    return 127
