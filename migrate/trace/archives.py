"""tar, zip and the compressors: what they make of files."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from migrate.discover import EntryKind
from migrate.trace.host_call import Call, creatable, fails, inside
from migrate.trace.values import Stream
from migrate.trace.workspace import Artifact, Node, Streamed

_SUFFIXES = {
    "gzip": ".gz",
    "xz": ".xz",
    "bzip2": ".bz2",
    "zstd": ".zst",
    "pigz": ".gz",
    "compress": ".Z",
    "lz4": ".lz4",
}


_UNPACKERS = {"gunzip": "gzip", "unxz": "xz", "bunzip2": "bzip2", "unzstd": "zstd"}


def compress(call: Call) -> bool:
    name = _UNPACKERS.get(call.name, call.name)
    unpacks = call.name in _UNPACKERS or call.flag("d", "--decompress")
    keeps = call.flag("k", "--keep") or name == "zstd"
    for target in call.targets:
        node = call.state.workspace.node(target.path)
        suffix = _SUFFIXES[name]
        text = target.path.name
        renamed = text.removesuffix(suffix) if unpacks and text.endswith(suffix) else text + suffix
        if call.flag("t", "--test") or call.flag("l", "--list"):
            continue
        workspace = call.state.workspace
        plain = True if isinstance(node, Artifact) else workspace.is_file(target.path)
        if (
            (workspace.is_link(target.path) and not isinstance(node, Artifact))
            or (plain is None and node is not None)
            or target.trailing_slash
        ):
            return False
        if unpacks and not text.endswith(suffix):
            return False
        there = workspace.exists(target.path.with_name(renamed))
        if not plain or (there is not False and not call.flag("f", "--force")) or text.endswith(suffix) is not unpacks:
            if there is None:
                return False
            fails(call, target.path)
            continue
        if not keeps:
            call.state.workspace = call.state.workspace.removed(target.path)
            call.touched.append(target.path)
        call.altered(target.path.with_name(renamed), node)
    return True


def tar(call: Call) -> bool:
    raw = tar_words(call.words)
    if raw is None:
        return False
    mode, archive, directory, members = raw
    workspace = call.state.workspace
    base = call.state.path(directory) if directory else call.state.directory
    if mode == "t":
        return True
    if mode == "c":
        nodes = []
        for member in members:
            path = call.state.path(f"{directory}/{member}" if directory else member)
            if path is None:
                return False
            nodes += [workspace.node(path), *inside(call, path)]
        if archive in (None, "-"):
            call.state.print(call.state.unknown("output of `tar`", call.command.span), call.command.span)
            return True
        place = call.state.path(archive)
        if place is None:
            return True
        possible = creatable(call, place, trailing=archive.endswith("/"))
        if possible is None or workspace.is_directory(place) is None:
            return False
        if not possible or workspace.is_directory(place):
            fails(call, place)
            return True
        call.altered(place, *nodes)
        return True
    if base is None:
        return directory is not None and call.state.directory is not None
    return _unpack(call, archive, base)


def _unpack(call: Call, archive: str | None, directory: PurePosixPath) -> bool:
    """What an archive holds isn't known: an empty folder becomes the command's, any other one can't be told."""
    workspace = call.state.workspace
    node: Node | None = None
    if archive not in (None, "-"):
        path = call.state.path(archive or "")
        found = workspace.node(path) if path is not None else None
        node = found if not isinstance(found, EntryKind) else None
    elif isinstance(call.state.stdin, Stream):
        node = Streamed(stream=call.state.stdin)
    if workspace.names(directory) != ():
        return False
    call.altered(directory, node)
    return True


def tar_words(given: Sequence[str]) -> tuple[str, str | None, str | None, list[str]] | None:
    """Mode (`c`, `x`, `t`), archive, directory of `-C`, members, of the words behind `tar`; None where the options aren't all
    known."""
    mode, archive, directory = "", None, None
    words = list(given)
    bundled = bool(words) and not words[0].startswith("-")  # `tar xzf a.tar`: values follow in the order of the letters
    if bundled:
        words[0] = "-" + words[0]
    members: list[str] = []
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in ("file", "directory"):
                value = value if equals else words.pop(0) if words else ""
                archive, directory = (value, directory) if name == "file" else (archive, value)
            elif name in ("extract", "create", "list", "get"):
                mode = {"get": "x", "extract": "x"}.get(name, name[0])
            elif (
                name not in ("gzip", "xz", "bzip2", "verbose", "no-same-owner", "same-owner", "overwrite")
                and not equals
            ):
                return None
        elif word.startswith("-") and len(word) > 1:
            for index, letter in enumerate(word[1:], 2):
                if letter in "cxt":
                    mode = letter
                elif letter in "fC":
                    joined = "" if bundled else word[index:]
                    value = joined or (words.pop(0) if words else "")
                    archive, directory = (value, directory) if letter == "f" else (archive, value)
                    if joined:
                        break
                elif letter not in "vzjJpahmokOPSlw":
                    return None
            bundled = False
        else:
            members.append(word)
    return (mode, archive, directory, members) if mode else None


def unzip(call: Call) -> bool:
    into = next((o[1:] for o in call.options if o.startswith("=")), None)
    if call.flag("l") or not call.operands:
        return True
    directory = call.state.path(into) if into is not None else call.state.directory
    if directory is None:
        return into is not None
    return _unpack(call, call.operands[0].value.text, directory)


def zip_(call: Call) -> bool:
    if not call.targets or call.outside:
        return False
    archive, *members = call.targets
    nodes = [call.state.workspace.node(m.path) for m in members]
    call.altered(archive.path, *nodes, *(n for m in members for n in inside(call, m.path)))
    return True
