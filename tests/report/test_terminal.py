"""Diagnostics as text: the layout, and that nothing of a repository's rules the terminal."""

import io
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import PurePosixPath
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.report.terminal import diagnostic_lines, plain, print_diagnostics, visible
from migrate.source import SourceFile, Span, decode


def source(text: str, path: str = "build.sh") -> SourceFile:
    return SourceFile(path=PurePosixPath(path), text=text)


def at(file: SourceFile, text: str) -> Span:
    start = file.text.index(text)
    return file.span(start, start + len(text))


def shown(diagnostic: Diagnostic) -> str:
    return "".join(f"{plain(line)}\n" for line in diagnostic_lines(diagnostic))


SCRIPT = source("#!/bin/sh\nset -e\n\ndocker cp extract:$P/app ./app\ndocker rm extract\ndocker build .\n")
DOCKERFILE = source("FROM alpine\nCOPY app /\n", "Dockerfile")
PLACED = Diagnostic(
    rule=rules.VALUE_UNKNOWN,
    message="the path of the extraction is not known",
    primary=Label(span=at(SCRIPT, "$P"), text="comes from the environment"),
    secondary=(
        Label(span=at(SCRIPT, "docker build ."), text="built here"),
        Label(span=at(SCRIPT, "extract:"), text="out of this container"),
        Label(span=at(DOCKERFILE, "app")),
    ),
    notes=("`P` is never set", "first\nsecond"),
    help="set `P` in the script",
)


def test_everything_at_once() -> None:
    assert shown(PLACED) == dedent("""\
        error[MS204]: the path of the extraction is not known
         --> build.sh:4:19
          |
        4 | docker cp extract:$P/app ./app
          |                   ^^ comes from the environment
          |           -------- out of this container
        ...
        6 | docker build .
          | -------------- built here
          |
         ::: Dockerfile:2:6
          |
        2 | COPY app /
          |      ---
          |
          = note: `P` is never set
          = note: first
                  second
          = help: set `P` in the script
          = see: docs/rules/MS204.md
        """)


def test_no_place() -> None:
    diagnostic = Diagnostic(rule=rules.PROXY_ARGUMENT_SHARED, message="a proxy is shared")
    assert shown(diagnostic) == "warning[MS402]: a proxy is shared\n  = see: docs/rules/MS402.md\n"


UNDERLINED: tuple[tuple[str, str, str, str, str], ...] = (
    ("tab", "\tdocker\tcp x\n", "cp", "    docker    cp x", "              ^^"),
    ("wide before", "echo 日本 cp\n", "cp", "echo 日本 cp", "          ^^"),
    ("wide inside", "echo 日本 cp\n", "日本", "echo 日本 cp", "     ^^^^"),
    ("combining", "cafe\u0301 cp\n", "cp", "cafe\u0301 cp", "     ^^"),
    ("several lines", "a docker \\\n  cp x\n", "docker \\\n  cp", "a docker \\", "  ^^^^^^^^"),
    ("CRLF", "a docker\r\n", "docker\r\n", "a docker", "  ^^^^^^"),
    ("only a line end", "a\nb", "\n", "a", " ^"),
    ("nothing", "", "", "", "^"),
    ("escape", "a\x1b[31m cp\n", "cp", "a\\x1b[31m cp", "          ^^"),
    ("not UTF-8", decode(b"a\xff cp\n"), "cp", "a\\xff cp", "      ^^"),
    ("bidi", "a\u202e cp\n", "cp", "a\\u202e cp", "        ^^"),
    ("long", "x" * 300 + "cp" + "y" * 300, "cp", "..." + "x" * 40 + "cp" + "y" * 118 + "...", " " * 43 + "^^"),
    ("long, at the start", "cp" + "y" * 300, "cp", "cp" + "y" * 158 + "...", "^^"),
    ("long, at the end", "x" * 300 + "cp", "cp", "..." + "x" * 158 + "cp", " " * 161 + "^^"),
    ("long, all of it", "x" * 300, "x" * 300, "x" * 160 + "...", "^" * 160),
)


@pytest.mark.parametrize(
    ("text", "part", "line", "marks"), [case[1:] for case in UNDERLINED], ids=[case[0] for case in UNDERLINED]
)
def test_underline(text: str, part: str, line: str, marks: str) -> None:
    span = at(source(text), part)
    lines = shown(Diagnostic(rule=rules.VALUE_UNKNOWN, message="m", primary=Label(span=span))).splitlines()
    assert lines[3:5] == [f"1 | {line}".rstrip(), f"  | {marks}"]


def test_the_gutter_fits_the_largest_line_number() -> None:
    file = source("a\n" * 99 + "b\n")
    spans = (file.span(0, 1), at(file, "b"))
    diagnostic = Diagnostic(
        rule=rules.VALUE_UNKNOWN, message="m", primary=Label(span=spans[0]), secondary=(Label(span=spans[1]),)
    )
    assert shown(diagnostic).splitlines()[1:8] == [
        "   --> build.sh:1:1",
        "    |",
        "  1 | a",
        "    | ^",
        "...",
        "100 | b",
        "    | -",
    ]


def test_a_place_after_the_last_line_end() -> None:
    file = source("a\n")
    lines = shown(Diagnostic(rule=rules.SCRIPT_UNREADABLE, message="m", primary=Label(span=file.span(2, 2))))
    assert lines.splitlines()[1:5] == [" --> build.sh:2:1", "  |", "2 |", "  | ^"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain äöü 日本 `x`", "plain äöü 日本 `x`"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\u202e\u2066\u200b\ufeff\u2028", "\\u202e\\u2066\\u200b\\ufeff\\u2028"),
        ("\udcff\ud800", "\\xff\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
    ids=["plain", "title", "C1", "line ends", "bidi and zero-width", "surrogates", "tags"],
)
def test_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text(alphabet=st.characters(), min_size=1, max_size=40), st.data())
def test_no_text_reaches_the_terminal_as_a_control(text: str, data: st.DataObject) -> None:
    file = source(text, path=text.replace("/", "x"))
    start = data.draw(st.integers(0, len(text)))
    label = Label(span=file.span(start, data.draw(st.integers(start, len(text)))), text=text)
    diagnostic = Diagnostic(
        rule=rules.VALUE_UNKNOWN, message=text, primary=label, secondary=(label,), notes=(text,), help=text
    )
    for line in diagnostic_lines(diagnostic):
        assert {unicodedata.category(c) for c in plain(line)}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    print_diagnostics((diagnostic,), stream)


def test_order_is_by_file_and_line() -> None:
    places = (None, at(DOCKERFILE, "app"), at(SCRIPT, "$P"), at(SCRIPT, "set"), at(DOCKERFILE, "FROM"))
    labels = (Label(span=place) if place else None for place in places)
    stream = io.StringIO()
    print_diagnostics(
        tuple(Diagnostic(rule=rules.VALUE_UNKNOWN, message="m", primary=label) for label in labels), stream
    )
    arrows = re.findall(r"--> (.*)|error\[MS204\]: m\n  = see", stream.getvalue())
    assert arrows == ["Dockerfile:1:1", "Dockerfile:2:6", "build.sh:2:1", "build.sh:4:19", ""]


def test_a_pipe_gets_plain_text_and_loads_no_rich() -> None:
    program = (
        "import sys\n"
        "from migrate import rules\n"
        "from migrate.diagnostics import Diagnostic\n"
        "from migrate.report.terminal import print_diagnostics\n"
        "print_diagnostics((Diagnostic(rule=rules.WRITE_FAILED, message='m'),), sys.stdout)\n"
        "assert 'rich' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "error[MS602]: m\n  = see: docs/rules/MS602.md\n\n"


def read(terminal: int) -> bytes:
    """What is there to read at this moment, piece by piece."""
    try:
        return os.read(terminal, 4096)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize(
    ("variable", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"CI": "true"}, False),
        ({"TERM": "dumb"}, False),
    ],
    ids=["terminal", "NO_COLOR", "NO_COLOR empty", "CI", "dumb"],
)
def test_colours(monkeypatch: pytest.MonkeyPatch, variable: dict[str, str], coloured: bool) -> None:
    for name in ("NO_COLOR", "CI", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | variable).items():
        monkeypatch.setenv(name, value)
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        print_diagnostics((PLACED,), stream)
        stream.flush()
        os.set_blocking(master, False)
        written = b"".join(iter(lambda: read(master), b"")).decode().replace("\r\n", "\n")
    os.close(master)
    assert ("\x1b[" in written) is coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert re.sub(" +\n", "\n", bare) == shown(PLACED) + "\n"
