"""bashlex and shfmt, held against each other: the same tree, or bashlex is not asked."""

import subprocess

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from migrate.shell import bashlex_reader, shfmt_reader
from migrate.shell.refusal import RefusalError
from tests.shell.scripts import GUARDED, TRUSTED
from tests.shell.sketch import source

CRLF = {"trap-9-crlf": "a\r\n\r\nb\r\n", "crlf-comment": "# a\r\nb"}


@pytest.mark.parametrize("text", [text for text, _ in TRUSTED.values()], ids=TRUSTED)
def test_same_tree(text: str) -> None:
    if text == TRUSTED["seed"][0]:
        assert bashlex_reader.read(source(text)) is not None
    script = source(text)
    assert bashlex_reader.read(script) == shfmt_reader.read(script)


@pytest.mark.parametrize("text", [*(text for text, _ in GUARDED.values()), *CRLF.values()], ids=[*GUARDED, *CRLF])
def test_kept_from_bashlex(text: str) -> None:
    assert bashlex_reader.read(source(text)) is None


names = st.sampled_from(["x", "HOME", "a_1", "1", "@", "?"])
plain = st.text("abz019./:_-=,%+@~^*?]", min_size=1, max_size=6).filter(lambda t: not t.startswith(("~", "=")))
escaped = st.sampled_from(["\\ ", "\\$", '\\"', "\\\\", "\\#", "\\;", "\\n", "\\'"])
single = st.text('ab $"\\#;`\n(', max_size=6).map("'{}'".format)
parameter = st.one_of(names.map("${}".format), st.sampled_from(["x", "ab", "10"]).map("${{{}}}".format)) | st.builds(
    "${{{}{}{}}}".format,
    st.sampled_from(["x", "ab"]),
    st.sampled_from([":-", "-", ":+", "="]),
    st.sampled_from(["", "a/b", "1.0"]),
)


def double(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    texts = st.sampled_from(["a", " b ", "#", "'", "\\$", '\\"', "\\a", ";", "\n", "$", ""])
    return st.lists(st.one_of(texts, parameter, inner), max_size=4).map(lambda parts: '"' + "".join(parts) + '"')


def words(substitution: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    piece = st.one_of(plain, escaped, single, parameter, double(substitution), substitution)
    return st.lists(piece, min_size=1, max_size=3).map("".join)


bare = st.lists(st.one_of(plain, parameter, single.filter(lambda t: "\n" not in t)), min_size=1, max_size=3).map(
    " ".join
)
substitution = st.builds(
    "$({}{}{}{})".format,
    st.sampled_from(["", " "]),
    bare,
    st.sampled_from(["", " | b", " 2>&1", " >x"]),
    st.sampled_from(["", " "]),
)
word = words(substitution)
blank = st.sampled_from([" ", "  ", "\t", " \\\n  "])
redirect = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "2", "1"]),
    st.sampled_from([">", ">>", "<", ">&", "&>", ">|"]),
    st.sampled_from(["", " "]),
    st.one_of(st.sampled_from(["x", "/dev/null", "1", "-"]), word),
)
assignment = st.builds(
    "{}{}{}".format, st.sampled_from(["A", "b_2"]), st.sampled_from(["=", "+="]), st.one_of(st.just(""), word)
)


@st.composite
def simple(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(assignment, max_size=2))
    pieces += draw(st.lists(word, min_size=0 if pieces else 1, max_size=4))
    pieces += draw(st.lists(redirect, max_size=2))
    if draw(st.booleans()):
        pieces.insert(0, draw(st.sampled_from(["docker", "export", "local", "echo", "!", "cd"])))
    return "".join(piece + draw(blank) for piece in pieces[:-1]) + pieces[-1]


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    end = st.sampled_from(["; ", "\n", " &\n", ";\n  "])
    tail = st.sampled_from(["", " >x", " 2>&1 <y"])
    gap = st.sampled_from([" ", "\n", " # c\n"])
    return st.one_of(
        st.builds(
            "{}{}{}".format, inner, st.sampled_from([" && ", " || ", " | ", "|", "&&\n", " |& ", " && \\\n "]), inner
        ),
        st.builds("{{{}{}{}}}{}".format, gap, inner, end, tail),
        st.builds("({}{}){}".format, inner, st.sampled_from(["", "; b", "\n"]), tail),
        st.builds("if {}{}then{}{}{}fi{}".format, inner, end, gap, inner, end, tail),
        st.builds("if {}{}then {}{}elif b; then c; else{}{}{}fi".format, inner, end, inner, end, gap, inner, end),
        st.builds("for i in {}{}do{}{}{}done{}".format, word, st.sampled_from(["; ", "\n"]), gap, inner, end, tail),
        st.builds("while {}{}do{}{}{}done{}".format, inner, end, gap, inner, end, tail),
        st.builds("f() {{{}{}{}}}".format, gap, inner, end),
    )


commands = st.recursive(simple(), compound, max_leaves=5)
line = st.builds("{}{}".format, commands, st.sampled_from(["\n", "; ", " &\n", " # note\n", "\n\n# it's \"\n", ";\n"]))
scripts = st.builds(
    "{}{}".format, st.sampled_from(["", "#!/bin/sh\n", "\n"]), st.lists(line, min_size=1, max_size=4).map("".join)
)


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_same_tree_of_generated_scripts(text: str) -> None:
    """Where shfmt refuses what bashlex reads (`export 0=`, `f() { a; } && b`), bash has to find nothing amiss in it."""
    script = source(text)
    tree = bashlex_reader.read(script)
    if tree is None:
        event("bashlex is not asked or fails")
        return
    try:
        other = shfmt_reader.read(script)
    except RefusalError:
        event("shfmt refuses")
        subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=True)
    else:
        event("both read")
        assert tree == other
