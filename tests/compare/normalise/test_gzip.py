"""gzip streams of gzip and of Python."""

import gzip
import os
import zlib
from pathlib import Path

from migrate.compare.normalise import equal_under
from tests.compare.normalise.sweep import HERE, NONE, named, program, run, sweep

TEXT = b"".join(b"line %d of a file that packs well\n" % n for n in range(200))


def same_content(data: bytes, content: bytes) -> bool:
    """What gzip reads, where all of it is one stream: a flip among bits that deflate leaves unused is nothing."""
    engine = zlib.decompressobj(31)
    try:
        return engine.decompress(data) == content and engine.eof and not engine.unused_data
    except zlib.error:
        return False


def test_time_system_and_level() -> None:
    one = gzip.compress(TEXT, 9, mtime=1)
    other = bytearray(gzip.compress(TEXT, 6, mtime=1_700_000_000))
    other[9] = 3
    assert equal_under(one, bytes(other), NONE) == named("gzip")
    assert equal_under(one, bytes(other), NONE, named("gzip")) is None
    sweep(one, bytes(other), NONE, [(4, 10)], harmless=lambda data: data[:4] == other[:4] and same_content(data, TEXT))


def test_names_count_but_for_scratch_folders(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    zipped = []
    for date in (1_000_000_000, 1_700_000_000):
        os.utime(tmp_path / "a", (date, date))
        zipped.append(run(program("gzip"), "-c", "a", cwd=tmp_path))
    assert equal_under(zipped[0], zipped[1], NONE) == named("gzip")
    sweep(
        zipped[0],
        zipped[1],
        NONE,
        [(4, 10)],
        harmless=lambda data: data[:4] == zipped[1][:4] and data[10:12] == b"a\0" and same_content(data, TEXT),
    )
    assert equal_under(zipped[0], run(program("gzip"), "-nc", "a", cwd=tmp_path), NONE) is None
    (tmp_path / "a").rename(tmp_path / "b")
    assert equal_under(zipped[0], run(program("gzip"), "-c", "b", cwd=tmp_path), NONE) is None

    def under(folder: bytes) -> bytes:
        return zipped[0][:10] + folder + b"/a\0" + zipped[0][12:]

    assert equal_under(under(HERE.scratch[0]), under(HERE.scratch[1]), HERE) == named("scratch-paths")
    assert equal_under(under(HERE.scratch[0]), under(b"/scratch/other"), HERE) is None


def test_members_and_what_follows_count() -> None:
    one = gzip.compress(TEXT, mtime=1) + gzip.compress(b"more", mtime=2)
    other = gzip.compress(TEXT, mtime=3) + gzip.compress(b"more", mtime=4)
    assert equal_under(one, other, NONE) == named("gzip")
    assert equal_under(one, gzip.compress(TEXT + b"more", mtime=3), NONE) is None
    assert equal_under(one, other + b"\0", NONE) is None
    assert equal_under(one + b"\0\1", other + b"\0\1", NONE) == named("gzip")
    assert equal_under(one + b"\0\1", other + b"\0\2", NONE) is None
    assert equal_under(one, other[:-1], NONE) is None


def test_a_bomb_is_not_opened() -> None:
    """300 MiB out of 300 KB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(300)) + packer.flush()
    other = bytearray(bomb)
    other[4] = 1
    assert equal_under(bomb, bytes(other), NONE) is None
    assert equal_under(bomb, bytes(other[:-8]) + bytes(8), NONE) is None


def test_very_many_members_take_no_longer() -> None:
    one = gzip.compress(b"", mtime=1) * 50_000
    assert equal_under(one, gzip.compress(b"", mtime=2) * 50_000, NONE) == named("gzip")
