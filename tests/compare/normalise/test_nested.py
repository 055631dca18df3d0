"""One in another."""

import gzip
import io
import tarfile
import zipfile

from migrate.compare.normalise import NAMES, equal_under
from tests.compare.normalise.sweep import HERE, named


def zipped(name: str, content: bytes, year: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return target.getvalue()


def tarred(name: str, content: bytes, mtime: int) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(content), mtime
        archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def layers(text: bytes, n: int) -> bytes:
    return gzip.compress(tarred("lib/app.jar", zipped("META-INF/build", text, 2000 + n), n), mtime=n)


def test_a_date_in_a_jar_in_a_tar_in_a_gzip() -> None:
    one = layers(b"version 1 of 2026-11-26T18:35:30Z in /scratch/legacy-71", 1)
    other = layers(b"version 1 of 2026-11-26T18:35:39Z in /scratch/migrated-k2", 2)
    needed = named("gzip", "tar", "zip", "dates", "scratch-paths")
    assert equal_under(one, other, HERE) == needed
    assert equal_under(other, one, HERE) == needed
    for name in NAMES:
        assert equal_under(one, other, HERE, named(name)) == (None if name in needed else needed)
    for text in (
        b"version 2 of 2026-11-26T18:35:39Z in /scratch/migrated-k2",
        b"version 1 of 2025-11-26T18:35:39Z in /scratch/migrated-k2",
    ):
        assert equal_under(one, layers(text, 2), HERE) is None


def test_what_is_needed_outside_alone() -> None:
    assert equal_under(layers(b"same", 1), layers(b"same", 1), HERE) == frozenset()
    assert equal_under(gzip.compress(b"same", mtime=1), gzip.compress(b"same", mtime=2), HERE) == named("gzip")


def test_it_goes_down_only_so_far() -> None:
    one, other = b"2026-11-26T18:35:30Z", b"2026-11-26T18:35:39Z"
    for depth in range(1, 12):
        one, other = gzip.compress(one, mtime=1), gzip.compress(other, mtime=1)
        assert equal_under(one, other, HERE) == (named("gzip", "dates") if depth <= 8 else None)
