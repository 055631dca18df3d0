"""Ordinary commands that change the host's files (`mkdir`, `cp`, `tar` …), and what then stands in the build context.

Where a command's effect on a file isn't traced, the file is Altered: it is there, and its contents are that command's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate.discover import EntryKind
from migrate.shell.syntax import SimpleCommand
from migrate.trace.events import Argument, HostChange, Opaque
from migrate.trace.state import State, Status
from migrate.trace.values import EMPTY, Filter, Stream, Value
from migrate.trace.workspace import Altered, Changed, Copied, Linked, Node, Streamed, Written, from_container


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    path: PurePosixPath
    trailing_slash: bool


@dataclass(slots=True, kw_only=True)
class _Call:
    """One command: its words taken apart, and what it turns out to touch."""

    state: State
    command: SimpleCommand
    name: str
    options: list[str]
    words: tuple[str, ...]
    operands: list[Argument]
    targets: list[_Target]
    outside: bool
    touched: list[PurePosixPath]

    def flag(self, letter: str, long: str = "") -> bool:
        return any(o == long or re.fullmatch(rf"-[A-Za-z]*{letter}[A-Za-z]*", o) for o in self.options)

    def put(self, path: PurePosixPath, node: Node) -> None:
        self.touched.append(path)
        self.state.workspace = self.state.workspace.with_node(path, node)

    def altered(self, path: PurePosixPath, *base: Node | EntryKind | None) -> None:
        """What stands at `path` is now the command's."""
        nodes = tuple(n for n in base if n is not None)
        self.put(path, Altered(base=nodes, command=self.command.span.text, span=self.command.span))


_VALUED = {
    "mkdir": "m",
    "install": "mogtS",
    "tar": "",
    "ln": "St",
    "cp": "tS",
    "mv": "tS",
    "touch": "drt",
    "truncate": "sr",
    "strip": "RKNo",
    "unzip": "dxP",
    "zip": "xi",
    "sed": "ef",
    "wget": "OoPUe",
    "dd": "",
    "xz": "T",
    "zstd": "",
}


def host_command(state: State, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> bool:
    """Take `name` into account; False where it is no command that this module knows."""
    run = _COMMANDS.get(name)
    if run is None or (name == "sed" and not _in_place(arguments)):
        return False
    if name in _STREAMING and _streams(state, command, name, arguments):
        return True
    call = _taken_apart(state, command, name, arguments)
    state.status = Status(code=None, span=command.span, presumed=True)
    if call is None:
        _opaque(state, command, name)
        return True
    if name in _SURE and not state.workspace.disturbed and not call.outside:
        state.status = Status(code=0, span=command.span)
    before = state.workspace
    held = set(before.carried)
    if run(call) is False:
        state.workspace = before
        _opaque(state, command, name)
        return True
    touched = dict.fromkeys(call.touched)
    alters = () if name in _TRACED or not held else tuple(p for p in touched if _meets(p, held))
    paths = tuple(dict.fromkeys(call.touched))
    state.emit(HostChange(span=command.span, command=name, paths=paths, alters=alters), command)
    return True


def _meets(path: PurePosixPath, held: set[PurePosixPath]) -> bool:
    return any(path == h or path in h.parents or h in path.parents for h in held)


def _in_place(arguments: Sequence[Argument]) -> bool:
    return any(re.match(r"-[nErsz]*i|--in-place", a.value.marked) for a in arguments)


def _taken_apart(state: State, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> _Call | None:
    """None where a word that may be a path isn't known."""
    options: list[str] = []
    operands: list[Argument] = []
    rest = list(arguments)
    ended = False
    while rest:
        argument = rest.pop(0)
        text = argument.value.text
        if text is None and state.place(argument.value)[0]:
            text = "/home"  # somewhere below the home directory
            argument = replace(argument, value=Value.of(text))
        if text is None or not argument.certain:
            return None
        if ended or not text.startswith("-") or text == "-":
            operands.append(argument)
        elif text == "--":
            ended = True
        else:
            options.append(text)
            letter = text[-1] if not text.startswith("--") else ""
            if letter and letter in _VALUED.get(name, "") and rest:
                value = rest.pop(0).value.text
                if value is None:
                    return None
                options.append(f"={value}")
    if state.directory is None and any(not (o.value.text or "").startswith("/") for o in operands):
        return None
    targets, outside = [], False
    for operand in operands:
        text = operand.value.text or ""
        path = state.path(text)
        if path is None:
            outside = True
        else:
            targets.append(_Target(path=path, trailing_slash=text.endswith("/")))
    return _Call(
        state=state,
        command=command,
        name=name,
        options=options,
        words=tuple(a.value.text or "" for a in arguments),
        operands=operands,
        targets=targets,
        outside=outside,
        touched=[],
    )


def _mkdir(call: _Call) -> bool:
    if any(re.match(r"-\w*m|--mode", o) for o in call.options):
        return False  # the mode of a folder can land in an image
    for target in call.targets:
        there = call.state.workspace.exists(target.path)
        if there is True and not call.flag("p", "--parents"):
            call.state.status = Status(code=1, span=call.command.span, decided=True)
        elif there is False or there is None:
            call.state.workspace = call.state.workspace.made(target.path)
        call.touched.append(target.path)
    return True


def _rm(call: _Call) -> bool:
    for target in call.targets:
        if target.path == PurePosixPath():
            return False
        workspace = call.state.workspace
        recursive = call.flag("r", "--recursive") or call.flag("R")
        missing = workspace.exists(target.path) is False
        folder = workspace.is_directory(target.path) is True and not recursive
        call.touched.append(target.path)
        if (missing and not call.flag("f", "--force")) or folder:
            call.state.status = Status(code=1, span=call.command.span, decided=True)
        if not folder:
            call.state.workspace = workspace.removed(target.path)
    return True


def _rmdir(call: _Call) -> bool:
    for target in call.targets:
        call.touched.append(target.path)
        if call.state.workspace.names(target.path) == ():
            call.state.workspace = call.state.workspace.removed(target.path)
        elif call.state.workspace.names(target.path):
            call.state.status = Status(code=1, span=call.command.span, decided=True)
        else:
            call.state.status = Status(code=None, span=call.command.span)
    return True


def _destinations(call: _Call) -> list[tuple[PurePosixPath | None, PurePosixPath]] | None:
    """(source, destination) pairs of cp, mv and install, a source outside the repository as None; the outer None where it
    isn't known what the last operand is."""
    into = any(o.startswith(("-t", "--target-directory")) for o in call.options)
    paths = [call.state.path(o.value.text or "") for o in call.operands]
    last = paths[-1] if paths else None
    if into or len(paths) < 2 or last is None:
        return None
    there = call.state.workspace.is_directory(last)
    trailing = (call.operands[-1].value.text or "").endswith("/")
    if there is None and (len(paths) > 2 or trailing):
        there = True
    if there is None or call.flag("T", "--no-target-directory"):
        return None if there is None else [(paths[0], last)]
    names = [PurePosixPath((o.value.text or "").rstrip("/")).name for o in call.operands]
    return [(p, last / name if there else last) for p, name in zip(paths[:-1], names[:-1], strict=True)]


def _cp(call: _Call) -> bool:
    pairs = _destinations(call)
    if pairs is None:
        return call.outside and call.state.path(call.operands[-1].value.text or "") is None if call.operands else False
    recursive = any(call.flag(letter) for letter in "raR") or "--recursive" in call.options
    for (source, target), operand in zip(pairs, call.operands, strict=False):
        text = operand.value.text or ""
        if text.rstrip("/").endswith("/.") or text == ".":
            return False
        if source is None:
            call.put(target, Changed())
        elif not _copied(call, source, target, recursive=recursive):
            return False
    return True


def _copied(call: _Call, source: PurePosixPath, target: PurePosixPath, *, recursive: bool) -> bool:
    workspace = call.state.workspace
    node = workspace.node(source)
    folder = workspace.is_directory(source)
    if node is None or (folder is True and not recursive):
        call.state.status = Status(code=1, span=call.command.span, decided=True)
        call.touched.append(target)
        return True
    if folder is True and workspace.exists(target) is not False:
        return False
    own = isinstance(node, EntryKind) and source not in workspace.folders
    if own and node in (EntryKind.FILE, EntryKind.DIRECTORY):
        call.put(target, Copied(path=source))
    elif isinstance(node, Copied | Written):
        call.put(target, node)
    else:
        call.altered(target, node, *_inside(call, source))
    return True


def _mv(call: _Call) -> bool:
    pairs = _destinations(call)
    if pairs is None:
        return False
    for source, target in pairs:
        if source is None:
            call.put(target, Changed())
            continue
        workspace = call.state.workspace
        node = workspace.node(source)
        call.touched += [source, target]
        if node is None:
            call.state.status = Status(code=1, span=call.command.span, decided=True)
        elif source in workspace.overlay or source in workspace.folders:
            call.state.workspace = workspace.moved(source, target)
        elif node in (EntryKind.FILE, EntryKind.DIRECTORY):
            call.state.workspace = workspace.removed(source).with_node(target, Copied(path=source))
        else:
            call.state.workspace = workspace.removed(source)
            call.altered(target, node)
    return True


def _touch(call: _Call) -> bool:
    for target in call.targets:
        there = call.state.workspace.exists(target.path)
        if there is False and "-c" not in call.options:
            call.put(target.path, Written(content=EMPTY))
        elif there is None:
            call.put(target.path, Changed())
        call.touched.append(target.path)
    return True


def _ln(call: _Call) -> bool:
    if len(call.targets) != 2 or call.outside:
        return False
    source, target = call.targets
    there = call.state.workspace.is_directory(target.path)
    if there is None:
        return False
    path = target.path / source.path.name if there else target.path
    if call.flag("s", "--symbolic"):
        call.put(path, Linked(target=call.operands[0].value.text or ""))
    else:
        call.altered(path, call.state.workspace.node(source.path))
    return True


def _alter(call: _Call) -> bool:
    """chmod, strip, sed -i …: each file that is named is another one afterwards."""
    first = 1 if call.name in ("chmod", "chown", "chgrp") and not any("reference" in o for o in call.options) else 0
    if call.name == "sed" and not any(o.startswith(("-e", "-f", "--expression")) for o in call.options):
        first = 1
    for operand in call.operands[first:]:
        path = call.state.path(operand.value.text or "")
        if path is None:
            continue
        node = call.state.workspace.node(path)
        if node is not None:
            call.altered(path, node, *_inside(call, path))
        call.touched.append(path)
    return True


def _inside(call: _Call, path: PurePosixPath) -> list[Node]:
    workspace = call.state.workspace
    return [workspace.overlay[p] for p in workspace.carried if path in p.parents]


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


def _compress(call: _Call) -> bool:
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
        if unpacks and not text.endswith(suffix):
            return False
        if not keeps:
            call.state.workspace = call.state.workspace.removed(target.path)
            call.touched.append(target.path)
        call.altered(target.path.with_name(renamed), node)
    return True


def _tar(call: _Call) -> bool:
    raw = _tar_words(call)
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
            nodes += [workspace.node(path), *_inside(call, path)]
        if archive in (None, "-"):
            call.state.print(call.state.unknown("output of `tar`", call.command.span), call.command.span)
            return True
        place = call.state.path(archive)
        if place is None:
            return True
        call.altered(place, *nodes)
        return True
    if base is None:
        return directory is not None and call.state.directory is not None
    return _unpack(call, archive, base)


def _unpack(call: _Call, archive: str | None, directory: PurePosixPath) -> bool:
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


def _tar_words(call: _Call) -> tuple[str, str | None, str | None, list[str]] | None:
    """Mode (`c`, `x`, `t`), archive, directory of `-C`, members; None where the options aren't all known."""
    mode, archive, directory = "", None, None
    words = list(call.words)
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


def _unzip(call: _Call) -> bool:
    into = next((o[1:] for o in call.options if o.startswith("=")), None)
    if call.flag("l") or not call.operands:
        return True
    directory = call.state.path(into) if into is not None else call.state.directory
    if directory is None:
        return into is not None
    return _unpack(call, call.operands[0].value.text, directory)


def _install(call: _Call) -> bool:
    if call.flag("d", "--directory"):
        return False
    pairs = _destinations(call)
    if pairs is None:
        return False
    for source, target in pairs:
        if call.flag("D"):
            call.state.workspace = call.state.workspace.made(target.parent)
        call.altered(target, call.state.workspace.node(source) if source is not None else None)
    return True


def _download(call: _Call) -> bool:
    """wget, curl: the files they are told to write."""
    written = []
    for index, option in enumerate(call.options):
        following = call.options[index + 1] if index + 1 < len(call.options) else ""
        match = re.match(r"--(?:output-document|output)=(.+)", option)
        if match:
            written.append(match[1])
        elif re.fullmatch(r"-[A-Za-z]*[Oo]", option) and following.startswith("="):
            written.append(following[1:])
    if call.name == "wget" and not written:
        written = [(o.value.text or "").rpartition("/")[2] for o in call.operands]
    for text in written:
        path = call.state.path(text) if text not in ("-", "", "/dev/null") else None
        if path is not None:
            call.put(path, Changed(base=tuple(n for n in [call.state.workspace.node(path)] if n and from_container(n))))
    return True


def _tee(call: _Call) -> bool:
    stdin = call.state.stdin
    for target in call.targets:
        node = call.state.workspace.node(target.path)
        known = isinstance(stdin, Value) and not call.flag("a", "--append")
        if known and isinstance(stdin, Value) and not (node and from_container(node)):
            call.put(target.path, Written(content=stdin))
        else:
            call.put(target.path, Changed(base=(node,) if node and from_container(node) else ()))
    if stdin is not None:
        call.state.print(stdin, call.command.span)
    else:
        call.state.print(call.state.unknown("output of `tee`", call.command.span), call.command.span)
    call.state.stdin = EMPTY if stdin is not None else None
    return True


def _zip(call: _Call) -> bool:
    if not call.targets or call.outside:
        return False
    archive, *members = call.targets
    nodes = [call.state.workspace.node(m.path) for m in members]
    call.altered(archive.path, *nodes, *(n for m in members for n in _inside(call, m.path)))
    return True


_SURE = {"mkdir", "rm", "rmdir", "mv", "cp", "touch", "ln"}
_TRACED = {"mkdir", "rm", "rmdir", "mv", "touch"}
_STREAMING = {"gzip", "gunzip", "xz", "unxz", "bzip2", "bunzip2", "zstd", "unzstd", "pigz", "lz4", "compress"}


def _streams(state: State, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> bool:
    """`… | xz -z9 > f`: a filter, without operands, or with `-c` on one file (which is then read)."""
    operands = [a for a in arguments if not a.value.marked.startswith("-") or a.value.text == "-"]
    if any(a.value.text != "-" for a in operands):
        return False
    stdin, span = state.stdin, command.span
    words = (Value.of(name), *(a.value for a in arguments))
    if isinstance(stdin, Stream):
        state.print(Stream(step=stdin.step, span=span, filters=(*stdin.filters, Filter(words=words, span=span))), span)
    else:
        state.print(state.unknown(f"output of `{span.text}`", span), span)
    state.stdin = EMPTY
    state.status = Status(code=None, span=span, presumed=True)
    return True


_COMMANDS: Mapping[str, Callable[[_Call], bool]] = {
    "mkdir": _mkdir,
    "rm": _rm,
    "rmdir": _rmdir,
    "cp": _cp,
    "mv": _mv,
    "touch": _touch,
    "ln": _ln,
    **dict.fromkeys(("chmod", "chown", "chgrp", "strip", "sed", "truncate", "patchelf", "upx", "dos2unix"), _alter),
    **dict.fromkeys((*_STREAMING,), _compress),
    "tar": _tar,
    "unzip": _unzip,
    "zip": _zip,
    "install": _install,
    "tee": _tee,
    "wget": _download,
}


def _opaque(state: State, command: SimpleCommand, name: str) -> None:
    state.emit(Opaque(span=command.span, command=name, artifacts=state.workspace.carried), command)
    state.workspace = state.workspace.after_unknown()
