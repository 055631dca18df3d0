"""cp, mv, ln and install: what then stands where, as coreutils do it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import EntryKind
from migrate.trace.host_call import Call, creatable, fails, inside
from migrate.trace.workspace import Artifact, Changed, Copied, Linked, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One file to copy or move: `source` is None outside the repository; `trailing` where the words end in a slash."""

    source: PurePosixPath | None
    target: PurePosixPath
    source_trailing: bool
    target_trailing: bool


def _destinations(call: Call) -> list[_Pair] | None:
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
        fails(call, last)
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


def cp(call: Call) -> bool:
    pairs = _destinations(call)
    if pairs is None:
        return bool(call.operands) and call.outside and call.state.path(call.operands[-1].value.text or "") is None
    recursive = any(call.flag(letter) for letter in "raR") or "--recursive" in call.options
    if any((o.value.text or "").rstrip("/").endswith("/.") or o.value.text == "." for o in call.operands[:-1]):
        return False
    return all(_copied(call, pair, recursive=recursive) for pair in pairs)


def _copied(call: Call, pair: _Pair, *, recursive: bool) -> bool:
    source, target = pair.source, pair.target
    workspace = call.state.workspace
    if source is None:
        call.put(target, Changed())
        return True
    node, folder = workspace.node(source), workspace.is_directory(source)
    possible = creatable(call, target, trailing=pair.target_trailing and not folder)
    there = workspace.exists(target)
    if possible is None or workspace.is_link(source) or (folder is None and there is not False):
        return False
    if node is None and workspace.disturbed:
        return False  # an untraced command may have made it
    if folder is True and recursive and (there is not False or source == target or source in target.parents):
        return False
    wrong = (folder is True and not recursive) or (pair.source_trailing and folder is False)
    if node is None or not possible or wrong or source == target or workspace.is_directory(target):
        fails(call, target)
        return True
    own = isinstance(node, EntryKind) and source not in workspace.folders
    if own and node in (EntryKind.FILE, EntryKind.DIRECTORY):
        call.put(target, Copied(path=source))
    elif isinstance(node, Copied | Written):
        call.put(target, node)
    else:
        call.altered(target, node, *inside(call, source))
    return True


def mv(call: Call) -> bool:
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


def _moved(call: Call, source: PurePosixPath, target: PurePosixPath, pair: _Pair) -> bool:
    workspace = call.state.workspace
    node, folder = workspace.node(source), workspace.is_directory(source)
    possible = creatable(call, target, trailing=pair.target_trailing and not folder)
    there = workspace.exists(target)
    known_kinds = folder is not None or there is False
    if possible is None or not known_kinds or (there and workspace.is_directory(target) is None):
        return False
    if node is None and workspace.disturbed:
        return False
    clash = there is True and (bool(folder) or bool(workspace.is_directory(target)))
    if folder and there is True and workspace.is_directory(target):
        return False  # it would take the place of an empty folder
    inner = source == target or source in target.parents
    if node is None or not possible or clash or inner or (pair.source_trailing and folder is False):
        fails(call, target)
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
        if isinstance(node, Artifact):
            call.put(target, node)
        else:
            call.altered(target, node)
    return True


def ln(call: Call) -> bool:
    if len(call.targets) != 2 or call.outside:
        return False
    source, target = call.targets
    there = call.state.workspace.is_directory(target.path)
    if there is None or call.state.workspace.is_link(target.path):
        return False
    path = target.path / PurePosixPath(call.operands[0].value.text or "").name if there else target.path
    possible = creatable(call, path, trailing=target.trailing_slash and not there)
    if possible is None or call.flag("f", "--force"):
        return False
    node = call.state.workspace.node(source.path)
    hard = not call.flag("s", "--symbolic")
    if hard and node is None and call.state.workspace.disturbed:
        return False
    if hard and (call.state.workspace.is_link(source.path) or call.state.workspace.is_directory(source.path) is None):
        return False
    bad = hard and (node is None or bool(call.state.workspace.is_directory(source.path)) or source.trailing_slash)
    if not possible or bad or call.state.workspace.exists(path) is not False:
        fails(call, path)
    elif hard:
        call.altered(path, node)
    else:
        call.put(path, Linked(target=call.operands[0].value.text or ""))
    return True


def install(call: Call) -> bool:
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
        possible = creatable(call, pair.target, trailing=pair.target_trailing)
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
            fails(call, pair.target)
        else:
            call.altered(pair.target, node)
    return True
