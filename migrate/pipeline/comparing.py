"""Final images of both sides to verdicts: read where layers differ, normalised, and held to the project's own noise.

Noise is asked for only where something differs: the legacy side is built once more, without the cache.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from migrate.compare.allowances import (
    Contents,
    Normalising,
    normalised,
    without_changed_files,
    without_client_entry,
    without_noise,
)
from migrate.compare.normalise import Circumstances
from migrate.compare.verdict import Verdict, compare_images, same_layers
from migrate.engine.client import EngineClient, EngineUnavailable
from migrate.engine.sandbox import BuiltImage, Run
from migrate.engine.snapshot import contents, read_image, read_pair
from migrate.engine.steps import Report
from migrate.image import ImageReference, ImageSnapshot
from migrate.outcome import ImageCheck

CONTENT_LIMIT = 256 << 20
"""Bytes of a file that normalisers are given: a larger one that differs is different."""


_CLOCK_SECONDS = 1
"""How far the clocks of an engine and of this process are taken to be apart at most; a file's time is coarser, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePair:
    """One image of both sides."""

    reference: ImageReference
    legacy: BuiltImage
    migrated: BuiltImage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A verdict, and the two images with what differs between them."""

    check: ImageCheck
    legacy: ImageSnapshot
    migrated: ImageSnapshot


class ImageJudge:
    """Compares the images of one verification. `again` builds the legacy side once more and gives its images by reference
    (None where that build failed); it is called once at most. With `strict` nothing is allowed for that a build does by chance.
    `changed` are files of the repository that differ on purpose, as `without_changed_files` takes them."""

    def __init__(
        self,
        client: EngineClient,
        run: Run,
        again: Callable[[], Mapping[ImageReference, str] | None],
        report: Report,
        *,
        strict: bool,
        disabled: frozenset[str],
        changed: Mapping[str, tuple[bytes | None, bytes | None]] | None = None,
    ) -> None:
        self._client = client
        self._run = run
        self._again = again
        self._report = report
        self._strict = strict
        self._disabled = disabled
        self._changed = changed or {}
        self._began = time.time()

    def checks(self, pairs: tuple[ImagePair, ...]) -> tuple[ImageCheck, ...]:
        """The verdict on each, in order."""
        found = [self._check(p) for p in pairs]
        if self._strict or all(f.check.comparison.verdict is not Verdict.DIFFERENT for f in found):
            return tuple(f.check for f in found)
        self._report("compare", "something differs: building the legacy side again, to see what differs each time")
        again = self._again()
        if again is None:
            return tuple(f.check for f in found)
        return tuple(self._held_to_noise(f, again.get(p.reference)) for f, p in zip(found, pairs, strict=True))

    def snapshot(self, image_id: str) -> ImageSnapshot:
        """Config, size and layers. Raises EngineUnavailable where something took the image away meanwhile."""
        snapshot = read_image(self._client, image_id)
        if snapshot is None:
            raise EngineUnavailable(f"image {image_id[:19]} is gone", "let nothing remove images while ms-migrate runs")
        return snapshot

    def _check(self, pair: ImagePair) -> _Found:
        one, other = self.snapshot(pair.legacy.image_id), self.snapshot(pair.migrated.image_id)
        one, other = self._with_files(pair.reference, one, other)
        comparison = compare_images(one, other)
        if comparison.verdict is Verdict.DIFFERENT:
            with self._contents(one, "one") as legacy, self._contents(other, "other") as migrated:
                comparison = without_client_entry(comparison, legacy, migrated)
                if self._changed:
                    comparison = without_changed_files(comparison, legacy, migrated, self._changed)
                if not self._strict:
                    comparison = normalised(comparison, legacy, migrated, self.normalising())
        self._report("compare", f"{pair.reference}: {comparison.verdict.value}")
        check = ImageCheck(
            reference=pair.reference, legacy_size=one.size, migrated_size=other.size, comparison=comparison
        )
        return _Found(check=check, legacy=one, migrated=other)

    def _held_to_noise(self, found: _Found, again: str | None) -> ImageCheck:
        check = found.check
        if check.comparison.verdict is not Verdict.DIFFERENT or again is None:
            return check
        legacy, third = self._with_files(check.reference, replace(found.legacy, files=None), self.snapshot(again))
        noise = compare_images(legacy, third)
        with (
            self._contents(found.legacy, "one") as one,
            self._contents(third, "again") as two,
            self._contents(found.migrated, "other") as other,
        ):
            comparison = without_noise(check.comparison, noise, (one, two, other), self.normalising())
        self._report("compare", f"{check.reference}: {comparison.verdict.value}")
        return replace(check, comparison=comparison)

    def _with_files(
        self, reference: ImageReference, one: ImageSnapshot, other: ImageSnapshot
    ) -> tuple[ImageSnapshot, ImageSnapshot]:
        """Both with the files that differ, where their layers don't say that none does."""
        if same_layers(one, other):
            return one, other
        self._report("compare", f"{reference}: reading files")
        names = (self._run.container_name("files-1"), self._run.container_name("files-2"))
        first, second = read_pair(self._client, one.image_id, other.image_id, names)
        return replace(one, files=first), replace(other, files=second)

    @contextmanager
    def _contents(self, snapshot: ImageSnapshot, name: str) -> Iterator[Contents]:
        container = self._run.container_name(f"contents-{name}")
        with contents(self._client, snapshot.image_id, container, CONTENT_LIMIT) as content:
            yield Contents(entries=snapshot.files or {}, content=content)

    def normalising(self) -> Normalising:
        """What may rightly differ between this run's builds, up to now."""
        folders = sorted((str(f) for f in self._run.folders), key=len, reverse=True)
        return Normalising(
            circumstances=Circumstances(
                window=(self._began - _CLOCK_SECONDS, time.time() + _CLOCK_SECONDS),
                scratch=tuple(f.encode("utf-8", "surrogateescape") for f in folders),
            ),
            disabled=self._disabled,
        )
