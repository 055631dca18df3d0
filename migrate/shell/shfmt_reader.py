"""Reads a script through the shfmt binary, the one place that runs it. Input: a script; output: its tree.

Raises RefusalError for a syntax error (at shfmt's place), for what shfmt reads otherwise than bash does (a carriage
return outside comments, a NUL), and where the binary is missing or fails. shfmt counts in bytes: bytes that are not
UTF-8, which it refuses, reach it as a private-use character, and offsets are turned back into characters.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from migrate.shell.refusal import RefusalError
from migrate.shell.shfmt_tree import Tree
from migrate.shell.syntax import Comment, Script
from migrate.source import SourceFile

TIMEOUT_SECONDS = 30
_SURROGATE = re.compile("[\ud800-\udfff]")
_STAND_IN = "\ue000"  # like a byte that is not UTF-8, no shell gives it a meaning
_ERROR = re.compile(r"(?:.*?:)?(\d+):(\d+|\?): (.*)")
_INSTALL = "install the package `shfmt-py` next to ms-migrate, or put `shfmt` on PATH"


def read(source: SourceFile) -> Script:
    """The tree of `source`; raises RefusalError, and nothing else, whatever the text."""
    text = source.text
    if (nul := text.find("\0")) >= 0:
        raise RefusalError("the script holds a NUL byte", start=nul, end=nul + 1)
    data = _SURROGATE.sub(_STAND_IN, text).encode()
    file = _parsed(_run(data), text, data)
    tree = Tree(source, _character_offsets(text, data))
    try:
        comments = tree.comments(file)
        _check_carriage_returns(text, comments)
        return Script(source=source, statements=tree.statements(file.get("Stmts", [])), comments=comments)
    except RecursionError:
        raise RefusalError("the script is nested too deeply") from None


def _run(data: bytes) -> subprocess.CompletedProcess[bytes]:
    binary = binary_path()
    if binary is None:
        message = "`shfmt`, which reads what bashlex can't, is not there"
        raise RefusalError(message, help_text=_INSTALL)
    command = [str(binary), "-ln", "bash", "--to-json"]
    try:
        return subprocess.run(command, input=data, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise RefusalError(f"`shfmt` did not finish within {TIMEOUT_SECONDS} s") from None
    except OSError as error:
        message = f"`shfmt` can't be started: {error.strerror or error}"
        raise RefusalError(message, help_text=_INSTALL) from None


@cache
def binary_path() -> Path | None:
    """The binary of the installed package, else that of the scripts directory, else one on PATH."""
    found: list[Path] = []
    with contextlib.suppress(PackageNotFoundError):
        found += [Path(str(f.locate())) for f in files("shfmt-py") or () if f.name in ("shfmt", "shfmt.exe")]
    found.append(Path(sysconfig.get_path("scripts"), "shfmt"))
    on_path = shutil.which("shfmt")
    found += [Path(on_path)] if on_path else []
    return next((path for path in found if path.is_file()), None)


def _parsed(done: subprocess.CompletedProcess[bytes], text: str, data: bytes) -> dict[str, Any]:
    if done.returncode == 0:
        try:
            file: dict[str, Any] = json.loads(done.stdout)
        except RecursionError:
            raise RefusalError("the script is nested too deeply") from None
        except ValueError:
            raise RefusalError("`shfmt` failed: its output is no JSON", help_text=_INSTALL) from None
        return file
    lines = done.stderr.decode(errors="replace").splitlines() or [f"exit code {done.returncode}"]
    match = _ERROR.fullmatch(lines[0])
    if match is None:
        deep = "stack overflow" in "\n".join(lines[:5]) or "exceeded max depth" in lines[0]
        raise RefusalError("the script is nested too deeply" if deep else f"`shfmt` failed: {lines[0]}")
    place = _offset(text, data, int(match[1]), 1 if match[2] == "?" else int(match[2]))
    note = f"shfmt: {match[3][:1].lower()}{match[3][1:]}"
    raise RefusalError("the script is not valid shell", start=place, end=min(place + 1, len(text)), notes=(note,))


def _offset(text: str, data: bytes, line: int, column: int) -> int:
    """Line and byte column, both from 1, to a character offset; never behind the end of the text."""
    start = 0
    for _ in range(line - 1):
        start = data.find(b"\n", start) + 1
    return min(len(data[: start + column - 1].decode(errors="ignore")), len(text))


def _character_offsets(text: str, data: bytes) -> Sequence[int]:
    if len(text) == len(data):
        return range(len(data) + 1)
    offsets: list[int] = []
    for index, character in enumerate(data.decode()):
        offsets += [index] * len(character.encode())
    return [*offsets, len(text)]


def _check_carriage_returns(text: str, comments: tuple[Comment, ...]) -> None:
    """bash takes a carriage return for a part of the word, shfmt skips it; in a comment it means nothing to either. Up to
    the first one outside a comment both read the same, so comments are known till there, and that one is named."""
    position = 0
    for start, end in [*((c.span.start, c.span.end) for c in comments), (len(text), len(text))]:
        found = text.find("\r", position, start)
        if found >= 0:
            break
        position = end
        while text.startswith("\r", position):
            position += 1
    else:
        return
    message = "a carriage return outside a comment: bash would see it in the word"
    if text.startswith("\n", found + 1):
        message = "windows line ends: bash would see a carriage return in each command"
    raise RefusalError(message, start=found, end=found + 1, help_text="convert the script to LF line ends")
