"""Tar streams, held against what tarfile and GNU tar make and read; and what is no whole stream."""

import io
import random
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate.engine.stream import Member, StreamError, TarStream, absolute
from migrate.image import FileType
from tests.engine_room.trees import chunks, seeded, stream, tree

KINDS = {
    tarfile.REGTYPE: FileType.FILE,
    tarfile.AREGTYPE: FileType.FILE,
    tarfile.DIRTYPE: FileType.DIRECTORY,
    tarfile.SYMTYPE: FileType.SYMLINK,
    tarfile.LNKTYPE: FileType.HARDLINK,
    tarfile.CHRTYPE: FileType.CHARACTER,
    tarfile.BLKTYPE: FileType.BLOCK,
    tarfile.FIFOTYPE: FileType.FIFO,
}


def read(data: bytes, rng: random.Random | None = None) -> list[tuple[Member, bytes]]:
    members = TarStream(chunks(data, rng))
    return [(m, b"".join(members.content())) for m in members]


def by_tarfile(data: bytes) -> list[tuple[Member, bytes]]:
    found = []
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
        for m in tar:
            content = tar.extractfile(m) if m.isreg() else None
            prefix = "SCHILY.xattr."
            attributes = {k: v for k, v in m.pax_headers.items() if k.startswith(prefix)}
            entry = Member(
                path=absolute(m.name),
                type=KINDS[m.type],
                mode=m.mode & 0o7777,
                uid=m.uid,
                gid=m.gid,
                size=m.size if m.isreg() else 0,
                link=m.linkname,
                device=(m.devmajor, m.devminor) if m.ischr() or m.isblk() else (0, 0),
                xattrs=tuple(
                    sorted((k[len(prefix) :], v.encode("utf-8", "surrogateescape")) for k, v in attributes.items())
                ),
            )
            found.append((entry, content.read() if content else b""))
    return found


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
@pytest.mark.parametrize("seed", range(60))
def test_streams_are_read_as_tarfile_reads_them(seed: int, form: int) -> None:
    rng = seeded(seed)
    data = stream(tree(rng), rng, form=form)
    found = read(data, rng)
    assert found == by_tarfile(data)
    assert len(found) > 5


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "pax", "ustar", "v7"])
def test_streams_are_read_as_gnu_tar_writes_them(form: str, tmp_path: Path) -> None:
    if shutil.which("tar") is None:
        pytest.skip("no tar")
    folder = tmp_path / "in"
    folder.mkdir()
    long = "l" * (90 if form in ("ustar", "v7") else 200)
    (folder / "file").write_bytes(b"x" * 1000)
    (folder / "hard").hardlink_to(folder / "file")
    (folder / "sub").mkdir()
    (folder / "link").symlink_to("t" * (90 if form in ("ustar", "v7") else 180))
    (folder / "sub" / long).write_bytes(b"1")
    if form != "v7":
        (folder / "sub" / ("d" * 80)).mkdir()
        (folder / "sub" / ("d" * 80) / ("f" * 90 if form == "ustar" else long)).write_bytes(b"2")
    subprocess.run(["tar", f"--format={form}", "-cf", tmp_path / "t", "-C", folder, "."], check=True)
    data = (tmp_path / "t").read_bytes()
    assert read(data) == by_tarfile(data)


def test_names_are_absolute() -> None:
    names = ["a", "./a", "/a", "a/", "./a/", ".//a/.", "a/./b", "a//b", "", ".", "./", ".wh.x", "a/..b/", "..."]
    shown = ["/a"] * 6 + ["/a/b"] * 2 + ["/"] * 3 + ["/.wh.x", "/a/..b", "/..."]
    assert [absolute(name) for name in names] == shown


def test_a_stream_that_was_cut_off_is_none() -> None:
    rng = seeded(3)
    data = stream(tree(rng), rng)
    end = len(data.rstrip(b"\0"))
    end += -end % 512 + 1024
    assert read(data[:end]) == read(data)
    for cut in range(0, end, 256):
        with pytest.raises(StreamError):
            read(data[:cut])


def test_a_header_that_was_changed_is_none() -> None:
    rng = seeded(3)
    data = stream(tree(rng), rng)
    assert len(read(data)) > 5
    for at in (0, 100, 110, 125, 150, 156, 300):
        with pytest.raises(StreamError):
            read(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_nothing_may_stand_behind_the_end() -> None:
    data = stream(tree(seeded(1)), seeded(1))
    assert read(data + bytes(5000)) == read(data)
    for more in (b"x", bytes(700) + b"x", data):
        with pytest.raises(StreamError, match="behind its end"):
            read(data + more)
    with pytest.raises(StreamError, match="behind its end"):
        read(data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 512 + 512) + b"x" * 512)


def header(name: bytes, size: bytes, kind: bytes = b"0", magic: bytes = b"ustar  \0") -> bytes:
    blank = struct.pack(
        "100s8s8s8s12s12s8sc100s8s247x", name, b"644", b"0", b"0", size, b"0", b" " * 8, kind, b"", magic
    )
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def records(**values: str) -> bytes:
    text = b""
    for key, value in values.items():
        body = f" {key}={value}\n".encode()
        size = next(n for n in range(len(body), len(body) + 9) if len(str(n)) + len(body) == n)
        text += str(size).encode() + body
    return text


def test_records_are_written_as_tarfile_reads_them() -> None:
    text = records(path="p" * 95, comment="x")
    data = header(b"x", b"%o" % len(text), b"x") + text.ljust(512, b"\0") + header(b"y", b"0") + bytes(1024)
    assert [m.path for m, _ in read(data)] == ["/" + "p" * 95] == [m.path for m, _ in by_tarfile(data)]


@pytest.mark.parametrize("way", ["base-256", "pax"])
def test_a_file_over_8_gib(way: str) -> None:
    size = (8 << 30) + 5
    base = b"\x80" + size.to_bytes(11, "big")
    text = records(size=str(size))
    extension = header(b"x", b"%o" % len(text), b"x") + text.ljust(512, b"\0")
    first = header(b"big", base) if way == "base-256" else extension + header(b"big", b"0")

    def pieces() -> Iterator[bytes]:
        yield first
        zeros = bytes(1 << 20)
        for _ in range(size >> 20):
            yield zeros
        yield bytes(size % (1 << 20) + (-size % 512)) + header(b"next", b"0") + bytes(1024)

    assert [(m.path, m.size) for m in TarStream(pieces())] == [("/big", size), ("/next", 0)]


@pytest.mark.parametrize(
    "data",
    [
        header(b"f", b"0", b"S"),
        header(b"f", b"0", b"M"),
        header(b"x", b"%o" % len(records(**{"GNU.sparse.major": "1"})), b"x")
        + records(**{"GNU.sparse.major": "1"}).ljust(512, b"\0")
        + header(b"f", b"0"),
        header(b"x", b"77777777777", b"x"),
        header(b"x", b"10", b"x") + b"0 a=b\n".ljust(512, b"\0"),
        header(b"x", b"10", b"x") + b"99 a=b\n".ljust(512, b"\0"),
        header(b"f", b"9"),
    ],
    ids=["sparse", "volume", "pax sparse", "huge", "no length", "too long", "not octal"],
)
def test_what_engines_never_write_is_refused(data: bytes) -> None:
    with pytest.raises(StreamError):
        read(data + bytes(1024))


def test_numbers_below_zero_are_read_as_tarfile_does() -> None:
    blank = header(b"f", b"0")
    changed = blank[:108] + b"\xff" * 8 + blank[116:148] + b" " * 8 + blank[156:]
    data = changed[:148] + b"%06o\0 " % sum(changed) + changed[156:] + bytes(1024)
    assert [m.uid for m, _ in read(data)] == [-1] == [m.uid for m, _ in by_tarfile(data)]
