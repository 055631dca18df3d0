"""What is known of a place in an image without the image: file or folder, by the instructions that made it, or by an engine."""

import posixpath
import re
from collections.abc import Mapping

from migrate.plan.model import ArtifactFact, ArtifactKind
from migrate.proof.expressions import (
    Assembled,
    At,
    Changed,
    Content,
    Emptied,
    Exec,
    Fetched,
    File,
    Files,
    Folders,
    Hidden,
    Inline,
    Landing,
    Matching,
    Member,
    Packed,
    Put,
    Repacked,
    Stdout,
    Tree,
    Unpacked,
)
from migrate.provenance.commands import compiled_files, made_folders

Facts = Mapping[tuple[bytes, str], ArtifactFact]
"""What an engine said, by the digest of the files and the path."""

_TAKES_AWAY = re.compile(r"\b(?:rm|rmdir|mv|ln|install|cp)\b")


def inside(path: str, folder: str) -> bool:
    """Whether `path` lies below `folder`."""
    return path != folder and path.startswith(folder.rstrip("/") + "/")


def fact_of(content: Content, facts: Facts) -> ArtifactFact | None:
    match content:
        case At(files=files, path=path):
            return facts.get((files.digest, path))
        case Fetched(content=inner) | Hidden(content=inner) | Repacked(content=inner) | Matching(content=inner):
            return fact_of(inner, facts)
        case _:
            return None


def kind_of(content: Content, facts: Facts) -> ArtifactKind | None:
    """None where it isn't known."""
    match content:
        case File() | Inline() | Stdout() | Packed():
            return ArtifactKind.FILE
        case Tree() | Unpacked() | Assembled():
            return ArtifactKind.DIRECTORY
        case Fetched(content=inner) | Hidden(content=inner) | Repacked(content=inner):
            return kind_of(inner, facts)
        case Changed(content=inner, words=words):
            if words[0] in ("gzip", "xz", "bzip2", "strip", "cp", "install"):
                return ArtifactKind.FILE
            return kind_of(inner, facts)
        case At(files=files, path=path):
            fact = fact_of(content, facts)
            return fact.kind if fact is not None else _made(files, path)
        case Member():
            return None
        case _:
            return None


def is_folder(files: Files, path: str) -> bool:
    """Whether `path` surely is a folder."""
    return path == "/" or _made(files, path) is ArtifactKind.DIRECTORY


def _made(files: Files, path: str) -> ArtifactKind | None:
    """By the last instruction that says what stands there; not where a later command may have taken it away, or have made a
    link of a file that was only copied."""
    doubted = ran = False
    at: Files | None = files
    while at is not None:
        found: ArtifactKind | None = None
        match at:
            case Folders(files=below, paths=paths):
                found = ArtifactKind.DIRECTORY if any(path == p or inside(p, path) for p in paths) else None
                at = below
            case Put(files=below, landings=landings):
                found = next((k for each in landings if (k := _landed(each, path)) is not None), None)
                doubted = doubted or (ran and found is ArtifactKind.FILE)
                at = below
            case Emptied(files=below, path=emptied):
                if inside(path, emptied):
                    return None
                found = ArtifactKind.DIRECTORY if path == emptied else None
                at = below
            case Exec(files=below):
                found = _by_command(at, path)
                doubted = doubted or (found is None and _may_take(at, path))
                ran = True
                at = below
            case _:
                return None
        if found is not None:
            return None if doubted else found
    return None


def _landed(landing: Landing, path: str) -> ArtifactKind | None:
    end = landing.destination
    if inside(end, path) or (end == path and landing.contents):
        return ArtifactKind.DIRECTORY
    if landing.contents and isinstance(landing.content, Tree) and inside(path, end):
        rest = posixpath.relpath(path, end)
        if any(inside(p, rest) for p, _ in landing.content.entries):
            return ArtifactKind.DIRECTORY
        # a link of the repository is one in the image as well
        return (
            ArtifactKind.FILE
            if any(p == rest and not o.startswith("link ") for p, o in landing.content.entries)
            else None
        )
    if landing.exact and end == path and isinstance(landing.content, File | Inline):
        return ArtifactKind.FILE
    return None


def command_text(command: Exec) -> str:
    return command.command.script or " ".join(command.command.words)


def _by_command(node: Exec, path: str) -> ArtifactKind | None:
    text = command_text(node)
    if any(path == (p := _from(node.directory, w)) or inside(p, path) for w in made_folders(text)):
        return ArtifactKind.DIRECTORY
    if any(_from(node.directory, name) == path for name in compiled_files(text)):
        return ArtifactKind.FILE
    return None


def _may_take(node: Exec, path: str) -> bool:
    text = command_text(node)
    name = path.rpartition("/")[2]
    return (
        _TAKES_AWAY.search(text) is not None and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None
    )


def _from(directory: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(directory, name))
