"""Variables and working directory at each instruction: the Dockerfile reference's rules for ARG, ENV, WORKDIR, FROM.

The table was built with both builders of Docker 20.10 (FROM scratch, `ENV R=$V` at the end): where a value is given here
both have it; where it is None they differ, or differ from later ones.
"""

from collections.abc import Mapping

import pytest

from migrate.dockerfile.expand import expand
from migrate.dockerfile.scope import base_stage, global_variables, stage_variables, working_directory
from tests.dockerfile.oracle import read

UNSET = "<unset>"


def last_value(
    text: str,
    name: str,
    build_args: Mapping[str, str | None] | None = None,
    base: Mapping[str, str] | None = None,
) -> str | None:
    """What `name` is at the last instruction of the last stage; UNSET where it is unset, None where not known."""
    parsed = read(text)
    variables = stage_variables(parsed, parsed.stages[-1], build_args or {}, base)[-1]
    return variables.get(name, UNSET)


# text before the last RUN, build arguments, base environment, value of V there
CASES: dict[str, tuple[str, dict[str, str | None], dict[str, str] | None, str | None]] = {
    "undeclared-known-base": ("FROM x\n", {}, {}, UNSET),
    "undeclared-unknown-base": ("FROM x\n", {}, None, None),
    "undeclared-scratch": ("FROM scratch\n", {}, None, UNSET),
    "from-base": ("FROM x\n", {}, {"V": "b"}, "b"),
    "base-means-nothing-to-scratch": ("FROM scratch\n", {}, {"V": "b"}, UNSET),
    "build-argument-undeclared": ("FROM x\n", {"V": "1"}, {}, UNSET),
    "arg-no-default": ("FROM x\nARG V\n", {}, {}, UNSET),
    "arg-no-default-unknown-base": ("FROM x\nARG V\n", {}, None, None),
    "arg-default": ("FROM x\nARG V=1\n", {}, {}, "1"),
    "arg-default-unknown-base": ("FROM x\nARG V=1\n", {}, None, "1"),
    "arg-given": ("FROM x\nARG V=1\n", {"V": "2"}, {}, "2"),
    "arg-given-empty": ("FROM x\nARG V=1\n", {"V": ""}, {}, ""),
    "arg-given-unknown": ("FROM x\nARG V=1\n", {"V": None}, {}, None),
    "arg-empty-default": ("FROM x\nARG V=\n", {}, {}, ""),
    "arg-quoted": ('FROM x\nARG V="a b"\n', {}, {}, "a b"),
    "arg-uses-arg": ("FROM x\nARG W=1\nARG V=$W.0\n", {}, {}, "1.0"),
    "arg-uses-arg-of-the-same-line": ("FROM x\nARG W=1 V=$W.0\n", {}, {}, None),
    "arg-twice": ("FROM x\nARG V=1\nARG V=2\n", {}, {}, "2"),
    "arg-twice-the-same": ("FROM x\nARG V=1\nARG V=1\n", {}, {}, "1"),
    "arg-twice-given": ("FROM x\nARG V=1\nARG V=2\n", {"V": "3"}, {}, "3"),
    "arg-twice-without-default": ("FROM x\nARG V=1\nARG V\n", {}, {}, None),
    "arg-odd-name": ("FROM x\nARG V=1\nARG $V=2\n", {}, {}, None),
    "global-invisible": ("ARG V=1\nFROM x\n", {}, {}, UNSET),
    "global-redeclared": ("ARG V=1\nFROM x\nARG V\n", {}, {}, "1"),
    "global-redeclared-given": ("ARG V=1\nFROM x\nARG V\n", {"V": "2"}, {}, "2"),
    "global-redeclared-with-default": ("ARG V=1\nFROM x\nARG V=3\n", {}, {}, "3"),
    "global-uses-global": ("ARG W=1\nARG V=$W.0\nFROM x\nARG V\n", {}, {}, "1.0"),
    "global-of-the-same-line": ("ARG W=1 V=$W.0\nFROM x\nARG V\n", {}, {}, None),
    "arg-of-another-stage": ("FROM x AS a\nARG V=1\nFROM a\n", {}, {}, None),
    "arg-of-another-stage-redeclared": ("FROM x AS a\nARG V=1\nFROM a\nARG V=2\n", {}, {}, "2"),
    "arg-of-another-stage-without-default": ("FROM x AS a\nARG V=1\nFROM a\nARG V\n", {}, {}, None),
    "arg-of-an-unrelated-stage": ("FROM x AS a\nARG V=1\nFROM y\n", {}, {}, UNSET),
    "env-over-arg-of-another-stage": ("FROM x AS a\nARG V=1\nFROM a\nENV V=2\n", {}, {}, "2"),
    "env": ("FROM x\nENV V=1\n", {}, {}, "1"),
    "env-unknown-base": ("FROM x\nENV V=1\n", {}, None, "1"),
    "env-old-form": ("FROM x\nENV V a b\n", {}, {}, "a b"),
    "env-over-base": ("FROM x\nENV V=1\n", {}, {"V": "b"}, "1"),
    "env-appends": ("FROM x\nENV V=$V:c\n", {}, {"V": "b"}, "b:c"),
    "env-appends-unknown-base": ("FROM x\nENV V=$V:c\n", {}, None, None),
    "env-over-arg": ("FROM x\nARG V=1\nENV V=2\n", {"V": "3"}, {}, "2"),
    "env-from-arg": ("FROM x\nARG W=1\nENV V=${W}\n", {}, {}, "1"),
    "env-default-of-arg": ("FROM x\nARG V\nENV V=${V:-d}\n", {}, {}, "d"),
    "env-sees-the-line-before": ("FROM x\nENV W=a\nENV W=b V=$W\n", {}, {}, "a"),
    "env-key-expands": ("FROM x\nENV K=V\nENV $K=1\n", {}, {}, "1"),
    "env-key-unknown": ("FROM x\nENV V=1\nENV $K=2\n", {}, None, None),
    "env-error": ("FROM x\nENV V=${W?}\n", {}, {}, None),
    "arg-after-env": ("FROM x\nENV V=1\nARG V=2\n", {}, {}, None),
    "arg-after-env-the-same": ("FROM x\nENV V=1\nARG V=1\n", {}, {}, "1"),
    "arg-no-default-after-env": ("FROM x\nENV V=1\nARG V\n", {}, {}, "1"),
    "arg-over-base-env": ("FROM x\nARG V=1\n", {}, {"V": "b"}, None),
    "unknown-base-keeps-args-after-env": ("FROM x\nARG V=1\nENV W=2\n", {}, None, "1"),
    "stage-env-inherited": ("FROM x AS a\nENV V=1\nFROM a\n", {}, {}, "1"),
    "stage-env-inherited-twice": ("FROM x AS a\nENV V=1\nFROM a AS b\nFROM B\n", {}, {}, "1"),
    "stage-env-inherited-unknown-base": ("FROM x AS a\nENV V=1\nFROM a\n", {}, None, "1"),
    "stage-base-reaches-through": ("FROM x AS a\nFROM a\n", {}, {"V": "b"}, "b"),
    "stage-env-of-a-stage-not-used": ("FROM x AS a\nENV V=1\nFROM y\n", {}, {}, UNSET),
    "stage-by-variable": ("ARG B=a\nFROM x AS a\nENV V=1\nFROM $B\n", {}, {}, "1"),
    "stage-by-unknown-variable": ("ARG B=a\nFROM x AS a\nENV V=1\nFROM $B\n", {"B": None}, None, None),
    "stage-with-triggers": ("FROM x AS a\nENV V=1\nONBUILD ENV V=2\nFROM a\n", {}, {}, None),
    "stage-with-harmless-triggers": ("FROM x AS a\nENV V=1\nONBUILD RUN b\nFROM a\n", {}, {}, "1"),
    "escape": ("# escape=`\nFROM x\nENV V=a`$b\\c\n", {}, {}, "a$b\\c"),
}


@pytest.mark.parametrize(("text", "build_args", "base", "value"), list(CASES.values()), ids=list(CASES))
def test_value(text: str, build_args: dict[str, str | None], base: dict[str, str] | None, value: str | None) -> None:
    assert last_value(f"{text}RUN end\n", "V", build_args, base) == value


def test_one_entry_for_each_instruction() -> None:
    parsed = read("FROM x\nENV V=1\nRUN a\nENV V=2\nRUN b\n")
    walked = stage_variables(parsed, parsed.stages[0], {}, {})
    assert [v.get("V") for v in walked] == [None, "1", "1", "2"]


@pytest.mark.parametrize("name", ["TARGETARCH", "BUILDPLATFORM", "TARGETSTAGE"])
def test_platform_arguments_are_not_known(name: str) -> None:
    assert last_value(f"FROM x\nARG {name}\nRUN end\n", name, {}, {}) is None
    assert last_value("FROM x\nRUN end\n", name, {}, {}) == UNSET
    assert last_value(f"FROM x\nARG {name}=a\nRUN end\n", name, {}, {}) == "a"
    assert last_value(f"FROM x\nARG {name}\nRUN end\n", name, {name: "b"}, {}) == "b"


def test_path_is_never_taken_for_unset() -> None:
    assert last_value("FROM scratch\nRUN end\n", "PATH") is None
    assert last_value("FROM x\nRUN end\n", "PATH", {}, {}) is None
    assert last_value("FROM x\nRUN end\n", "PATH", {}, {"PATH": "/bin"}) == "/bin"


def test_from_sees_global_arguments_only() -> None:
    parsed = read("ARG V=1\nARG W\nFROM x:$V AS a\nARG V=2\nFROM y:$V\n")
    variables = global_variables(parsed, {})
    assert [expand(s.image.text, variables, parsed.escape).text for s in parsed.stages] == ["x:1", "y:1"]
    assert "W" not in variables
    assert expand("$TARGETARCH", variables, parsed.escape).text is None


def test_what_an_unknown_base_could_change_is_marked() -> None:
    parsed = read("FROM x\nARG V=1\nENV W=$V\nRUN end\n")
    variables = stage_variables(parsed, parsed.stages[0], {}, None)[-1]
    assert variables.assumed == {"V"}
    assert sorted(variables) == ["V", "W"]
    assert stage_variables(parsed, parsed.stages[0], {}, {})[-1].assumed == frozenset()


def test_an_undeclared_name_stays_unknown_in_an_expansion() -> None:
    parsed = read("FROM x\nRUN end\n")
    (variables,) = stage_variables(parsed, parsed.stages[0], {}, None)
    for text in ("$V", "${V:-d}", "${V+d}", "${V-d}", "${V?}"):
        assert expand(text, variables, "\\").unknown == ("V",)


def test_base_stage() -> None:
    parsed = read("FROM a AS a\nFROM a\nFROM A\nFROM 0\nFROM b AS c\n")
    bases = [base_stage(parsed, stage, {}) for stage in parsed.stages]
    assert [base and base.index for base in bases] == [None, 0, 0, None, None]


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("FROM x\nRUN a\n", None, [None]),
        ("FROM x\nRUN a\n", "/b", ["/b"]),
        ("FROM scratch\nRUN a\n", None, ["/"]),
        ("FROM x\nWORKDIR /a/\nRUN b\n", None, [None, "/a"]),
        ("FROM x\nWORKDIR a\nRUN b\n", None, [None, None]),
        ("FROM x\nWORKDIR a\nRUN b\n", "/c", ["/c", "/c/a"]),
        ("FROM x\nWORKDIR a\nWORKDIR /b\nWORKDIR c\nRUN d\n", None, [None, None, "/b", "/b/c"]),
        ("FROM x\nWORKDIR /a/../b/./c\nRUN d\n", None, [None, "/b/c"]),
        ("FROM x\nWORKDIR /a\nWORKDIR ../..\nRUN d\n", None, [None, "/a", "/"]),
        ("FROM x\nWORKDIR //a\nRUN d\n", None, [None, "/a"]),
        ("FROM x\nARG V=a\nWORKDIR /$V\nRUN b\n", None, [None, None, "/a"]),
        ("FROM x\nWORKDIR /$V\nRUN b\n", None, [None, None]),
        ("FROM x\nWORKDIR $GOPATH/src\nRUN b\n", None, [None, None]),
        ('FROM x\nWORKDIR "/a b"\nRUN c\n', None, [None, "/a b"]),
        ("FROM x AS a\nWORKDIR /a\nFROM a\nWORKDIR b\nRUN c\n", None, ["/a", "/a/b"]),
        ("FROM x AS a\nWORKDIR /a\nONBUILD WORKDIR /z\nFROM a\nRUN c\n", None, [None]),
    ],
)
def test_working_directory(text: str, base: str | None, expected: list[str | None]) -> None:
    parsed = read(text)
    assert list(working_directory(parsed, parsed.stages[-1], {}, None, base)) == expected
