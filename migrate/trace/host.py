"""Ordinary commands that change the host's files (`mkdir`, `cp`, `tar` …), and what then stands in the build context.

Where a command's effect on a file isn't traced, the file is Altered: it is there, and its contents are that command's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from migrate.shell.syntax import SimpleCommand
from migrate.trace.archives import compress, tar, tar_words, unzip, zip_
from migrate.trace.copying import cp, install, ln, mv
from migrate.trace.events import Argument, HostChange, Opaque
from migrate.trace.finding import find
from migrate.trace.host_call import Call, Target, creatable, fails, inside
from migrate.trace.state import State, Status
from migrate.trace.values import EMPTY, Filter, Stream, Value
from migrate.trace.workspace import Changed, Workspace, Written, from_container, origins

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
    if name == "find":
        return find(state, command, arguments)
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
    takes = tuple(sorted({c for p in _named(call) for c in _found(before, p)}))
    state.emit(HostChange(span=command.span, command=name, paths=paths, alters=alters, takes=takes), command)
    return True


def _named(call: Call) -> list[PurePosixPath]:
    """The paths that a command's words lead to."""
    words = tar_words(call.words) if call.name == "tar" else None
    if words is None:
        return [t.path for t in call.targets]
    mode, archive, directory, members = words
    texts = [f"{directory}/{m}" if directory else m for m in members] if mode == "c" else [archive or "-"]
    return [p for t in texts if t != "-" and (p := call.state.path(t)) is not None]


def _found(workspace: Workspace, path: PurePosixPath) -> list[PurePosixPath]:
    """What came out of a container and stands at `path`, above or below it."""
    found = [c for c in workspace.carried if c == path or c in path.parents or path in c.parents]
    return [*found, path] if workspace.left(path) else found


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
    return Changed(base=origins(*nodes))


def _meets(path: PurePosixPath, held: set[PurePosixPath]) -> bool:
    return any(path == h or path in h.parents or h in path.parents for h in held)


def _in_place(arguments: Sequence[Argument]) -> bool:
    return any(re.match(r"-[nErsz]*i|--in-place", a.value.marked) for a in arguments)


def _taken_apart(state: State, command: SimpleCommand, name: str, arguments: tuple[Argument, ...]) -> Call | None:
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
            targets.append(Target(path=path, trailing_slash=text.endswith("/")))
    return Call(
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


def _mkdir(call: Call) -> bool:
    if any(re.match(r"-\w*m|--mode", o) for o in call.options):
        return False  # the mode of a folder can land in an image
    parents = call.flag("p", "--parents")
    for target in call.targets:
        workspace = call.state.workspace
        above = [workspace.is_file(p) for p in target.path.parents]
        there = workspace.exists(target.path)
        possible = creatable(call, target.path) if not parents else True
        if possible is None:
            return False
        blocked = workspace.is_file(target.path) or any(above) if parents else there is True
        if blocked or not possible:
            fails(call, target.path)
            continue
        call.state.workspace = workspace.made(target.path)
        call.touched.append(target.path)
    return True


def _rm(call: Call) -> bool:
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
            fails(call, target.path)
        else:
            call.touched.append(target.path)
            call.state.workspace = workspace.removed(target.path)
    return True


def _rmdir(call: Call) -> bool:
    for target in call.targets:
        workspace = call.state.workspace
        empty = workspace.names(target.path) == () and workspace.is_directory(target.path)
        if workspace.is_link(target.path) is not False or workspace.names(target.path) is None:
            return False
        if empty:
            call.touched.append(target.path)
            call.state.workspace = workspace.removed(target.path)
        else:
            fails(call, target.path)
    return True


def _touch(call: Call) -> bool:
    for target in call.targets:
        there = call.state.workspace.exists(target.path)
        if there is True and not (target.trailing_slash and call.state.workspace.is_directory(target.path) is False):
            call.touched.append(target.path)
            continue
        possible = creatable(call, target.path, trailing=target.trailing_slash)
        if possible is None or there is None:
            return False
        if not possible:
            fails(call, target.path)
        elif "-c" not in call.options:
            call.put(target.path, Written(content=EMPTY))
    return True


def _alter(call: Call) -> bool:
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
        if node is None and workspace.disturbed:
            return False  # an untraced command may have made it
        if node is None or (text.endswith("/") and folder is False) or (folder and first and call.name == "sed"):
            fails(call, path)
        elif isinstance(node, Changed):
            return False
        elif folder:
            # the mode of a folder; what is in it stays what it was, unless -R is given
            if any(o in ("-R", "--recursive") for o in call.options) or call.name not in ("chmod", "chown", "chgrp"):
                return False
            call.touched.append(path)
        else:
            call.altered(path, node, *inside(call, path))
    return True


def _download(call: Call) -> bool:
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
            call.put(path, Changed(base=origins(call.state.workspace.node(path))))
    return True


def _tee(call: Call) -> bool:
    stdin = call.state.stdin
    for target in call.targets:
        node = call.state.workspace.node(target.path)
        possible = creatable(call, target.path, trailing=target.trailing_slash)
        if possible is None:
            return False
        if not possible or call.state.workspace.is_directory(target.path):
            fails(call, target.path)
            continue
        known = isinstance(stdin, Value) and not call.flag("a", "--append")
        if known and isinstance(stdin, Value) and not (node and from_container(node)):
            call.put(target.path, Written(content=stdin))
        else:
            call.put(target.path, Changed(base=origins(node)))
    if stdin is not None:
        call.state.print(stdin, call.command.span)
    else:
        call.state.print(call.state.unknown("output of `tee`", call.command.span), call.command.span)
    call.state.stdin = EMPTY if stdin is not None else None
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
        state.print(replace(stdin, span=span, filters=(*stdin.filters, Filter(words=words, span=span))), span)
    else:
        state.print(state.unknown(f"output of `{span.text}`", span), span)
    state.stdin = EMPTY
    state.status = Status(code=None, span=span, presumed=True)
    return True


_COMMANDS: Mapping[str, Callable[[Call], bool]] = {
    "mkdir": _mkdir,
    "rm": _rm,
    "rmdir": _rmdir,
    "cp": cp,
    "mv": mv,
    "touch": _touch,
    "ln": ln,
    **dict.fromkeys(("chmod", "chown", "chgrp", "strip", "sed", "truncate", "patchelf", "upx", "dos2unix"), _alter),
    **dict.fromkeys((*_STREAMING,), compress),
    "tar": tar,
    "unzip": unzip,
    "zip": zip_,
    "install": install,
    "tee": _tee,
    "wget": _download,
}


def _opaque(state: State, command: SimpleCommand, name: str) -> None:
    state.emit(Opaque(span=command.span, command=name, artifacts=state.workspace.carried), command)
    state.workspace = state.workspace.after_unknown(command.span)
