"""Two snapshots → a verdict with its reasons."""

from dataclasses import dataclass
from enum import Enum

from migrate.compare.config import ConfigDelta, compare_config
from migrate.compare.rootfs import Delta, compare_files
from migrate.image import ImageSnapshot


class Verdict(Enum):
    IDENTICAL = "identical"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`same_layers` is whether the layers' digests were equal, so that no file had to be read."""

    verdict: Verdict
    same_layers: bool
    deltas: tuple[Delta, ...]
    config_deltas: tuple[ConfigDelta, ...]


def compare_images(legacy: ImageSnapshot, migrated: ImageSnapshot) -> Comparison:
    """Compare. Raises ValueError where layers differ and a snapshot comes without its files: nothing may be taken for equal
    unread."""
    same = legacy.diff_ids == migrated.diff_ids and bool(legacy.diff_ids)
    deltas: tuple[Delta, ...] = ()
    if not same:
        if legacy.files is None or migrated.files is None:
            raise ValueError("the layers differ, and the files were not read")
        deltas = compare_files(legacy.files, migrated.files)
    config = compare_config(legacy.config, migrated.config)
    verdict = Verdict.DIFFERENT if deltas or config else Verdict.IDENTICAL
    return Comparison(verdict=verdict, same_layers=same, deltas=deltas, config_deltas=config)
