"""Static libraries as binutils make them."""

import os
from pathlib import Path

import pytest

from migrate.compare.normalise import equal_under
from tests.compare.normalise.sweep import NONE, named, program, run, sweep


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    for name in ("one", "two_with_quite_a_long_name", "odd"):
        (tmp_path / f"{name}.c").write_text(f"int {name}(void) {{ return {len(name)}; }}\n")
        run(program("gcc"), "-c", f"{name}.c", cwd=tmp_path)
    (tmp_path / "odd.o").write_bytes((tmp_path / "odd.o").read_bytes() + b"!")
    return tmp_path


def archived(
    folder: Path, flags: str, date: int, *, names: tuple[str, ...] = ("one", "two_with_quite_a_long_name", "odd")
) -> bytes:
    for name in names:
        os.utime(folder / f"{name}.o", (date, date))
    (folder / "lib.a").unlink(missing_ok=True)
    run(program("ar"), flags, "lib.a", *(f"{name}.o" for name in names), cwd=folder)
    return (folder / "lib.a").read_bytes()


def headers(data: bytes) -> list[int]:
    """By the marks at their ends."""
    return [
        n - 58 for n in range(len(data)) if data.startswith(b"`\n", n) and data[n - 2 : n].strip(b"0123456789 ") == b""
    ]


def test_dates_and_owners(objects: Path) -> None:
    """`U` writes them, and `D` zeros."""
    one, other = archived(objects, "rcsU", 1_000_000_000), archived(objects, "rcsU", 1_700_000_001)
    assert equal_under(one, other, NONE) == named("ar")
    assert equal_under(one, other, NONE, named("ar")) is None
    found = headers(other)
    assert len(found) == 5  # the index, the long names, the three
    # digits all, but for the header of the long names, which is blank there
    sweep(one, other, NONE, [(at + 16, at + 40) for at in found if other[at : at + 3] != b"// "])


def test_modes_order_names_and_contents_count(objects: Path) -> None:
    one = archived(objects, "rcsU", 1_000_000_000)
    (objects / "one.o").chmod(0o600)
    assert equal_under(one, archived(objects, "rcsU", 1_000_000_000), NONE) is None
    (objects / "one.o").chmod(0o644)
    assert equal_under(one, archived(objects, "rcsU", 1_700_000_000), NONE) == named("ar")
    turned = archived(objects, "rcsU", 1_700_000_000, names=("odd", "one", "two_with_quite_a_long_name"))
    assert equal_under(one, turned, NONE) is None
    (objects / "new.o").write_bytes((objects / "one.o").read_bytes())
    renamed = archived(objects, "rcsU", 1_700_000_000, names=("new", "two_with_quite_a_long_name", "odd"))
    assert equal_under(one, renamed, NONE) is None
    (objects / "odd.o").write_bytes((objects / "odd.o").read_bytes() + b"!")
    assert equal_under(one, archived(objects, "rcsU", 1_700_000_000), NONE) is None


def test_a_thin_one_is_left_alone(objects: Path) -> None:
    """Its contents are elsewhere."""
    one = archived(objects, "rcsUT", 1_000_000_000)
    assert equal_under(one, archived(objects, "rcsUT", 1_700_000_000), NONE) is None
