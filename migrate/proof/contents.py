"""Normal forms of what stands at a place: packing and unpacking cancel, what lies in a folder is found there, and a COPY says
no more than where things land."""

import posixpath
import shlex
from dataclasses import replace

from migrate.plan.model import ArtifactKind
from migrate.proof.commands import SHELL, of_script
from migrate.proof.expressions import (
    Assembled,
    At,
    Changed,
    Content,
    Exec,
    Fetched,
    Files,
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
from migrate.proof.kinds import Facts, fact_of, inside, kind_of
from migrate.provenance.commands import Command as Text
from migrate.provenance.commands import compresses, packs, prepared
from migrate.source import Span


def joined(folder: str, path: str) -> str:
    """`path` seen from `folder`, without `.` and `..`."""
    found = posixpath.normpath(posixpath.join(folder, path))
    return found.replace("//", "/", 1) if found.startswith("//") else found


def member(content: Content, path: str, span: Span | None = None) -> Content:
    """What stands at `path` in a folder."""
    if path in ("", "."):
        return content
    match content:
        case At(files=files, path=folder, saved=saved):
            return At(files=files, path=joined(folder, path), saved=saved, span=span or content.span)
        case Fetched(content=inner):
            return Fetched(content=member(inner, path, span), span=content.span)
        case Repacked(content=inner):
            return Repacked(content=member(inner, path, span), span=content.span)
        case Assembled(entries=entries):
            for name, inner in entries:
                if path == name or inside(path, name):
                    return member(inner, posixpath.relpath(path, name), span)
            within = tuple((posixpath.relpath(n, path), c) for n, c in entries if inside(n, path))
            if within:
                return Assembled(entries=within, span=content.span)
            return Member(content=content, path=path, span=span)
        case _:
            return Member(content=content, path=path, span=span)


def assembled(entries: "tuple[tuple[str, Content], ...]", span: Span | None) -> Content:
    return Assembled(entries=tuple(sorted(entries, key=lambda e: e[0])), span=span)


def stdout(command: Exec) -> Content:
    """What a command printed; a tar that it packed is that of the folder."""
    text, words = command.command.script, command.command.words
    said = Text(text=text or shlex.join(words), words=words or None)
    packed = packs(said, command.directory)
    files: Files = command.files
    if packed is None and text and (step := prepared(said, command.directory)) is not None:
        first, packed = step
        files = replace(command, command=of_script(first, command.command.shell or SHELL, command.span))
    if packed is None:
        return Stdout(command=command, span=command.span)
    folder = At(files=files, path=joined("/", packed.directory), span=command.span)
    if not packed.members:
        return Packed(content=folder, span=command.span)
    found = tuple((posixpath.normpath(m), member(folder, m)) for m in packed.members)
    return Packed(content=assembled(found, command.span), span=command.span)


def unpacked(content: Content, span: Span | None = None) -> Content:
    """The folder that a tar holds, compressed or not."""
    match content:
        case Packed(content=inner):
            return inner
        case Changed(content=inner, words=words) if compresses(list(words)):
            return unpacked(inner, span)
        case _:
            return Unpacked(content=content, span=span or content.span)


def fetched(content: Content, facts: Facts) -> Content:
    """What `docker cp` left on the host: a file or a folder as it is."""
    if isinstance(content, Fetched) or kind_of(content, facts) in (ArtifactKind.FILE, ArtifactKind.DIRECTORY):
        return content
    return Fetched(content=content, span=content.span)


def as_folder(content: Content) -> Content:
    """The same, where what it holds is meant: `docker cp` keeps that."""
    return content.content if isinstance(content, Fetched) else content


def settled(landing: Landing, facts: Facts) -> Landing:
    """A landing in normal form, by what is known of its source."""
    kind = kind_of(landing.content, facts)
    fact = fact_of(landing.content, facts)
    owner = landing.owner
    if owner == "kept" and fact is not None and fact.root_owned:
        owner = "0:0"
    contents, exact = landing.contents, landing.exact
    destination, name, within, content = landing.destination, landing.name, landing.within, landing.content
    flags = landing.flags
    if isinstance(content, Matching):
        contents = exact = False
        name, within = "", True
    elif kind is ArtifactKind.DIRECTORY and (not exact or (fact is not None and fact.mode == 0o755)):
        contents, exact = True, False
    if contents:
        content, name, within = as_folder(content), "", None
        flags = tuple(f for f in flags if f != "unpacks")
    elif kind is ArtifactKind.FILE:
        destination = joined(destination, name) if within else destination
        exact = exact or within is not None
        name, within = ("", None) if exact else (name, within)
    return Landing(
        content=content,
        destination=destination,
        owner=owner,
        name=name,
        within=within,
        contents=contents,
        exact=exact,
        mode=landing.mode,
        flags=flags,
        assumed=landing.assumed,
        span=landing.span,
    )


def put(files: Files, landings: tuple[Landing, ...], span: Span | None) -> Files:
    """COPY: together with the one before it, in an order that is the same however the author chose it."""
    if not landings:
        return files
    if isinstance(files, Put):
        landings = (*files.landings, *landings)
        files = files.files
    return Put(files=files, landings=_in_order(landings), span=span)


def _in_order(landings: tuple[Landing, ...]) -> tuple[Landing, ...]:
    """By destination, as far as none may write what another one writes: those stay as they were."""
    waiting = list(landings)
    found: list[Landing] = []
    while waiting:
        free = [w for i, w in enumerate(waiting) if not any(_meet(w, b) for b in waiting[:i])]
        first = min(free, key=_place)
        waiting = [w for w in waiting if w is not first]
        if not (found and any(f.digest == first.digest and _last(found, f) for f in found)):
            found.append(first)
    return tuple(found)


def _last(found: list[Landing], landing: Landing) -> bool:
    """Whether nothing behind `landing` may have written over it: saying it again changes nothing."""
    behind = found[found.index(landing) + 1 :]
    return not any(_meet(landing, b) for b in behind)


def _place(landing: Landing) -> tuple[str, str, bytes]:
    whole = joined(landing.destination, landing.name) if landing.within else landing.destination
    return whole, landing.name, landing.digest


def _meet(one: Landing, other: Landing) -> bool:
    """Whether two landings may write the same path, or make the same folder for different owners."""
    if one.owner != other.owner and posixpath.dirname(one.destination) == posixpath.dirname(other.destination):
        return True
    return any(a == b or inside(a, b) or inside(b, a) for a in _writes(one, other) for b in _writes(other, one))


def _writes(landing: Landing, other: Landing) -> list[str]:
    """The paths at or below which it writes; those of a tree as far as the other one may meet them."""
    if landing.contents and isinstance(landing.content, Tree):
        ends = [other.destination, joined(other.destination, other.name) if other.name else other.destination]
        if isinstance(other.content, Tree) and other.contents:
            return [landing.destination]
        full = (joined(landing.destination, p) for p, _ in landing.content.entries)
        return [p for p in full if any(p == e or inside(p, e) or inside(e, p) for e in ends)]
    if landing.within and landing.name:
        return [joined(landing.destination, landing.name)]
    return [landing.destination]
