"""What a run's stand-ins note of each command, as JSON lines: written by them, read by the run.

Standard library only, and light: a stand-in starts once a command.
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What a command brought out of the engine: the absolute `path`, and the `digest` of what stands there. None where it was
    merged into a folder that had been there, and can't be told from what was in it."""

    path: str
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCommand:
    """One command of the script's: `program` as it called it, `arguments` behind that, `directory` relative to the scratch
    copy (None: elsewhere), `verb` as `trace.docker_cli` names it ("" where it wasn't understood), how long it took."""

    program: str
    arguments: tuple[str, ...]
    directory: PurePosixPath | None
    verb: str
    exit_code: int
    start: float
    seconds: float
    image_ids: tuple[str, ...]
    extracted: Extracted | None


def append(log: Path, note: dict[str, Any]) -> None:
    """Add a line whole, whoever else is writing. It starts with a line's end: one that was cut off before it, by a kill,
    spoils nothing but itself."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, b"\n" + json.dumps(note).encode() + b"\n")
    finally:
        os.close(handle)


def read(log: Path) -> list[dict[str, Any]]:
    """The notes in the order of their ends; a line that was cut off is left out."""
    if not log.exists():
        return []
    notes = []
    for line in log.read_bytes().split(b"\n"):
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict):
            notes.append(note)
    return notes


def commands(notes: list[dict[str, Any]], tree: Path) -> tuple[RecordedCommand, ...]:
    """The notes as values; `tree` is the scratch copy."""
    root = tree.resolve()
    return tuple(_command(n, root) for n in notes)


def _command(note: dict[str, Any], root: Path) -> RecordedCommand:
    directory = Path(note["cwd"])
    found = note.get("extracted")
    return RecordedCommand(
        program=note.get("program", "docker"),
        arguments=tuple(note["argv"]),
        directory=PurePosixPath(directory.relative_to(root)) if directory.is_relative_to(root) else None,
        verb=note.get("verb", ""),
        exit_code=note["exit"],
        start=note["start"],
        seconds=note["seconds"],
        image_ids=tuple(i["id"] for i in note["images"]),
        extracted=Extracted(path=found[0], digest=found[1]) if found else None,
    )


def digest(path: Path) -> str | None:
    """SHA-256 over what stands at `path`: for each file, in the order of its name's bytes, the name relative to `path`, kind,
    mode, a link's target, a file's length and contents. Links are not followed. None where it can't be read."""
    from hashlib import sha256  # 5 ms to import

    total = sha256()
    try:
        for name in _walk(os.fsencode(path)):
            full = os.path.join(os.fsencode(path), name) if name else os.fsencode(path)  # noqa: PTH118 -- bytes
            found = os.lstat(full)
            total.update(b"%s\0%o\0" % (name, found.st_mode))
            if stat.S_ISLNK(found.st_mode):
                total.update(os.readlink(full) + b"\0")  # noqa: PTH115 -- bytes
            elif stat.S_ISREG(found.st_mode):
                total.update(b"%d\0" % found.st_size)
                with open(full, "rb") as file:  # noqa: PTH123 -- bytes
                    while chunk := file.read(_CHUNK):
                        total.update(chunk)
    except OSError:
        return None
    return total.hexdigest()


def _walk(root: bytes, name: bytes = b"") -> list[bytes]:
    full = os.path.join(root, name) if name else root  # noqa: PTH118 -- bytes
    names = [name]
    if stat.S_ISDIR(os.lstat(full).st_mode):
        for entry in sorted(os.listdir(full)):  # noqa: PTH208 -- bytes
            names += _walk(root, name + b"/" + entry if name else entry)
    return names
