"""The ignore file: docker's documented rules, as a table of patterns and paths.

Each row was also built with both builders of Docker 20.10 (`COPY . /ctx/` into an empty image): it decided the same, but
for the rows of OLDER.
"""

from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate import rules
from migrate.dockerfile.ignore import IgnoreFile, read_ignore
from migrate.source import SourceFile


def source(text: str) -> SourceFile:
    return SourceFile(path=PurePosixPath(".dockerignore"), text=text)


def read(text: str) -> IgnoreFile:
    ignore, diagnostics = read_ignore(source(text))
    assert ignore is not None, diagnostics
    return ignore


# ignore file → paths it hides, paths it leaves
TABLE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "empty": ("", (), ("a", "a/b", ".")),
    "comment": ("# a\n#b\n", (), ("a", "b", "# a")),
    "indented-hash-is-a-pattern": ("  # a\n", ("# a",), ("a",)),
    "name": ("a\n", ("a", "a/b", "a/b/c"), ("b", "b/a", "ab")),
    "leading-slash": ("/a\n", ("a", "a/b"), ("b/a",)),
    "trailing-slash": ("a/\n", ("a", "a/b"), ("b",)),
    "dot-slash": ("./a/./b\n", ("a/b",), ("a", "b")),
    "parent": ("a/../b\n", ("b",), ("a", "a/b")),
    "out-of-context": ("../a\n", (), ("a",)),
    "double-slash": ("//a//b\n", ("a/b",), ("a",)),
    "blanks-around": ("  a \t\r\n", ("a",), ("b",)),
    "carriage-returns": ("a\r\nb\r\n", ("a", "b"), ("c",)),
    "blank-inside": ("a b\n", ("a b",), ("a", "b")),
    "byte-order-mark": ("\ufeffa\n", ("a",), ("b",)),
    "no-final-newline": ("a\nb", ("a", "b"), ()),
    "dot": (".\n", (), ("a", ".")),
    "slash": ("/\n", (), ("a",)),
    "star": ("*\n", ("a", "a/b", ".a"), (".",)),
    "star-in-name": ("*.o\n", ("a.o", ".o", "a.o/b"), ("b/a.o", "a.oo")),
    "star-stops-at-slash": ("a*b\n", ("ab", "axb"), ("a/b",)),
    "star-in-path": ("*/temp*\n", ("b/temp", "b/temporary.txt", "b/temp/x"), ("temp", "a/b/temp")),
    "stars-in-path": ("*/*/temp*\n", ("a/b/temp.txt",), ("a/temp", "a/b/c/temp")),
    "question-mark": ("temp?\n", ("tempa", "tempb", "temp?"), ("temp", "temp/a", "tempab")),
    "globstar-front": ("**/a.o\n", ("a.o", "x/a.o", "x/y/a.o"), ("xa.o", "x/ba.o")),
    "globstar-front-star": ("**/*.o\n", ("a.o", "x/a.o", "x/y/.o"), ("a.c",)),
    "globstar-end": ("a/**\n", ("a/b", "a/b/c"), ("a", "ab")),
    "globstar-middle": ("a/**/b\n", ("a/b", "a/x/b", "a/x/y/b", "a/b/c"), ("ab", "xa/b", "a/xb")),
    "globstar-alone": ("**\n", ("a", "a/b"), (".",)),
    "globstar-slash": ("**/\n", ("a", "a/b"), ()),
    "globstar-text": ("**a\n", ("a", "xa", "x/a", "x/ya"), ("ab",)),
    "globstar-text-star": ("**a*\n", ("a", "ab", "x/a"), ("xa", "x/ya")),
    "globstar-both-ends": ("**/a/**\n", ("a/b", "x/a/b"), ("a", "x/a", "b")),
    "text-globstar": ("a**\n", ("a", "ab", "a/b", "abc/d"), ("b",)),
    "class": ("[ab]c\n", ("ac", "bc"), ("cc", "c", "[ab]c")),
    "class-range": ("[a-c]\n", ("a", "b", "c/x"), ("d", "-")),
    "class-negated": ("[^a]b\n", ("bb", "/b".lstrip("/") + "b"), ("ab", "b")),
    "class-exclamation-mark": ("[!a]\n", ("!", "a"), ("b",)),
    "class-escaped": ("[\\]\\-]\n", ("]", "-"), ("\\", "a")),
    "class-bracket": ("[[]\n", ("[",), ("a",)),
    "class-of-special": ("[.+$]\n", (".x".replace(".x", "+"), "$"), ("a",)),
    "escaped-star": ("a\\*\n", ("a*",), ("ab",)),
    "escaped-hash": ("\\#a\n", ("#a",), ("a",)),
    "regular-expression-characters": ("a.b+c(d)|{e}$\n", ("a.b+c(d)|{e}$",), ("axb+c(d)|{e}$",)),
    "caret-alone": ("a^b\n", ("a^b",), ("ab",)),
    "closing-bracket": ("a]\n", ("a]",), ("a",)),
    "unicode": ("ä?.o\n", ("ä你.o",), ("ä.o",)),
    "exception": ("*.md\n!README.md\n", ("a.md",), ("README.md", "a.c")),
    "exception-order": ("*.md\n!README*.md\nREADME-secret.md\n", ("a.md", "README-secret.md"), ("README.md",)),
    "exception-first-is-nothing": ("!README.md\n*.md\n", ("README.md",), ()),
    "exception-under-hidden-directory": ("a\n!a/b\n", ("a", "a/c"), ("a/b", "a/b/c")),
    "exception-of-directory": ("**\n!src\n", ("a", "b/src"), ("src", "src/a/b")),
    "exception-hidden-again": ("**\n!a\na/b\n", ("a/b", "a/b/c", "c"), ("a", "a/c")),
    "exception-pattern": ("*\n!*.go\n!cmd/**/*.go\n", ("a.c", "cmd/x.c"), ("a.go", "cmd/x.go", "cmd/a/b.go")),
    "exception-slash": ("*\n!/a\n! b\n", ("c",), ("a", "b")),
    "exclamation-behind-a-slash": ("*\n/!a\n", ("b",), ("a",)),
    "two-exclamation-marks": ("*\n!!a\n", ("a",), ("!a",)),
}
ROWS = [
    pytest.param(text, path, hidden, id=f"{name}:{path}")
    for name, (text, hides, leaves) in TABLE.items()
    for hidden, paths in ((True, hides), (False, leaves))
    for path in paths
]


@pytest.mark.parametrize(("text", "path", "hidden"), ROWS)
def test_hides(text: str, path: str, hidden: bool) -> None:
    assert read(text).ignores(path) is hidden


# Rows where Docker 20.10 decided otherwise.
OLDER = {
    ("globstar-text", "xa"),
    ("globstar-text", "x/ya"),
    ("regular-expression-characters", "axb+c(d)|{e}$"),
    ("caret-alone", "a^b"),
    ("exception-pattern", "cmd/a/b.go"),
}


def test_where_the_builders_differ_is_told() -> None:
    told = {
        (name, path)
        for name, (text, hides, leaves) in TABLE.items()
        for path in (*hides, *leaves)
        if read(text).depends_on_builder(path)
    }
    # Patterns that older ones take for regular expressions are told for every path.
    regular = {row for row in told if row[0] in ("regular-expression-characters", "caret-alone")}
    assert told - regular == OLDER - regular
    assert told >= OLDER


def test_path_is_cleaned() -> None:
    ignore = read("a/b\n")
    assert ignore.ignores("./a//b/")
    assert ignore.ignores("/a/b")
    assert not ignore.ignores("a/b/..")


def test_the_deciding_line_is_told() -> None:
    ignore = read("# c\n*\n  !a \n")
    hides, keeps, nothing = ignore.deciding("b"), ignore.deciding("a"), read("x\n").deciding("y")
    assert hides is not None
    assert hides.span.text == "*"
    assert keeps is not None
    assert (keeps.span.text, str(keeps.span), keeps.exception, keeps.text) == ("!a", ".dockerignore:3:3", True, "a")
    assert nothing is None


@pytest.mark.parametrize(
    "pattern",
    [
        "!",
        "!/",
        "/!",
        "[",
        "a[",
        "[]",
        "[]a]",
        "[^]",
        "[-]",
        "[x-]",
        "[a-b-c]",
        "[z-a]",
        "a\\",
        "\\d*",
        "[*]",
        "[[:x:]]",
    ],
)
def test_refuses_with_a_place(pattern: str) -> None:
    ignore, diagnostics = read_ignore(source(f"a\n {pattern}\nb\n"))
    assert ignore is None
    (diagnostic,) = diagnostics
    assert diagnostic.rule is rules.IGNORE_FILE_UNREADABLE
    assert diagnostic.primary is not None
    assert diagnostic.primary.span.text == pattern
    assert diagnostic.primary.span.position.line == 2


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab*?[]^!-\\/.# \n\u00e9", max_size=20), st.text(alphabet="ab/.!-", max_size=8))
def test_no_text_raises(text: str, path: str) -> None:
    ignore, diagnostics = read_ignore(source(text))
    assert (ignore is None) == bool(diagnostics)
    if ignore is not None and ignore.ignores(path):
        assert ignore.deciding(path)
