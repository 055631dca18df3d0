"""Zip archives of Python, Info-ZIP and the JDK's jar."""

import io
import os
import random
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from migrate.compare.normalise import Circumstances, equal_under
from tests.compare.normalise.sweep import HERE, NONE, named, program, run, sweep

FILES = {
    "a/readme.txt": b"".join(b"line %d\n" % n for n in range(60)),
    "a/program": bytes(range(256)) * 2,
    "é.txt": b"accent",
    "a/": b"",
}
OLD, NEW = (2001, 2, 3, 4, 5, 6), (2026, 11, 26, 18, 35, 30)


def written(
    files: dict[str, bytes],
    date: tuple[int, int, int, int, int, int],
    *,
    method: int = zipfile.ZIP_DEFLATED,
    level: int = 6,
    **fields: object,
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, date)
            info.external_attr = 0o644 << 16
            info.compress_type = method
            for field, value in fields.items():
                setattr(info, field, value)
            archive.writestr(info, content, compresslevel=level)
    return target.getvalue()


def turned(files: dict[str, bytes]) -> dict[str, bytes]:
    return dict(reversed(files.items()))


def ignored(data: bytes) -> list[tuple[int, int]]:
    """Versions and dates of every header, by zipfile's word of where they are."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos, at = archive.infolist(), archive.start_dir
    found = []
    for info in infos:
        found += [(info.header_offset + 4, info.header_offset + 6), (info.header_offset + 10, info.header_offset + 14)]
        found += [(at + 4, at + 5), (at + 6, at + 8), (at + 12, at + 16)]
        at += 46 + len(info.orig_filename.encode()) + len(info.extra) + len(info.comment)
    return found


def same_streams(data: bytes, original: bytes) -> bool:
    """Whether all is as it was but for streams that zlib unpacks to the same."""
    same = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        for info in archive.infolist():
            start = info.header_offset + 30 + len(info.orig_filename.encode())
            end = start + info.compress_size
            try:
                engine = zlib.decompressobj(-15)
                if engine.decompress(data[start:end]) == archive.read(info) and engine.eof and not engine.unused_data:
                    same[start:end] = original[start:end]
            except zlib.error:
                return False
    return bytes(same) == original


def test_order_dates_and_versions() -> None:
    one = written(FILES, OLD)
    other = written(turned(FILES), NEW, level=9)
    assert equal_under(one, other, NONE) == named("zip")
    assert equal_under(one, other, NONE, named("zip")) is None
    sweep(one, other, NONE, ignored(other), harmless=lambda data: same_streams(data, other), samples=2000)


def test_stored() -> None:
    one, other = written(FILES, OLD, method=zipfile.ZIP_STORED), written(FILES, NEW, method=zipfile.ZIP_STORED)
    assert equal_under(one, other, NONE) == named("zip")
    sweep(one, other, NONE, ignored(other))


@pytest.mark.parametrize(
    "fields",
    [
        {"external_attr": 0o755 << 16},
        {"internal_attr": 1},
        {"comment": b"c"},
        {"extra": b"\x99\x99\1\0x"},
        {"method": zipfile.ZIP_STORED},
        {"create_system": 0},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_all_else_that_a_header_says_counts(fields: dict[str, int]) -> None:
    assert equal_under(written(FILES, OLD), written(FILES, NEW, **fields), NONE) is None
    assert equal_under(written(FILES, OLD, **fields), written(FILES, NEW, **fields), NONE) == named("zip")


def test_the_system_is_nothing_where_no_mode_is_told() -> None:
    pair = [written(FILES, OLD, external_attr=0x20, create_system=n) for n in (0, 3)]
    assert equal_under(pair[0], pair[1], NONE) == named("zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_contents_stubs_and_comments_count() -> None:
    one, other = written(FILES, OLD), written(FILES, NEW)
    assert equal_under(one, written({**FILES, "b": b""}, NEW), NONE) is None
    assert equal_under(one, written({**FILES, "é.txt": b"Accent"}, NEW), NONE) is None
    assert equal_under(b"#!/bin/sh\n" + one, b"#!/bin/sh\n" + other, NONE) == named("zip")
    assert equal_under(b"#!/bin/sh\n" + one, b"#!/bin/ba\n" + other, NONE) is None
    assert equal_under(b"#!/bin/sh\n" + one, other, NONE) is None

    def commented(data: bytes, comment: bytes) -> bytes:
        return data[:-2] + struct.pack("<H", len(comment)) + comment

    assert equal_under(commented(one, b"c"), commented(other, b"c"), NONE) == named("zip")
    assert equal_under(commented(one, b"c"), commented(other, b"d"), NONE) is None
    assert equal_under(commented(one, b"c"), other, NONE) is None

    def twice(date: tuple[int, int, int, int, int, int]) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for content in ("1", "2"):
                archive.writestr(zipfile.ZipInfo("same", date), content)
        return target.getvalue()

    assert equal_under(twice(OLD), twice(NEW), NONE) is None


def test_an_encrypted_one_is_left_alone(tmp_path: Path) -> None:
    pair = []
    for date in (1_000_000_000, 1_700_000_000):
        (tmp_path / "a").write_text("secret")
        os.utime(tmp_path / "a", (date, date))
        (tmp_path / "z.zip").unlink(missing_ok=True)
        run(program("zip"), "-q", "-P", "word", "z.zip", "a", cwd=tmp_path)
        pair.append((tmp_path / "z.zip").read_bytes())
    assert equal_under(pair[0], pair[1], NONE) is None


def test_what_is_hidden_between_two_entries_counts() -> None:
    """No reader that goes by the directory sees it; one that reads from the start does."""
    pair = []
    for date, hidden in ((OLD, b"1"), (NEW, b"2")):
        data = written({"a": b"1", "b": b"2"}, date, method=zipfile.ZIP_STORED)
        second, start = data.index(b"PK\3\4", 4), data.index(b"PK\1\2")
        changed = bytearray(data[:second] + hidden + data[second:])
        entry = changed.index(b"PK\1\2", start + 4)
        changed[entry + 42 : entry + 46] = struct.pack("<I", second + 1)
        changed[-6:-2] = struct.pack("<I", start + 1)
        assert zipfile.ZipFile(io.BytesIO(changed)).testzip() is None
        pair.append(bytes(changed))
    assert equal_under(pair[0], pair[1], NONE) is None


def test_what_is_behind_a_stream_counts() -> None:
    """deflate says itself where it ends; an entry may hold more."""
    pair = []
    for date, hidden in ((OLD, b"1"), (NEW, b"2")):
        data = written({"a": b"content " * 9}, date)
        start = data.index(b"PK\1\2")
        size = struct.unpack_from("<I", data, 18)[0] + 1
        changed = bytearray(data[:start] + hidden + data[start:])
        for place, value in ((18, size), (start + 1 + 20, size), (len(changed) - 6, start + 1)):
            changed[place : place + 4] = struct.pack("<I", value)
        assert zipfile.ZipFile(io.BytesIO(changed)).testzip() is None
        pair.append(bytes(changed))
    assert equal_under(pair[0], pair[1], NONE) is None


def test_info_zip_and_its_extra_fields(tmp_path: Path) -> None:
    """Its times of the inode too: `UT`; owners are in `ux` and count."""
    pair = []
    (tmp_path / "a").mkdir()
    for date, names in ((1_000_000_000, ["a", "a/one", "a/two"]), (1_700_000_000, ["a", "a/two", "a/one"])):
        for name in ("one", "two"):
            (tmp_path / "a" / name).write_text(f"content of {name} " * 20)
            os.utime(tmp_path / "a" / name, (date, date + 5))
        (tmp_path / "z.zip").unlink(missing_ok=True)
        run(program("zip"), "-q", "z.zip", *names, cwd=tmp_path)
        pair.append((tmp_path / "z.zip").read_bytes())
    assert equal_under(pair[0], pair[1], NONE) == named("zip")
    times = [n for n in range(len(pair[1])) if pair[1].startswith(b"UT", n)]
    owners = [n for n in range(len(pair[1])) if pair[1].startswith(b"ux", n)]
    assert len(times) == 6
    assert len(owners) == 6
    for place, found in (
        [(n + 5, False) for n in times] + [(n + 4, True) for n in times] + [(n + 7, True) for n in owners]
    ):
        changed = bytearray(pair[1])
        changed[place] ^= 1
        assert (equal_under(pair[0], bytes(changed), NONE) is None) is found


def test_streamed(tmp_path: Path) -> None:
    """To a pipe, sums and sizes follow each content; the record behind it is checked."""
    pair = []
    for date in (1_000_000_000, 1_700_000_000):
        (tmp_path / "a").write_text("content " * 30)
        os.utime(tmp_path / "a", (date, date))
        pair.append(run(program("zip"), "-q", "-", "a", cwd=tmp_path))
    assert equal_under(pair[0], pair[1], NONE) == named("zip")
    at = pair[1].index(b"PK\7\x08")
    for place in range(at, pair[1].index(b"PK\1\2")):
        changed = bytearray(pair[1])
        changed[place] ^= 1
        assert equal_under(pair[0], bytes(changed), NONE) is None


def test_a_jar(tmp_path: Path) -> None:
    """Of today, its properties dated by Java's hand, its manifest first."""
    first = time.time()
    given = Circumstances(window=(first - 2, first + 600), scratch=())
    pair = []
    for shift in (0, 3):
        folder = tmp_path / f"{shift}"
        (folder / "META-INF" / "maven").mkdir(parents=True)
        stamp = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(first + shift))
        (folder / "META-INF" / "maven" / "pom.properties").write_text(f"#Generated by Maven\n#{stamp}\nversion=1.0\n")
        (folder / "Main.class").write_bytes(b"\xca\xfe\xba\xbe" + bytes(range(100)))
        os.utime(folder / "Main.class", (1_000_000_000 + shift * 10_000, 1_000_000_000 + shift * 10_000))
        (folder / "manifest").write_text(f"Build-Time: {int((first + shift) * 1000)}\n")
        run(program("jar"), "cfm", "x.jar", "manifest", "Main.class", "META-INF", cwd=folder)
        pair.append((folder / "x.jar").read_bytes())
    assert equal_under(pair[0], pair[1], given) == named("zip", "dates")
    assert equal_under(pair[0], pair[1], NONE) is None
    assert equal_under(pair[0], pair[1], given, named("dates")) is None


def test_where_the_manifest_stands_counts() -> None:
    jar = {"META-INF/": b"", "META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "A.class": b"1", "B.class": b"2"}
    other = {name: jar[name] for name in ("META-INF/", "META-INF/MANIFEST.MF", "B.class", "A.class")}
    assert equal_under(written(jar, OLD), written(other, NEW), NONE) == named("zip")
    assert equal_under(written(jar, OLD), written(turned(jar), NEW), NONE) is None


def test_a_random_order() -> None:
    """As of a program that goes through a hash table."""
    files = {f"assets/{n:02}.txt": b"%d" % n for n in range(50)}
    names = list(files)
    random.Random(3).shuffle(names)  # noqa: S311
    assert equal_under(written(files, OLD), written({n: files[n] for n in names}, NEW), NONE) == named("zip")


def test_a_bomb_is_not_opened() -> None:
    one = written({str(n): bytes(50 << 20) for n in range(2)}, OLD, level=9)
    other = written({str(n): bytes((50 << 20) - 1) + b"1" for n in range(2)}, OLD, level=9)
    assert equal_under(one, other, HERE) is None
