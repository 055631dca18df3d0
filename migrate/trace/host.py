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
from migrate.trace.workspace import Altered, Changed, Copied, Linked, Node, Streamed, Workspace, Written, from_container


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
        if name == "rm":
            _removed_by_pattern(state, arguments)
        return True
    if name in _SURE and not state.workspace.disturbed and not call.outside:
        state.status = Status(code=0, span=command.span)
    before = state.workspace
    held = set(before.carried)
    if run(call) is False:
        state.workspace = before
        _opaque(state, command, name)
        for target in call.targets:
            if target.path != PurePosixPath():
                state.workspace = state.workspace.with_node(target.path, _unknown(before, target.path))
        return True
    touched = dict.fromkeys(call.touched)
    alters = () if name in _TRACED or not held else tuple(p for p in touched if _meets(p, held))
    paths = tuple(dict.fromkeys(call.touched))
    state.emit(HostChange(span=command.span, command=name, paths=paths, alters=alters), command)
    return True


def _removed_by_pattern(state: State, arguments: Sequence[Argument]) -> None:
    """`rm dir/*` where it isn't known what matches: what `dir` holds may be gone."""
    for argument in arguments:
        directory = re.match(r"[\"']?([\w./-]+)/", argument.span.text)
        path = state.path(directory[1]) if argument.value.text is None and directory else None
        if path is not None and path != PurePosixPath():
            for inner, _ in state.workspace.below(path):
                state.workspace = state.workspace.with_node(inner, _unknown(state.workspace, inner))


def _unknown(workspace: Workspace, path: PurePosixPath) -> Changed:
    """What stands at a path that was given to a command of which it isn't known what it did."""
    nodes = [
        n for p in (path, *(c for c in workspace.carried if path in c.parents)) if (n := workspace.node(p)) is not None
    ]
    return Changed(base=tuple(n for n in nodes if from_container(n)))


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


def _fails(call: _Call, path: PurePosixPath) -> None:
    """The command says that it can't, and leaves `path` alone."""
    call.state.status = Status(code=1, span=call.command.span, decided=True)
    call.touched.append(path)


def _creatable(call: _Call, path: PurePosixPath, *, trailing: bool = False) -> bool | None:
    """Whether something can be put at `path`: its directory is there, and a name with a slash behind it is one itself. None
    where that isn't known, or where a link stands in between."""
    workspace = call.state.workspace
    if workspace.is_link(path) or any(workspace.is_link(p) for p in path.parents):
        return None
    parent = workspace.is_directory(path.parent)
    if parent is not True:
        return None if parent is None or workspace.disturbed else False
    if trailing and workspace.is_directory(path) is not True:
        return None if workspace.is_directory(path) is None else False
    return True


def _mkdir(call: _Call) -> bool:
    if any(re.match(r"-\w*m|--mode", o) for o in call.options):
        return False  # the mode of a folder can land in an image
    parents = call.flag("p", "--parents")
    for target in call.targets:
        workspace = call.state.workspace
        above = [workspace.is_file(p) for p in target.path.parents]
        there = workspace.exists(target.path)
        possible = _creatable(call, target.path) if not parents else True
        if possible is None:
            return False
        blocked = workspace.is_file(target.path) or any(above) if parents else there is True
        if blocked or not possible:
            _fails(call, target.path)
            continue
        call.state.workspace = workspace.made(target.path)
        call.touched.append(target.path)
    return True


def _rm(call: _Call) -> bool:
    recursive = call.flag("r", "--recursive") or call.flag("R")
    for target in call.targets:
        workspace = call.state.workspace
        if target.path == PurePosixPath() or any(workspace.is_link(p) for p in target.path.parents):
            return False
        missing = workspace.exists(target.path) is False
        folder = workspace.is_directory(target.path)
        if target.trailing_slash and (workspace.is_link(target.path) or (folder is None and not missing)):
            return False
        if missing and call.flag("f", "--force"):
            call.touched.append(target.path)
        elif missing or (folder and not recursive) or (target.trailing_slash and folder is False):
            _fails(call, target.path)
        else:
            call.touched.append(target.path)
            call.state.workspace = workspace.removed(target.path)
    return True


def _rmdir(call: _Call) -> bool:
    for target in call.targets:
        workspace = call.state.workspace
        empty = workspace.names(target.path) == () and workspace.is_directory(target.path)
        if workspace.is_link(target.path) is not False or workspace.names(target.path) is None:
            return False
        if empty:
            call.touched.append(target.path)
            call.state.workspace = workspace.removed(target.path)
        else:
            _fails(call, target.path)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One file to copy or move: `source` is None outside the repository; `trailing` where the words end in a slash."""

    source: PurePosixPath | None
    target: PurePosixPath
    source_trailing: bool
    target_trailing: bool


def _destinations(call: _Call) -> list[_Pair] | None:
    """What cp, mv and install are to do; nothing where they fail, None where it isn't known what the last operand is."""
    into = any(o.startswith(("-t", "--target-directory")) for o in call.options)
    texts = [o.value.text or "" for o in call.operands]
    paths = [call.state.path(t) for t in texts]
    last = paths[-1] if paths else None
    if into or len(paths) < 2 or last is None:
        return None
    there = call.state.workspace.is_directory(last)
    trailing = texts[-1].endswith("/")
    if there is None or call.flag("T", "--no-target-directory") or call.state.workspace.is_link(last):
        return None
    if not there and len(paths) > 2:
        _fails(call, last)
        return []
    return [
        _Pair(
            source=path,
            target=last / PurePosixPath(text.rstrip("/")).name if there else last,
            source_trailing=text.endswith("/"),
            target_trailing=trailing and not there,
        )
        for path, text in zip(paths[:-1], texts[:-1], strict=True)
    ]


def _cp(call: _Call) -> bool:
    pairs = _destinations(call)
    if pairs is None:
        return bool(call.operands) and call.outside and call.state.path(call.operands[-1].value.text or "") is None
    recursive = any(call.flag(letter) for letter in "raR") or "--recursive" in call.options
    if any((o.value.text or "").rstrip("/").endswith("/.") or o.value.text == "." for o in call.operands[:-1]):
        return False
    return all(_copied(call, pair, recursive=recursive) for pair in pairs)


def _copied(call: _Call, pair: _Pair, *, recursive: bool) -> bool:
    source, target = pair.source, pair.target
    workspace = call.state.workspace
    if source is None:
        call.put(target, Changed())
        return True
    node, folder = workspace.node(source), workspace.is_directory(source)
    possible = _creatable(call, target, trailing=pair.target_trailing and not folder)
    there = workspace.exists(target)
    if possible is None or workspace.is_link(source) or (folder is None and there is not False):
        return False
    if folder is True and recursive and (there is not False or source == target or source in target.parents):
        return False
    wrong = (folder is True and not recursive) or (pair.source_trailing and folder is False)
    if node is None or not possible or wrong or source == target or workspace.is_directory(target):
        _fails(call, target)
        return True
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
    for pair in pairs:
        source, target = pair.source, pair.target
        if source is None:
            call.put(target, Changed())
        elif not _moved(call, source, target, pair):
            return False
    return True


def _moved(call: _Call, source: PurePosixPath, target: PurePosixPath, pair: _Pair) -> bool:
    workspace = call.state.workspace
    node, folder = workspace.node(source), workspace.is_directory(source)
    possible = _creatable(call, target, trailing=pair.target_trailing and not folder)
    there = workspace.exists(target)
    known_kinds = folder is not None or there is False
    if possible is None or not known_kinds or (there and workspace.is_directory(target) is None):
        return False
    clash = there is True and (bool(folder) or bool(workspace.is_directory(target)))
    if folder and there is True and workspace.is_directory(target):
        return False  # it would take the place of an empty folder
    inner = source == target or source in target.parents
    if node is None or not possible or clash or inner or (pair.source_trailing and folder is False):
        _fails(call, target)
        return True
    call.touched += [source, target]
    if source in workspace.overlay or source in workspace.folders:
        if workspace.repository.kind(source) is not None and source in workspace.folders:
            return False  # partly the repository's, partly the script's
        call.state.workspace = workspace.removed(target).moved(source, target)
    elif node in (EntryKind.FILE, EntryKind.DIRECTORY):
        call.state.workspace = workspace.removed(source).with_node(target, Copied(path=source))
    else:
        call.state.workspace = workspace.removed(source)
        call.altered(target, node)
    return True


def _touch(call: _Call) -> bool:
    for target in call.targets:
        there = call.state.workspace.exists(target.path)
        if there is True and not (target.trailing_slash and call.state.workspace.is_directory(target.path) is False):
            call.touched.append(target.path)
            continue
        possible = _creatable(call, target.path, trailing=target.trailing_slash)
        if possible is None or there is None:
            return False
        if not possible:
            _fails(call, target.path)
        elif "-c" not in call.options:
            call.put(target.path, Written(content=EMPTY))
    return True


def _ln(call: _Call) -> bool:
    if len(call.targets) != 2 or call.outside:
        return False
    source, target = call.targets
    there = call.state.workspace.is_directory(target.path)
    if there is None or call.state.workspace.is_link(target.path):
        return False
    path = target.path / PurePosixPath(call.operands[0].value.text or "").name if there else target.path
    possible = _creatable(call, path, trailing=target.trailing_slash and not there)
    if possible is None or call.flag("f", "--force"):
        return False
    node = call.state.workspace.node(source.path)
    hard = not call.flag("s", "--symbolic")
    if hard and (call.state.workspace.is_link(source.path) or call.state.workspace.is_directory(source.path) is None):
        return False
    bad = hard and (node is None or bool(call.state.workspace.is_directory(source.path)) or source.trailing_slash)
    if not possible or bad or call.state.workspace.exists(path) is not False:
        _fails(call, path)
    elif hard:
        call.altered(path, node)
    else:
        call.put(path, Linked(target=call.operands[0].value.text or ""))
    return True


def _alter(call: _Call) -> bool:
    """chmod, strip, sed -i …: each file that is named is another one afterwards."""
    first = 1 if call.name in ("chmod", "chown", "chgrp") and not any("reference" in o for o in call.options) else 0
    if call.name == "sed" and not any(o.startswith(("-e", "-f", "--expression")) for o in call.options):
        first = 1
    for operand in call.operands[first:]:
        text = operand.value.text or ""
        path = call.state.path(text)
        if path is None:
            continue
        workspace = call.state.workspace
        if workspace.is_link(path) or any(workspace.is_link(p) for p in path.parents):
            return False
        node, folder = workspace.node(path), workspace.is_directory(path)
        if node is None or (text.endswith("/") and folder is False) or (folder and first and call.name == "sed"):
            _fails(call, path)
        elif isinstance(node, Changed):
            return False
        elif folder:
            # the mode of a folder; what is in it stays what it was, unless -R is given
            if any(o in ("-R", "--recursive") for o in call.options) or call.name not in ("chmod", "chown", "chgrp"):
                return False
            call.touched.append(path)
        else:
            call.altered(path, node, *_inside(call, path))
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
        workspace = call.state.workspace
        plain = workspace.is_file(target.path)
        if workspace.is_link(target.path) or (plain is None and node is not None) or target.trailing_slash:
            return False
        if unpacks and not text.endswith(suffix):
            return False
        there = workspace.exists(target.path.with_name(renamed))
        if not plain or (there is not False and not call.flag("f", "--force")) or text.endswith(suffix) is not unpacks:
            if there is None:
                return False
            _fails(call, target.path)
            continue
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
        possible = _creatable(call, place, trailing=archive.endswith("/"))
        if possible is None or workspace.is_directory(place) is None:
            return False
        if not possible or workspace.is_directory(place):
            _fails(call, place)
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
    for pair in pairs:
        if call.flag("D"):
            call.state.workspace = call.state.workspace.made(pair.target.parent)
        workspace = call.state.workspace
        node = workspace.node(pair.source) if pair.source is not None else Changed()
        possible = _creatable(call, pair.target, trailing=pair.target_trailing)
        folder = workspace.is_directory(pair.source) if pair.source is not None else False
        if possible is None or folder is None or workspace.is_directory(pair.target) is None:
            return False
        slash = pair.source_trailing
        if (
            node is None
            or not possible
            or folder
            or slash
            or pair.source == pair.target
            or workspace.is_directory(pair.target)
        ):
            _fails(call, pair.target)
        else:
            call.altered(pair.target, node)
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
        possible = _creatable(call, target.path, trailing=target.trailing_slash)
        if possible is None:
            return False
        if not possible or call.state.workspace.is_directory(target.path):
            _fails(call, target.path)
            continue
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
