"""Two snapshots → a verdict with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from migrate.compare.config import ConfigDelta, compare_config
from migrate.compare.rootfs import Delta, DeltaKind, compare_files
from migrate.image import ImageSnapshot


class Verdict(Enum):
    """EQUIVALENT: equal but for what named normalisers leave out, or what two legacy builds differ in too."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"


NOISE = "noise"
"""The name under which a difference is allowed that two builds of the legacy side have as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A difference that doesn't count: at `path`, or in the config's field of that name where `kind` is None. `by` are the
    normalisers that were needed, or NOISE."""

    path: str
    kind: DeltaKind | None
    by: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`same_layers` is whether the layers' digests were equal, so that no file had to be read. `deltas` and `config_deltas` are
    those that count, `allowed` the others."""

    same_layers: bool
    deltas: tuple[Delta, ...]
    config_deltas: tuple[ConfigDelta, ...]
    allowed: tuple[Allowance, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.deltas or self.config_deltas:
            return Verdict.DIFFERENT
        return Verdict.EQUIVALENT if self.allowed else Verdict.IDENTICAL

    @property
    def allowed_by(self) -> Mapping[str, int]:
        """How many differences each normaliser, or noise, took part in allowing; by name."""
        names = sorted({name for a in self.allowed for name in a.by})
        return {name: sum(name in a.by for a in self.allowed) for name in names}


def compare_images(legacy: ImageSnapshot, migrated: ImageSnapshot) -> Comparison:
    """Compare. Raises ValueError where layers differ and a snapshot comes without its files: nothing may be taken for equal
    unread."""
    same = same_layers(legacy, migrated)
    deltas: tuple[Delta, ...] = ()
    if not same:
        if legacy.files is None or migrated.files is None:
            raise ValueError("the layers differ, and the files were not read")
        deltas = compare_files(legacy.files, migrated.files)
    config = compare_config(legacy.config, migrated.config)
    return Comparison(same_layers=same, deltas=deltas, config_deltas=config)


def same_layers(legacy: ImageSnapshot, migrated: ImageSnapshot) -> bool:
    """Whether the layers say that all files are equal; an image that names none says nothing."""
    return legacy.diff_ids == migrated.diff_ids and bool(legacy.diff_ids)
