"""Which differences of two images don't count: what normalisers leave out, and what two legacy builds differ in as well.

Only contents, link targets, names and config values are ever allowed for, each within the narrow bounds of `normalise` and
`noise`. A mode, an owner or an attribute is noise only where it is just what the second legacy build came to.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from migrate.compare.noise import same_but_for, within_noise
from migrate.compare.normalise import Circumstances, equal_under, plain
from migrate.compare.rootfs import Delta, DeltaKind
from migrate.compare.verdict import NOISE, Allowance, Comparison
from migrate.image import FileEntry

MIGRATION = "migration"
"""The name under which a file is allowed for that the migration changes itself."""
_OF_CONTENT = (DeltaKind.CONTENT, DeltaKind.ADDED, DeltaKind.REMOVED)
CLIENT_ENTRY = "client-entry"
"""The name under which a line is allowed for that docker's client adds to an ignore file."""
_CLIENT_ENTRY = re.compile(rb"\n\.dockerfile\.[0-9a-f]{20}\n")
_MOST_NAMES = 1000
"""Paths that only one side has are paired by their names up to this number: where more are, something else is the matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Of one image, what is needed of it: entries of the paths that differ, and the `content` of a file, which is fetched each
    time that it is asked for, so that of a large image only two or three are held (None: no file, or too large a one)."""

    entries: Mapping[str, FileEntry]
    content: Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalising:
    """How far differences are allowed for. `disabled` are normalisers that aren't used."""

    circumstances: Circumstances
    disabled: frozenset[str] = frozenset()

    def equal(self, one: bytes, other: bytes) -> frozenset[str] | None:
        return equal_under(one, other, self.circumstances, self.disabled)

    def plain(self, data: bytes) -> bytes:
        """Without the dates and folders of this run, that noise would have to be told apart from."""
        return plain(data, self.circumstances, self.disabled)


def normalised(comparison: Comparison, legacy: Contents, migrated: Contents, normalising: Normalising) -> Comparison:
    """`comparison` without the differences that normalisers account for."""
    allowed: list[Allowance] = []
    for delta in comparison.deltas:
        by = _normalised_delta(delta, legacy, migrated, normalising)
        if by:
            allowed.append(Allowance(path=delta.path, kind=delta.kind, by=by))
    for gone, come, by in _renamed(comparison, legacy, migrated, normalising):
        allowed.append(Allowance(path=gone, kind=DeltaKind.REMOVED, by=by))
        allowed.append(Allowance(path=come, kind=DeltaKind.ADDED, by=by))
    for found in comparison.config_deltas:
        by = normalising.equal(_bytes(found.legacy), _bytes(found.migrated))
        if by:
            allowed.append(Allowance(path=found.field, kind=None, by=by))
    return _without(comparison, allowed)


def without_noise(
    comparison: Comparison,
    noise: Comparison,
    sides: tuple[Contents, Contents, Contents],
    normalising: Normalising,
) -> Comparison:
    """`comparison` (legacy against migrated) without what is in `noise` (legacy against the same built again) too. `sides` are
    legacy, again, migrated."""
    again = {(d.path, d.kind): d for d in noise.deltas}
    allowed = [
        Allowance(path=d.path, kind=d.kind, by=frozenset({NOISE}))
        for d in comparison.deltas
        if (other := again.get((d.path, d.kind))) is not None and _is_noise(d, other, sides, normalising)
    ]
    allowed += [
        Allowance(path=p, kind=k, by=frozenset({NOISE})) for p, k in _noisy_names(comparison, noise, sides, normalising)
    ]
    fields = {d.field: d for d in noise.config_deltas}
    for delta in comparison.config_deltas:
        found = fields.get(delta.field)
        if found is not None and within(
            _bytes(delta.legacy), _bytes(found.migrated), _bytes(delta.migrated), normalising
        ):
            allowed.append(Allowance(path=delta.field, kind=None, by=frozenset({NOISE})))
    return _without(comparison, allowed)


def without_client_entry(comparison: Comparison, legacy: Contents, migrated: Contents) -> Comparison:
    """`comparison` without what docker's client adds to an ignore file that is copied into an image: the name of the Dockerfile,
    where that lies outside the context, as only the one that the migrated side is judged by does (docs/comparing.md)."""
    allowed = [
        Allowance(path=d.path, kind=d.kind, by=frozenset({CLIENT_ENTRY}))
        for d in comparison.deltas
        if d.kind is DeltaKind.CONTENT
        and d.path.endswith("/.dockerignore")
        and (one := legacy.content(d.path)) is not None
        and (other := migrated.content(d.path)) is not None
        and other.startswith(one)
        and _CLIENT_ENTRY.fullmatch(other, len(one))
    ]
    return _without(comparison, allowed)


def without_changed_files(
    comparison: Comparison,
    legacy: Contents,
    migrated: Contents,
    changed: Mapping[str, tuple[bytes | None, bytes | None]],
) -> Comparison:
    """`comparison` without files that a migration changes itself, and that a build context has taken into an image. `changed` are
    their contents in the two states of the repository, by path (None: not there): an image's file of that path, in whatever
    folder, has to have the very contents."""
    allowed = []
    for delta in comparison.deltas:
        held = (
            None if delta.kind is DeltaKind.ADDED else legacy.content(delta.path),
            None if delta.kind is DeltaKind.REMOVED else migrated.content(delta.path),
        )
        if delta.kind in _OF_CONTENT and any(
            held == contents and delta.path.endswith(f"/{path}") for path, contents in changed.items()
        ):
            allowed.append(Allowance(path=delta.path, kind=delta.kind, by=frozenset({MIGRATION})))
    return _without(comparison, allowed)


def _normalised_delta(
    delta: Delta, legacy: Contents, migrated: Contents, normalising: Normalising
) -> frozenset[str] | None:
    if delta.kind is DeltaKind.LINK:
        return normalising.equal(_bytes(delta.legacy), _bytes(delta.migrated))
    if delta.kind is DeltaKind.CONTENT:
        return _equal_contents(legacy.content(delta.path), migrated.content(delta.path), normalising)
    return None


def _equal_contents(one: bytes | None, other: bytes | None, normalising: Normalising) -> frozenset[str] | None:
    return None if one is None or other is None else normalising.equal(one, other)


def _renamed(
    comparison: Comparison, legacy: Contents, migrated: Contents, normalising: Normalising
) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Pairs of paths that are one but for a date or a folder of this run in their names; both must be the only one of theirs."""
    gone = _by_plain_name(comparison, DeltaKind.REMOVED, normalising)
    come = _by_plain_name(comparison, DeltaKind.ADDED, normalising) if gone else {}
    for name, olds in gone.items():
        news = come.get(name, [])
        if len(olds) != 1 or len(news) != 1:
            continue
        old, new = olds[0], news[0]
        by = normalising.equal(_bytes(old), _bytes(new))
        one, other = legacy.entries[old], migrated.entries[new]
        if not by or replace(one, digest=None, size=0) != replace(other, digest=None, size=0):
            continue
        if one.digest == other.digest:
            yield old, new, by
        elif more := _equal_contents(legacy.content(old), migrated.content(new), normalising):
            yield old, new, by | more


def _by_plain_name(comparison: Comparison, kind: DeltaKind, normalising: Normalising) -> dict[bytes, list[str]]:
    paths = _paths(comparison, kind)
    found: dict[bytes, list[str]] = {}
    for path in paths if len(paths) <= _MOST_NAMES else ():
        found.setdefault(normalising.plain(_bytes(path)), []).append(path)
    return found


def _is_noise(delta: Delta, other: Delta, sides: tuple[Contents, Contents, Contents], normalising: Normalising) -> bool:
    """Whether a difference of the migrated image is one that the second legacy build has."""
    if delta.kind is DeltaKind.CONTENT:
        legacy, again, migrated = (s.content(delta.path) for s in sides)
        if legacy is None or again is None or migrated is None:
            return False
        return within(legacy, again, migrated, normalising)
    if delta.kind is DeltaKind.LINK:
        return within(_bytes(delta.legacy), _bytes(other.migrated), _bytes(delta.migrated), normalising)
    if delta.kind is DeltaKind.REMOVED:
        return False  # with its counterpart, below
    if delta.kind is DeltaKind.ADDED:
        return sides[1].entries.get(delta.path) == sides[2].entries.get(delta.path)
    return delta.migrated == other.migrated


def within(legacy: bytes, again: bytes, migrated: bytes, normalising: Normalising) -> bool:
    """Whether what is `migrated` differs from `legacy` as `again` does, and in dates and folders of this run."""
    window = normalising.circumstances.window
    if within_noise(legacy, again, migrated, window):
        return True
    # dates of this run beside what is random: the two kinds of difference together
    one, two, three = (normalising.plain(d) for d in (legacy, again, migrated))
    return one != two and within_noise(one, two, three, window)


def _noisy_names(
    comparison: Comparison,
    noise: Comparison,
    sides: tuple[Contents, Contents, Contents],
    normalising: Normalising,
) -> Iterator[tuple[str, DeltaKind]]:
    """Names that are others in each build: one that only the legacy image has, with the one that stands for it in the migrated,
    where the second legacy build has one of the kind too."""
    legacy, again, migrated = sides
    gone, left = _paths(comparison, DeltaKind.REMOVED), _paths(comparison, DeltaKind.ADDED)
    twice, others = _paths(noise, DeltaKind.REMOVED), _paths(noise, DeltaKind.ADDED)
    if max(map(len, (gone, left, twice, others))) > _MOST_NAMES:
        return
    for old in [p for p in gone if p in twice]:
        found = next(
            (
                (second, new)
                for second in others
                for new in left
                if same_but_for(old, second, new)
                and _alike((legacy, old), (again, second), (migrated, new), normalising)
            ),
            None,
        )
        if found is not None:
            others.remove(found[0])
            left.remove(found[1])
            yield old, DeltaKind.REMOVED
            yield found[1], DeltaKind.ADDED


def _paths(comparison: Comparison, kind: DeltaKind) -> list[str]:
    return [d.path for d in comparison.deltas if d.kind is kind]


def _alike(
    one: tuple[Contents, str], two: tuple[Contents, str], three: tuple[Contents, str], normalising: Normalising
) -> bool:
    """Whether three files of other names are the same but for noise in their contents."""
    entries = [side.entries.get(path) for side, path in (one, two, three)]
    plain_ = {replace(e, digest=None, size=0) if e is not None else None for e in entries}
    if None in plain_ or len(plain_) != 1:
        return False
    first, _, third = entries
    if first is not None and third is not None and first.digest == third.digest:
        return True
    legacy, again, migrated = (side.content(path) for side, path in (one, two, three))
    if legacy is None or again is None or migrated is None:
        return False
    return within(legacy, again, migrated, normalising)


def _without(comparison: Comparison, allowed: list[Allowance]) -> Comparison:
    gone = {(a.path, a.kind) for a in allowed}
    return replace(
        comparison,
        deltas=tuple(d for d in comparison.deltas if (d.path, d.kind) not in gone),
        config_deltas=tuple(d for d in comparison.config_deltas if (d.field, None) not in gone),
        allowed=(*comparison.allowed, *allowed),
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
