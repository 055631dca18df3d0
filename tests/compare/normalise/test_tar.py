"""tar archives of GNU tar and of Python's tarfile."""

import io
import os
import random
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from migrate.compare.normalise import equal_under
from tests.compare.normalise.sweep import HERE, NONE, named, program, run, sweep

LONG = "app/" + "n" * 70 + "/" + "m" * 70
FILES = {"app/main": b"\0\1program" * 90, "app/notes.txt": b"notes\n", "app/sub/empty": b"", LONG: b"long\n"}


def lay(folder: Path, date: float) -> Path:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    link = folder / "app" / "link"
    if not link.is_symlink():
        link.symlink_to("main")
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (date, date), follow_symlinks=False)
    return folder


def packed(folder: Path, *options: str) -> bytes:
    return run(program("tar"), "-c", *options, cwd=folder)


def written(entries: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def entry(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


@pytest.mark.parametrize("form", ["gnu", "ustar", "pax"])
def test_times_and_order(tmp_path: Path, form: str) -> None:
    folder = lay(tmp_path, 1_000_000_000.25)
    one = packed(folder, f"--format={form}", "--sort=name", "app")
    lay(folder, 1_700_000_000.75)
    names = ["app/sub/empty", LONG, "app/link", "app/notes.txt", "app/main"]
    other = packed(folder, f"--format={form}", "--no-recursion", *names, "app/sub", LONG[:74], "app")
    assert equal_under(one, other, NONE) == named("tar")
    assert equal_under(one, other, NONE, named("tar")) is None
    # the sums tell of every change in a header; a pax header's content has none
    times = [m.span(2) for m in re.finditer(rb"[\n\0]\d\d ([acm]time)=([\d.]+)(?=\n)", other)]
    assert len(times) >= 18 if form == "pax" else not times
    sweep(one, other, NONE, times)


def test_a_header_changed_with_its_sum() -> None:
    """What a header says counts, times apart, and size and sum, which follow from the content."""
    one = written([entry("a", b"content", mtime=1, mode=0o644)], tarfile.USTAR_FORMAT)
    other = written([entry("a", b"content", mtime=2, mode=0o644)], tarfile.USTAR_FORMAT)
    found = set()
    for place in [*range(148), *range(156, 512)]:
        changed = bytearray(other)
        changed[place] ^= 1
        changed[148:156] = b" " * 8
        changed[148:156] = b"%06o\0 " % sum(changed[:512])
        if equal_under(one, bytes(changed), NONE) is not None:
            found.add(place)
    # eleven digits; where the NUL behind them would be 1 it is no number
    assert found == set(range(136, 147))


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": 0o600},
        {"uid": 1},
        {"gid": 1},
        {"uname": "app"},
        {"gname": "app"},
        {"name": "b"},
        {"type": tarfile.CONTTYPE},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_modes_owners_names_and_types_count(fields: dict[str, Any]) -> None:
    one = written([entry("a", b"content", mtime=1)])
    assert equal_under(one, written([entry("a", b"content", mtime=2)]), NONE) == named("tar")
    assert (
        equal_under(one, written([entry(**{"name": "a", "content": b"content", "mtime": 2, **fields})]), NONE) is None
    )
    assert equal_under(one, written([entry("a", b"Content", mtime=2)]), NONE) is None
    assert equal_under(one, written([entry("a", b"content", mtime=2), entry("b")]), NONE) is None


def test_records_of_a_pax_header() -> None:
    """Times are nothing, present or not; all else counts."""
    plain = written([entry("a", mtime=1)])
    times = written(
        [entry("a", mtime=2.5, pax_headers={"atime": "3.25", "ctime": "4.5", "LIBARCHIVE.creationtime": "5"})]
    )
    assert len(times) > len(plain) or times != plain
    assert equal_under(plain, times, NONE) == named("tar")
    comments = [written([entry("a", mtime=n, pax_headers={"comment": c})]) for n, c in ((1, "x"), (2.5, "x"), (2, "y"))]
    assert equal_under(comments[0], comments[1], NONE) == named("tar")
    assert equal_under(comments[0], comments[2], NONE) is None
    assert equal_under(comments[0], plain, NONE) is None


def test_the_process_id_of_gnu_tar(tmp_path: Path) -> None:
    folder = lay(tmp_path, 1_000_000_000.5)
    options = ("--format=pax", "--sort=name", "--pax-option=exthdr.name=%d/PaxHeaders.%p/%f,delete=atime,delete=ctime")
    pair = [packed(folder, *options, "app") for _ in range(2)]
    assert pair[0] != pair[1]
    assert equal_under(pair[0], pair[1], NONE) == named("tar")


SYMLINK: dict[str, Any] = {"type": tarfile.SYMTYPE, "linkname": "d"}
HARD: dict[str, Any] = {"type": tarfile.LNKTYPE, "linkname": "a"}


@pytest.mark.parametrize(
    "entries",
    [
        [entry("a", b"1"), entry("b"), entry("./a", b"2")],
        [entry("d/x", b"1"), entry("l", **SYMLINK), entry("l/x", b"2")],
        [entry("a", b"1"), entry("h", **HARD)],
        [entry("../a", b"1"), entry("b")],
    ],
    ids=["twice", "through a link", "hard link", "leads out"],
)
def test_an_order_that_matters_counts(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    later = [entry(info.name, content, mtime=9, type=info.type, linkname=info.linkname) for info, content in entries]
    assert equal_under(written(entries), written(later), NONE) == named("tar")
    assert equal_under(written(entries), written(later[::-1]), NONE) is None


def test_orders_that_do_not_matter() -> None:
    entries = [entry(f"f{n}", b"%d" % n) for n in range(30)] + [entry("l", type=tarfile.SYMTYPE, linkname="f1")]
    turned = entries.copy()
    random.Random(1).shuffle(turned)  # noqa: S311
    assert equal_under(written(entries), written(turned), NONE) == named("tar")


def test_a_global_header_holds_for_what_follows_it() -> None:
    pair = []
    for entries in ([entry("a"), entry("b")], [entry("b"), entry("a")]):
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode="w", pax_headers={"comment": "c"}) as archive:
            for info, _ in entries:
                archive.addfile(info)
        pair.append(target.getvalue())
    assert equal_under(pair[0], pair[1], NONE) is None


def test_contents_of_another_length() -> None:
    one = written([entry("a", HERE.scratch[0] * 40, mtime=1), entry("b", b"1")])
    other = written([entry("a", HERE.scratch[1] * 40, mtime=2), entry("b", b"1")])
    assert equal_under(one, other, HERE) == named("tar", "scratch-paths")
    assert equal_under(one, other, NONE) is None


def test_what_is_behind_the_entries_counts() -> None:
    one, other = written([entry("a", mtime=1)]), written([entry("a", mtime=2)])
    assert equal_under(one + b"x", other + b"x", NONE) == named("tar")
    assert equal_under(one + b"x", other + b"y", NONE) is None
    assert equal_under(one, other + bytes(512), NONE) is None
    assert equal_under(one, other[:1024], NONE) is None
