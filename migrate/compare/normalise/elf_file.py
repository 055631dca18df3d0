"""What identifies an ELF file and is nothing else: GNU's build id, Go's, and the CRC of the file with its debug information. And,
for who asks, what a program is linked with: this is the one door to pyelftools.

pyelftools reads the tables; the notes are walked here, since its own walk reads as far as a note claims to go.
"""

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from migrate.compare.normalise.budget import Budget
from migrate.compare.normalise.inside import Inside

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

MAGIC = b"\x7fELF"
_MOST_HEADERS = 1024  # linked files, and only they are identified, have some 40 sections and 15 segments
_MOST_NOTES = 65536  # bytes of one section of notes; a build id's has 36
# owner and type of the notes that identify. Go's linker has the id here alone in an ELF file (textbuildid in cmd/link: elsewhere
# it goes into the text)
_IDENTITIES = ((b"GNU\0", 3), (b"Go\0\0", 4))


def compare(legacy: bytes, migrated: bytes, budget: Budget, inside: Inside) -> frozenset[str] | None:  # noqa: ARG001
    """What else is needed, with the marks of both as the legacy file's."""
    if not (legacy.startswith(MAGIC) and migrated.startswith(MAGIC)):
        return None
    marks = _marks(legacy)
    if not marks or marks != _marks(migrated):
        return None
    like = bytearray(migrated)
    for start, end in marks:
        like[start:end] = legacy[start:end]
    return None if like == migrated else inside(legacy, bytes(like))


@dataclass(frozen=True, slots=True, kw_only=True)
class Linkage:
    """What a program needs to be started: its `interpreter` (the dynamic loader; None where it is static), the `libraries` that
    it names, and the folders that it has them looked for in first."""

    interpreter: str | None
    libraries: tuple[str, ...]
    folders: tuple[str, ...]


def linkage(data: bytes) -> Linkage | None:
    """None where it isn't an ELF file, or can't be read as one."""
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import InterpSegment

    if not data.startswith(MAGIC):
        return None
    try:
        interpreter: str | None = None
        found: dict[str, list[str]] = {"DT_NEEDED": [], "DT_RPATH": [], "DT_RUNPATH": []}
        for segment in ELFFile(BytesIO(data)).iter_segments():
            if isinstance(segment, InterpSegment):
                interpreter = segment.get_interp_name()
            if isinstance(segment, DynamicSegment):
                for tag in segment.iter_tags():
                    values = found.get(tag.entry.d_tag)
                    if values is not None:
                        # pyelftools names the string after the tag
                        values.append(getattr(tag, tag.entry.d_tag.removeprefix("DT_").lower()))
        folders = [f for text in (*found["DT_RPATH"], *found["DT_RUNPATH"]) for f in text.split(":")]
    except Exception:  # noqa: BLE001 — as above
        return None
    return Linkage(interpreter=interpreter, libraries=tuple(found["DT_NEEDED"]), folders=tuple(folders))


def _marks(data: bytes) -> tuple[tuple[int, int], ...]:
    """Where they are, in the file's bytes. None of them where it can't be read as ELF."""
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(BytesIO(data))
        areas, links = _areas(elf, data)
    except Exception:  # noqa: BLE001 — on what isn't quite ELF it fails in many ways (ELFError, ConstructError, KeyError …)
        return ()
    marks = set(links)
    for start, size in sorted(set(areas)):
        marks.update(_notes(data, start, size, "<" if elf.little_endian else ">"))
    return tuple(sorted(marks))


def _areas(elf: "ELFFile", data: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Offset and size of what holds notes; start and end of each CRC in `.gnu_debuglink`. Sections may be stripped, and then
    the segments say it."""
    from elftools.common.utils import struct_parse

    notes, links = [], []
    header = elf.header
    names = 0
    if header["e_shoff"] and header["e_shnum"] <= _MOST_HEADERS:
        sections = [
            struct_parse(elf.structs.Elf_Shdr, elf.stream, header["e_shoff"] + n * header["e_shentsize"])
            for n in range(header["e_shnum"])
        ]
        names = sections[header["e_shstrndx"]]["sh_offset"] if header["e_shstrndx"] < len(sections) else 0
        for section in sections:
            start, size = section["sh_offset"], section["sh_size"]
            if section["sh_type"] == "SHT_NOTE":
                notes.append((start, size))
            elif names and data.startswith(b".gnu_debuglink\0", names + section["sh_name"]) and 8 <= size <= 4096:
                links.append((start + size - 4, start + size))
    if header["e_phoff"] and header["e_phnum"] <= _MOST_HEADERS:
        segments = [
            struct_parse(elf.structs.Elf_Phdr, elf.stream, header["e_phoff"] + n * header["e_phentsize"])
            for n in range(header["e_phnum"])
        ]
        notes += [(s["p_offset"], s["p_filesz"]) for s in segments if s["p_type"] == "PT_NOTE"]
    return [area for area in notes if sum(area) <= len(data)], [link for link in links if link[1] <= len(data)]


def _notes(data: bytes, start: int, size: int, order: str) -> list[tuple[int, int]]:
    """Where the descriptions of the notes of identity there start and end (System V ABI, "Note Section")."""
    found = []
    at, end = start, start + size
    while size <= _MOST_NOTES and at + 12 <= end:
        name_size, size_of_it, kind = struct.unpack_from(f"{order}III", data, at)
        description = at + 12 + _aligned(name_size)
        last = description + size_of_it
        if last > end:
            break
        if (data[at + 12 : description], kind) in _IDENTITIES and size_of_it:
            found.append((description, last))
        at = description + _aligned(size_of_it)
    return found


def _aligned(size: int) -> int:
    return (size + 3) & ~3
