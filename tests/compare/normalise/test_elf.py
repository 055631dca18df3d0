"""ELF files as gcc and objcopy make them: their build ids are nothing, all else counts."""

import os
import time
from pathlib import Path

import pytest

from migrate.compare.normalise import Circumstances, equal_under
from tests.compare.normalise.sweep import NONE, named, program, run, sweep, until_next_second

SOURCE = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
GO = r"""
__asm__(".section .note.go.buildid, \"a\", @note\n.p2align 2\n.long 4, 21, 4\n.ascii \"Go\\0\\0ID/s/%s/end\"\n.p2align 2\n.text\n");
"""


def compiled(folder: Path, *options: str, source: str = SOURCE) -> bytes:
    (folder / "main.c").write_text(source)
    run(program("gcc"), "-o", "main", "main.c", *options, cwd=folder)
    return (folder / "main").read_bytes()


def section(folder: Path, name: str) -> bytes:
    """As objcopy says it."""
    run(program("objcopy"), "--dump-section", f"{name}=section", "main", "ignored", cwd=folder)
    return (folder / "section").read_bytes()


def build_id(folder: Path, data: bytes) -> tuple[int, int]:
    note = section(folder, ".note.gnu.build-id")
    assert data.count(note) == 1
    end = data.index(note) + len(note)
    return end - 20, end


def test_a_build_id(tmp_path: Path) -> None:
    one = compiled(tmp_path, "-Wl,--build-id=0x" + "11" * 20)
    other = compiled(tmp_path, "-Wl,--build-id=0x" + "22" * 20)
    assert equal_under(one, other, NONE) == named("elf-build-id")
    assert equal_under(one, other, NONE, named("elf-build-id")) is None
    sweep(one, other, NONE, [build_id(tmp_path, other)])


def test_a_build_id_without_sections(tmp_path: Path) -> None:
    """The table of sections is gone (sstrip): the segments still say it."""
    pair = []
    for digits in ("11", "22"):
        data = bytearray(compiled(tmp_path, "-Wl,--build-id=0x" + digits * 20))
        data[0x28:0x30] = bytes(8)  # e_shoff
        data[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
        pair.append(bytes(data))
    assert equal_under(pair[0], pair[1], NONE) == named("elf-build-id")


def test_build_ids_of_other_sizes_differ(tmp_path: Path) -> None:
    one, other = compiled(tmp_path, "-Wl,--build-id=sha1"), compiled(tmp_path, "-Wl,--build-id=md5")
    assert equal_under(one, other, NONE) is None
    assert equal_under(one, compiled(tmp_path, "-Wl,--build-id=none"), NONE) is None


def test_other_code_under_the_same_build_id_differs(tmp_path: Path) -> None:
    one = compiled(tmp_path, "-Wl,--build-id=0x11")
    other = compiled(tmp_path, "-Wl,--build-id=0x22", source=SOURCE.replace("hello", "hallo"))
    assert equal_under(one, other, NONE) is None


def test_the_sum_of_the_debug_file(tmp_path: Path) -> None:
    pair = []
    for content in ("1", "2"):
        compiled(tmp_path, "-Wl,--build-id=none")
        (tmp_path / "main.debug").write_text(content)
        run(program("objcopy"), "--add-gnu-debuglink=main.debug", "main", cwd=tmp_path)
        pair.append((tmp_path / "main").read_bytes())
    link = section(tmp_path, ".gnu_debuglink")
    end = pair[1].index(link) + len(link)
    assert equal_under(pair[0], pair[1], NONE) == named("elf-build-id")
    sweep(pair[0], pair[1], NONE, [(end - 4, end)])


def test_a_go_build_id(tmp_path: Path) -> None:
    """In a note, as Go's linker lays it (seen in what Go 1.21 made)."""
    pair = [compiled(tmp_path, "-Wl,--build-id=none", source=SOURCE + GO % (d * 12)) for d in "12"]
    assert equal_under(pair[0], pair[1], NONE) == named("elf-build-id")
    at = pair[1].index(b"ID/s/222222222222/end")
    sweep(pair[0], pair[1], NONE, [(at, at + 21)])


@pytest.mark.parametrize("shape", ['"%s %s", __DATE__, __TIME__', '"%s", __DATE__ " " __TIME__', '"%s", __TIMESTAMP__'])
def test_the_dates_of_the_preprocessor(tmp_path: Path, shape: str) -> None:
    source = SOURCE.replace('puts("hello")', f"printf({shape})")
    first = time.time()
    one = compiled(tmp_path, source=source)
    until_next_second()
    (tmp_path / "main.c").unlink()
    other = compiled(tmp_path, source=source)
    given = Circumstances(window=(first - 1, time.time() + 1), scratch=())
    assert one != other
    assert equal_under(one, other, given) == named("elf-build-id", "dates")
    for name in ("elf-build-id", "dates"):
        assert equal_under(one, other, given, named(name)) is None
    assert equal_under(one, other, NONE) is None
    assert equal_under(one, compiled(tmp_path, source=source.replace("return 0", "return 1")), given) is None


def test_scratch_folders_of_one_length(tmp_path: Path) -> None:
    pair, folders = [], []
    for name in ("a1", "b2"):
        folder = tmp_path / name
        folder.mkdir()
        folders.append(os.fsencode(folder))
        pair.append(
            compiled(folder, f'-DFOLDER="{folder}"', "-Wl,--build-id=none", source=SOURCE.replace('"hello"', "FOLDER"))
        )
    given = Circumstances(window=(0, 0), scratch=tuple(folders))
    assert equal_under(pair[0], pair[1], given) == named("scratch-paths")
    assert equal_under(pair[0], pair[1], NONE) is None
