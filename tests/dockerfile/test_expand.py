"""Variable expansion: the rules of the Dockerfile reference and of BuildKit's shell lexer, as a table.

Both builders of Docker 20.10 gave the same values for `ENV R text` (all rows without a modifier newer than `?`), and
refused the rows of ERRORS.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.dockerfile.expand import argument_pairs, environment_pairs, expand
from tests.dockerfile.oracle import read

VARIABLES = {"x": "value", "empty": "", "path": "a/b/c.tar.gz", "hidden": None, "y": "two words", "_1": "under"}

# text → what the instruction gets
GIVES = {
    "plain": "plain",
    "$x": "value",
    "${x}": "value",
    "$xy": "",
    "${x}y": "valuey",
    "$x.y": "value.y",
    "a$x/b": "avalue/b",
    "$_1": "under",
    "$unset": "",
    "${unset}": "",
    "$": "$",
    "a$": "a$",
    "$.": "$.",
    "$$": "",
    "$1x": "x",
    "$12x": "x",
    "$@@": "@",
    "${x:-d}": "value",
    "${unset:-d}": "d",
    "${empty:-d}": "d",
    "${x-d}": "value",
    "${unset-d}": "d",
    "${empty-d}": "",
    "${x:+a}": "a",
    "${unset:+a}": "",
    "${empty:+a}": "",
    "${x+a}": "a",
    "${unset+a}": "",
    "${empty+a}": "a",
    "${x:?e}": "value",
    "${x?e}": "value",
    "${empty?e}": "",
    "${unset:-${x}}": "value",
    "${unset:-${empty:-z}}": "z",
    "${unset:-$x/y}": "value/y",
    "${unset:-a b}": "a b",
    "${unset:-'a}b'}": "a}b",
    '${unset:-"a}b"}': "a}b",
    "${unset:-a\\}b}": "a}b",
    "${unset:-}": "",
    "${x}}": "value}",
    "${1:-d}": "d",
    "'$x'": "$x",
    '"$x"': "value",
    "\"'$x'\"": "'value'",
    "'\"$x\"'": '"$x"',
    "a'b'c": "abc",
    'a"b"c': "abc",
    '""': "",
    "\\$x": "$x",
    '"\\$x"': "$x",
    "'\\$x'": "\\$x",
    "\\\\$x": "\\value",
    "a\\ b": "a b",
    '"a\\ b"': "a\\ b",
    '"a\\"b"': 'a"b',
    '"a\\\\b"': "a\\b",
    "a\\tb": "atb",
    '"a\\tb"': "a\\tb",
    "a\\": "a",
    "two  words": "two  words",
    "$y": "two words",
    "<<a": "<<a",
    "a < b": "a < b",
    "${path#*/}": "b/c.tar.gz",
    "${path##*/}": "c.tar.gz",
    "${path%.*}": "a/b/c.tar",
    "${path%%.*}": "a/b/c",
    "${path%.gz}": "a/b/c.tar",
    "${path#?}": "/b/c.tar.gz",
    "${path#x}": "a/b/c.tar.gz",
    "${path#$unset}": "a/b/c.tar.gz",
    "${path%$unset.gz}": "a/b/c.tar",
    "${unset#a}": "",
    "${x%%*}": "",
    "${x#*}": "value",
    "${x##*}": "",
    "${path/a/X}": "X/b/c.tar.gz",
    "${path/./X}": "a/b/cXtar.gz",
    "${path//./X}": "a/b/cXtarXgz",
    "${path//\\//-}": "a-b-c.tar.gz",
    "${path/b*/X}": "a/X",
    "${path//?/-}": "------------",
    "${path/zz/X}": "a/b/c.tar.gz",
    "${x//*/-}": "-",
    "${x/a/}": "vlue",
    "ä$x你": "ä",
    "ä${x}你": "ävalue你",
    "\ufeffa": "a",
}


@pytest.mark.parametrize(("text", "expected"), list(GIVES.items()), ids=list(GIVES))
def test_gives(text: str, expected: str) -> None:
    expansion = expand(text, VARIABLES, "\\")
    assert (expansion.text, expansion.error) == (expected, None)


ERRORS = {
    "${}": "bad substitution",
    "${": "bad substitution",
    "${:}": "bad substitution",
    "${:-x}": "bad substitution",
    "${{x}": "bad substitution",
    "${.}": "not supported",
    "${x": "not supported",
    "${x:": "not supported",
    "${x:-d": "`}` is missing",
    "${x:=d}": "not supported",
    "${x=d}": "not supported",
    "${x:#d}": "not supported",
    "${x:%d}": "not supported",
    "${x^}": "not supported",
    "${x,,}": "not supported",
    "${x:1:2}": "not supported",
    "${!x}": "not supported",
    "${#x}": "not supported",
    "'a": "single quote",
    '"a': "double quote",
    '"a\\"': "double quote",
    "a\\\\'b": "single quote",
    "${unset?}": "must be set",
    "${unset:?no $x}": "no value",
    "${empty:?}": "must be set",
    "${x:-${unset?}}": "must be set",
    "${x#\\a}": "invalid escape",
    "${x#a\\}": "missing",
    "${x/a}": "missing",
    "${x/a/b": "missing",
    "${x//a/$hidden\\$1}": "",
}


@pytest.mark.parametrize(("text", "message"), list(ERRORS.items()), ids=list(ERRORS))
def test_errors(text: str, message: str) -> None:
    expansion = expand(text, VARIABLES, "\\")
    assert expansion.text is None
    if text.startswith("${x//a/$hidden"):
        assert expansion.unknown == ("hidden",)
    else:
        assert message in (expansion.error or "")


UNKNOWN = {
    "$hidden": ("hidden",),
    "a${hidden}b": ("hidden",),
    '"$hidden"': ("hidden",),
    "${hidden:-d}": ("hidden",),
    "${hidden-d}": ("hidden",),
    "${hidden:+a}": ("hidden",),
    "${hidden+a}": ("hidden",),
    "${hidden?e}": ("hidden",),
    "${hidden#a}": ("hidden",),
    "${hidden/a/b}": ("hidden",),
    "${x#$hidden}": ("hidden",),
    "${x/l/$hidden}": ("hidden",),
    "${unset:-$hidden}": ("hidden",),
}


@pytest.mark.parametrize(("text", "names"), list(UNKNOWN.items()), ids=list(UNKNOWN))
def test_unknown_is_never_a_text(text: str, names: tuple[str, ...]) -> None:
    expansion = expand(text, VARIABLES, "\\")
    assert (expansion.text, expansion.unknown, expansion.error) == (None, names, None)


def test_a_branch_not_taken_does_not_count() -> None:
    taken = expand("${x:-$hidden$unset}", VARIABLES, "\\")
    assert (taken.text, taken.used, taken.missing, taken.unknown) == ("value", ("x",), (), ())
    dropped = expand("${unset:+$hidden}", VARIABLES, "\\")
    assert (dropped.text, dropped.missing, dropped.unknown) == ("", ("unset",), ())


def test_missing_names_are_told() -> None:
    expansion = expand("$a$x${b:-$c}$a", VARIABLES, "\\")
    assert (expansion.text, expansion.used, expansion.missing) == ("value", ("x",), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("text", "modifiers"),
    [
        ("${x:-d}${x:+d}", ()),
        ("${x-d}", ("-",)),
        ("${x+d}", ("+",)),
        ("${x?d}", ("?",)),
        ("${x:?d}", (":?",)),
        ("${x#d}${x##d}", ("#", "##")),
        ("${x%d}${x%%d}", ("%", "%%")),
        ("${x/d/e}${x//d/e}", ("/", "//")),
        ("${x:-${unset-d}}", ("-",)),
    ],
)
def test_what_older_builders_refuse(text: str, modifiers: tuple[str, ...]) -> None:
    assert expand(text, VARIABLES, "\\").newer == modifiers


def test_the_escape_is_the_file_s() -> None:
    assert expand("`$x\\$x", VARIABLES, "`").text == "$x\\value"
    assert expand('"a`"b"', VARIABLES, "`").text == 'a"b'


def test_a_dollar_in_what_replaces_all_is_refused() -> None:
    assert "not supported" in (expand("${x//a/\\$1}", VARIABLES, "\\").error or "")


def test_deep_nesting_is_an_error() -> None:
    assert "nested" in (expand("${a:-" * 5000 + "}" * 5000, {}, "\\").error or "")


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*"$${}{}:-+?#%/\\'\"<`axy ", "${x", "${hidden", "${unset"]), max_size=20).map("".join))
def test_text_or_a_reason(text: str) -> None:
    """Nothing raises, and where there is no text there is a reason."""
    expansion = expand(text, VARIABLES, "\\")
    assert (expansion.text is None) == bool(expansion.unknown or expansion.error)


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("ENV a=b c=d", (("a", "b"), ("c", "d"))),
        ('ENV a="b c" d=', (("a", '"b c"'), ("d", ""))),
        ("ENV a=b=c", (("a", "b=c"),)),
        ("ENV a b  c", (("a", "b  c"),)),
        ("ENV a b=c", (("a", "b=c"),)),
        ('LABEL "a b"=c', (('"a b"', "c"),)),
    ],
)
def test_environment_pairs(line: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert environment_pairs(read(f"FROM x\n{line}\n").stages[0].instructions[0]) == pairs


def test_argument_pairs() -> None:
    (arg,) = read('ARG a b= c="d e"\nFROM x\n').global_arguments
    assert argument_pairs(arg) == (("a", None), ("b", ""), ("c", '"d e"'))
