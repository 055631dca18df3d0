"""Compiled Python, as py_compile makes it."""

import os
import py_compile
from pathlib import Path

import pytest

from migrate.compare.normalise import Circumstances, equal_under
from tests.compare.normalise.sweep import NONE, named, sweep

SOURCE = "import os\n\n\ndef greet(name: str) -> str:\n    return f'hello {name} of {os.getcwd()}'\n"


def compiled(source: Path, mode: py_compile.PycInvalidationMode, text: str, date: int) -> bytes:
    source.write_text(text)
    os.utime(source, (date, date))
    target = py_compile.compile(str(source), cfile=str(source) + "c", doraise=True, invalidation_mode=mode)
    assert target
    return Path(target).read_bytes()


@pytest.mark.parametrize("mode", list(py_compile.PycInvalidationMode))
def test_what_the_header_says_of_the_source(tmp_path: Path, mode: py_compile.PycInvalidationMode) -> None:
    one = compiled(tmp_path / "m.py", mode, SOURCE, 1_000_000_000)
    other = compiled(tmp_path / "m.py", mode, SOURCE + "# more\n", 1_700_000_000)
    assert equal_under(one, other, NONE) == named("pyc")
    assert equal_under(one, other, NONE, named("pyc")) is None
    sweep(one, other, NONE, [(8, 16)])
    changed = compiled(tmp_path / "m.py", mode, SOURCE.replace("hello", "hallo"), 1_700_000_000)
    assert equal_under(one, changed, NONE) is None


def test_the_way_it_is_checked_counts(tmp_path: Path) -> None:
    three = [compiled(tmp_path / "m.py", mode, SOURCE, 1) for mode in py_compile.PycInvalidationMode]
    assert {equal_under(a, b, NONE) for a in three for b in three if a is not b} == {None}


@pytest.mark.parametrize(("magic", "head"), [(62211, 8), (3379, 12)], ids=["2.7", "3.6"])
def test_older_headers(tmp_path: Path, magic: int, head: int) -> None:
    """2.7 has the time alone, 3.6 time and size; the code stands for itself."""
    code = compiled(tmp_path / "m.py", py_compile.PycInvalidationMode.TIMESTAMP, SOURCE, 1)[16:]
    start = magic.to_bytes(2, "little") + b"\r\n"
    one, other = (start + bytes([n]) * (head - 4) + code for n in (1, 2))
    assert equal_under(one, other, NONE) == named("pyc")
    sweep(one, other, NONE, [(4, head)])


def test_where_it_was_compiled(tmp_path: Path) -> None:
    """The file's name in the code is one of the scratch folder's, where both are of one length."""
    pair, folders = [], []
    for name in ("a1", "b2", "longer"):
        (tmp_path / name).mkdir()
        folders.append(os.fsencode(tmp_path / name))
        pair.append(compiled(tmp_path / name / "m.py", py_compile.PycInvalidationMode.TIMESTAMP, SOURCE, len(folders)))
    given = Circumstances(window=(0, 0), scratch=tuple(folders))
    assert equal_under(pair[0], pair[1], given) == named("pyc", "scratch-paths")
    assert equal_under(pair[0], pair[1], NONE) is None
    assert equal_under(pair[1], pair[2], given) is None
