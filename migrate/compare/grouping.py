"""Deltas → what a person reads of them: many of the same kind below one folder are one line, and no other is lost among them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from migrate.compare.rootfs import Delta, DeltaKind
from migrate.image import FileType

_FEW = 4
"""So many lines are read at a glance: no more than this are folded into one."""
_ONE_SIDED = (DeltaKind.ADDED, DeltaKind.REMOVED)
_Signature = tuple[tuple[DeltaKind, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaGroup:
    """Either one path (`count` is 1) with all that differs there, or `count` paths at and below the folder `path` that differ in
    the same way: the same kinds, and the same two values where they are a mode or an owner. `deltas` are those of the first
    path that is no folder, where there is one."""

    path: str
    count: int
    deltas: tuple[Delta, ...]

    def __str__(self) -> str:
        if self.count == 1:
            return f"{self.path}: " + "; ".join(str(d).removeprefix(f"{d.path}: ") for d in self.deltas)
        how = ", ".join(_in_common(d) for d in self.deltas)
        return f"{self.path}/: {self.count} paths {how}, such as {self.deltas[0].path}"


def grouped(deltas: Iterable[Delta]) -> tuple[DeltaGroup, ...]:
    """Every delta in one group, by path. `deltas` come by path, as `compare_files` gives them."""
    return tuple(group for _, group in _by_signature(deltas))


def lines(deltas: Iterable[Delta], limit: int) -> tuple[str, ...]:
    """The groups as text, `limit` lines at most; where they are more, those stay whose way to differ is the rarest, and the last
    line says how many there are besides."""
    groups = _by_signature(deltas)
    if len(groups) <= limit:
        return tuple(str(group) for _, group in groups)
    paths: Counter[_Signature] = Counter()
    for signature, group in groups:
        paths[signature] += group.count
    rarest = sorted(range(len(groups)), key=lambda place: paths[groups[place][0]])
    shown = sorted(rarest[: max(0, limit - 1)])
    left = sum(groups[place][1].count for place in rarest[len(shown) :])
    return (*(str(groups[place][1]) for place in shown), f"and {left} more paths that differ")


@dataclass(slots=True)
class _Folder:
    """A path on the way to deltas of one signature. `count`: how many paths at it and below have some."""

    path: str
    own: tuple[Delta, ...] = ()
    count: int = 0
    children: dict[str, "_Folder"] = field(default_factory=dict)


def _by_signature(deltas: Iterable[Delta]) -> Sequence[tuple[_Signature, DeltaGroup]]:
    roots: dict[_Signature, _Folder] = {}
    for _, found in groupby(deltas, key=lambda d: d.path):
        here = tuple(found)
        _add(roots.setdefault(_signature(here), _Folder("")), here)
    groups = [(signature, group) for signature, root in roots.items() for group in _folded(root)]
    return sorted(groups, key=lambda pair: (pair[1].path, pair[1].count))


def _add(root: _Folder, deltas: tuple[Delta, ...]) -> None:
    node = root
    node.count += 1
    for name in deltas[0].path.split("/")[1:]:
        node = node.children.setdefault(name, _Folder(f"{node.path}/{name}"))
        node.count += 1
    node.own = deltas


def _folded(root: _Folder) -> Iterator[DeltaGroup]:
    """Unfolded as long as few lines come of it. The root always is: `/` says nothing of where."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.count > _FEW and node is not root and _is_one_line(node):
            yield DeltaGroup(path=node.path, count=node.count, deltas=_example(node))
            continue
        if node.own:
            yield DeltaGroup(path=node.path, count=1, deltas=node.own)
        waiting += node.children.values()


def _is_one_line(node: _Folder) -> bool:
    """A folder that differs in this way itself is, with all below it that does; another one where its parts were many lines."""
    return bool(node.own) or sum(1 if child.count > _FEW else child.count for child in node.children.values()) > _FEW


def _example(node: _Folder) -> tuple[Delta, ...]:
    found: tuple[Delta, ...] = ()
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.own:
            found = found or at.own
            if FileType.DIRECTORY.value not in (at.own[0].legacy, at.own[0].migrated) and not at.children:
                return at.own
        waiting += reversed(at.children.values())
    return found


def _signature(deltas: tuple[Delta, ...]) -> _Signature:
    return tuple((d.kind, *((d.legacy, d.migrated) if _counts(d) else ("", ""))) for d in deltas)


def _counts(delta: Delta) -> bool:
    return delta.kind in (DeltaKind.MODE, DeltaKind.OWNER)


def _in_common(delta: Delta) -> str:
    if delta.kind in _ONE_SIDED:
        return delta.kind.value
    if _counts(delta):
        return f"whose {delta.kind.value} {delta.legacy} became {delta.migrated}"
    return f"whose {delta.kind.value} {'differ' if delta.kind is DeltaKind.XATTRS else 'differs'}"
