"""What `read_script` makes of scripts: the tree, or the one diagnostic; bash itself is asked where it can say something."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate import rules
from migrate.shell import bashlex_reader, shfmt_reader
from migrate.shell.reader import MAX_BYTES, read_script
from migrate.shell.syntax import (
    Comment,
    HereDocument,
    Literal,
    Parameter,
    Script,
    SimpleCommand,
    Statement,
    Unreadable,
    Word,
)
from migrate.source import SourceFile
from tests.shell.scripts import GUARDED, SEED, TRUSTED
from tests.shell.sketch import sketch, source, walk


def read(text: str) -> Script:
    script, diagnostics = read_script(source(text))
    assert script is not None, diagnostics
    assert diagnostics == ()
    return script


@pytest.mark.parametrize(("text", "expected"), [*TRUSTED.values(), *GUARDED.values()], ids=[*TRUSTED, *GUARDED])
def test_tree(text: str, expected: str) -> None:
    assert sketch(read(text).statements) == expected


def test_spans_of_a_statement() -> None:
    text = 'A=1 docker run "x y" >o 2>&1 &\nif a; then b; fi; # why\ncat <<E | c;\nbody\nE\n! d\n'
    script = read(text)
    assert [s.span.text for s in script.statements] == [
        'A=1 docker run "x y" >o 2>&1',
        "if a; then b; fi",
        "cat <<E | c",
        "! d",
    ]
    assert [text[s.span.start : s.end] for s in script.statements] == [
        'A=1 docker run "x y" >o 2>&1 &',
        "if a; then b; fi;",
        "cat <<E | c;",
        "! d",
    ]
    assert [c.span.text for c in script.comments] == ["# why"]


def test_spans_inside_words() -> None:
    """A literal's span leaves its quotes out, a word's counts them in."""
    (statement,) = read("""x "ab$y"'c' "" $'d' ${z:-e}""").statements
    assert isinstance(statement.command, SimpleCommand)
    words = statement.command.words
    assert [w.span.text for w in words] == ["x", """"ab$y"'c'""", '""', "$'d'", "${z:-e}"]
    assert [[p.span.text for p in w.parts] for w in words] == [["x"], ["ab", "$y", "c"], [""], ["d"], ["${z:-e}"]]
    argument = words[4].parts[0]
    assert isinstance(argument, Parameter)
    assert argument.argument is not None
    assert argument.argument.span.text == "e"


def test_here_document_spans() -> None:
    (statement,) = read("cat <<-E x\n\ta\n\tE").statements
    assert statement.span.text == "cat <<-E x"
    (here,) = [node for node in walk(statement) if isinstance(node, HereDocument)]
    assert here.span.text == "\ta\n"
    assert here.body.span == here.span


def test_offsets_count_characters() -> None:
    """shfmt counts bytes; letters of two, three and four, and a byte that isn't UTF-8."""
    (first, second) = read("ü € 😀 \udcff x\nécho é; # ü").statements
    assert isinstance(first.command, SimpleCommand)
    assert [w.span.text for w in first.command.words] == ["ü", "€", "😀", "\udcff", "x"]
    assert second.span.text == "écho é"


@pytest.mark.parametrize("text", [t for t, _ in (*TRUSTED.values(), *GUARDED.values())], ids=[*TRUSTED, *GUARDED])
def test_every_span_is_where_its_node_is(text: str) -> None:
    script = read(text)
    for node in walk(script):
        if isinstance(node, Script):
            continue
        assert 0 <= node.span.start <= node.span.end <= len(text)
        if isinstance(node, Word):
            assert all(node.span.start <= p.span.start <= p.span.end <= node.span.end for p in node.parts)
        if isinstance(node, Literal) and not set(node.span.text) & set("\\\t"):
            assert "".join(c for c in node.span.text if c not in "\"'") == "".join(
                c for c in node.text if c not in "\"'"
            )
        if isinstance(node, Comment):
            assert node.span.text.startswith("#")
        if isinstance(node, Statement):
            assert node.span == node.command.span
            assert text[node.span.end : node.end].strip(" \t\\\n") in ("", ";", "&")


# What bash makes of words and bodies without expansions; our literals must say the same.
WORDS = [
    r"a\b \\ \' \"",
    r"'a\b' 'c'\''d'",
    r'"a\b" "\$ \" \\ \` \x"',
    r"""a'b'"c"d ''""",
    'a\\\nb "c\\\nd"',
    r"$'a\tb' $'\x41\101\u00e9' $'\q\'\"\\' $'\cA' $'x\0y'z $'\e\E\?' $'\xe9' $'\U1F600' $'\x' $'\u'",
    r"\#a a#b '#' $ a$",
    '"a""b" "a"\'b\'',
    'ü "ß€"',
]


@pytest.mark.parametrize("words", WORDS)
def test_literals_are_what_bash_makes_of_them(words: str) -> None:
    (statement,) = read(f"args {words}").statements
    assert isinstance(statement.command, SimpleCommand)
    ours = ["".join(p.text for p in w.parts if isinstance(p, Literal)) for w in statement.command.words[1:]]
    assert ours == bash(f"printf '%s\\0' {words}").split("\0")[:-1]


BODIES = [
    ("<<E", "a\n\tb\n\n"),
    ("<<E", '\\$x "y" \\" \\\\ \\n \\`\n'),
    ("<<E", "a\\\nb\\\\\nc\n"),
    ("<<-E", "\ta\n\t\tb\n c\n\td\\\n\te\n\tf\\\\\n\tg\n"),
    ("<<'E'", "a\\\nb $x\n"),
    ("<<'E'", "a $x `b\\\n"),
    ('<<"E"', "a $x `b\\\n"),
    ("<<\\E", "a $x `b\\\n"),
    ("<<-'E'", "\ta\\\n\tb\n"),
    ("<<E", ""),
    ("<<E", "${unset:-'q'} ${unset:-a\\}b}\n"),
]


@pytest.mark.parametrize(("operator", "body"), BODIES)
def test_here_documents_are_what_bash_makes_of_them(operator: str, body: str) -> None:
    script = f"cat {operator}\n{body}E\n"
    (here,) = [node for node in walk(read(script)) if isinstance(node, HereDocument)]
    ours = ""
    for part in here.body.parts:
        if isinstance(part, Parameter):
            assert part.argument is not None
            ours += "".join(p.text for p in part.argument.parts if isinstance(p, Literal))
        else:
            assert isinstance(part, Literal)
            ours += part.text
    assert ours == bash(script)


def bash(script: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=environment)
    return done.stdout.decode("utf-8", "surrogateescape")


REFUSED = {
    "open-quote": ("a\nb 'c", 4, "not valid shell"),
    "open-substitution": ("ü $(a", 2, "not valid shell"),
    "open-if": ("a\nif b; then c\n", 2, "not valid shell"),
    "open-here-document": ("cat <<E\nx\n", 4, "not valid shell"),
    "stray-done": ("a\n  done", 4, "not valid shell"),
    "windows-line-ends": ("# a\r\nb\r\nc\r\n", 6, "windows line ends"),
    "windows-continuation": ("a \\\r\nb", 3, "windows line ends"),
    "windows-in-quotes": ('a "b\r\nc"', 4, "windows line ends"),
    "carriage-return": ("a\rb", 1, "carriage return"),
    "nul": ("a\0b", 1, "NUL"),
    "negated-subshell-or-glob": ("if !(a); then b; fi", 3, "extglob"),
    "single-quotes-in-quoted-default": ("echo \"${x:-'$y'}\"", 11, "single quotes"),
    "delimiter-quoted-in-part": ('cat <<E"O"F\n$x\nEOF\n', 6, "quoted in part"),
    "function-joined": ("f() { a; } && b; ((1))", 0, "function definition"),
    "deep-subshells": ("( " * 60 + "a" + " )" * 60, None, "nested too deeply"),
    "deep-substitutions": ("$(" * 60 + "a" + ")" * 60, None, "nested too deeply"),
    "deep-defaults": ("${a:-" * 60 + "}" * 60, None, "nested too deeply"),
    "bomb": ("( " * 20000 + "a" + " )" * 20000, None, "nested too deeply"),
    "arithmetic-bomb": ("(" * 200_000, None, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "offset", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, offset: int | None, message: str) -> None:
    script, (diagnostic,) = read_script(source(text))
    if script is not None:
        assert isinstance(script.statements[-1].command, Unreadable)
        assert script.statements[-1].end == len(text)
    assert diagnostic.rule is rules.SCRIPT_UNREADABLE
    assert message in diagnostic.message
    assert diagnostic.primary is not None
    if offset is not None:
        assert diagnostic.primary.span.start == offset


UNREAD_FROM = {
    "open-if": ("a\nb\nif c; then d\n", ["a", "b"]),
    "here-document-s-lines": ('a\ncat <<E"O"F\ndocker rm z\nEOF\nb\n', ["a"]),
    "quote-over-lines": ("a\nb 'c\nd\n", ["a"]),
    "continued": ("a\nb \\\n  c )\nd\n", ["a"]),
    "compound-before": ("if a; then\n  b\nfi\nc )\n", ["if a; then\n  b\nfi"]),
}


@pytest.mark.parametrize(("text", "read"), UNREAD_FROM.values(), ids=UNREAD_FROM)
def test_what_stands_before_a_part_that_cannot_be_read_is_read(text: str, read: list[str]) -> None:
    script, found = read_script(source(text))
    assert script is not None
    assert [d.rule for d in found] == [rules.SCRIPT_UNREADABLE]
    *before, rest = script.statements
    assert [s.span.text for s in before] == read
    assert isinstance(rest.command, Unreadable)
    assert rest.end == len(text)


def test_the_parser_s_words_are_a_note() -> None:
    _, (diagnostic,) = read_script(source("a\nif b\n"))
    assert diagnostic.notes == ("shfmt: `if <cond>` must be followed by `then`",)
    assert str(diagnostic.primary.span if diagnostic.primary else "") == "build.sh:2:1"


def test_too_large() -> None:
    script, (diagnostic,) = read_script(source("#" * (MAX_BYTES + 1)))
    assert script is None
    assert diagnostic.rule is rules.SCRIPT_TOO_LARGE
    assert read_script(source("#" * MAX_BYTES))[0] is not None


@pytest.mark.parametrize("kind", ["absent", "not a program", "fails", "prints nonsense"])
def test_without_shfmt(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "shfmt"
    binary.write_text({"not a program": "", "fails": "#!/bin/sh\nexit 3\n"}.get(kind, "#!/bin/sh\necho {\n"))
    binary.chmod(0o644 if kind == "not a program" else 0o755)
    monkeypatch.setattr(shfmt_reader, "binary_path", lambda: None if kind == "absent" else binary)
    script, (diagnostic,) = read_script(source("[[ a ]]"))
    assert script is None
    assert diagnostic.rule is rules.SCRIPT_UNREADABLE
    assert "shfmt" in diagnostic.message
    assert read_script(source(SEED))[0] is not None  # bashlex needs no binary


def test_a_long_chain_is_flat() -> None:
    (statement,) = read("a && " * 100 + "b || " * 50 + "[[ c ]]").statements
    assert len(statement.command.commands) == 151  # type: ignore[union-attr]


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(), st.text("ab$(){}[]<>|&;\"'`\\#!= \t\n\r\0é\udc80")))
def test_no_text_raises(text: str) -> None:
    script, diagnostics = read_script(source(text))
    whole = script is not None and not any(
        isinstance(s.command, Unreadable) and s.command.told for s in script.statements
    )
    assert whole == (not diagnostics)


@pytest.mark.parametrize("reader", [bashlex_reader.read, shfmt_reader.read], ids=["bashlex", "shfmt"])
def test_time_grows_with_length_only(reader: Callable[[SourceFile], Script | None]) -> None:
    """50 lines take 20 to 40 ms; ten times as many must not take a hundred times as long."""
    line = "docker build -t acme/app --build-arg v=$v . && rm -rf 'x'\n"
    reader(source(line))
    start = time.process_time()
    assert reader(source(line * 250)) is not None
    assert time.process_time() - start < 2
