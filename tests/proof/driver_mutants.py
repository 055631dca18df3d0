"""Small changes of what starts a build: the words of `docker build`, the lines around it, and services of compose files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate.source import Edit, SourceFile, Span
from tests.proof.dockerfile_mutants import Change

_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_WORD = re.compile(r"""(?:\\"(?:(?!\\").)*\\"|"[^"\n]*"|'[^'\n]*'|\$\([^()\n]*\)|\$\{[^}\n]*\}|\\\$|[^\s"'\\;|&])+""")
_BUILD = re.compile(r"\bdocker build(?=[ \t\\])")
_COMPOSE_BUILD = re.compile(r"\bdocker[- ]compose (?:build|up)\b[^\n;&|]*")
_WITH_VALUE = frozenset({"-t", "--tag", "-f", "--file", "--build-arg", "--target"})
_ASSIGNMENT = re.compile(
    r"^(?:(?:export )?([A-Za-z_]\w*)[ \t]*[:?]?=[ \t]*|[ \t]+([A-Z_]+)(?: = |: ))[\"'`]?(?=.)", re.MULTILINE
)
_PLAIN_LINE = re.compile(r"^(?![#\s])(?!.*\bdocker\b).*[^\\\s{(]$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """An option of `docker build`; `value` is what it is given, None where it takes nothing."""

    name: str
    span: Span
    value: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Build:
    """One `docker build` command: `head` are the two words, `span` runs to the last word."""

    head: Span
    span: Span
    options: tuple[_Option, ...]
    context: Span


def is_script(source: SourceFile) -> bool:
    """Lines of it can go one by one."""
    return source.text.startswith("#!") and "pipeline {" not in source.text


def driver_changes(source: SourceFile) -> Iterator[Change]:
    for build in _builds(source):
        for change in _build_changes(build):
            if change.text != source.text:
                yield change
    for match in _COMPOSE_BUILD.finditer(source.text):
        span = source.span(match.start(), match.end())
        yield _replaced("build-dropped", span, "true", "the build is dropped")
    if is_script(source):
        yield from _lines(source)
    for match in _ASSIGNMENT.finditer(source.text):
        name = match[1] or match[2]
        place = source.span(match.start(), match.end())
        if "$(" not in source.text[match.end() : match.end() + 2]:
            yield _put("variable", place, match.end(), "x", f"`{name}` has another value", name)


def named_targets(source: SourceFile) -> frozenset[str]:
    """The stages that its builds name."""
    named = (o.value for b in _builds(source) for o in b.options if o.name == "--target")
    return frozenset(v.text for v in named if v is not None)


def _lines(source: SourceFile) -> Iterator[Change]:
    """Lines of a script that are neither of docker nor a part of something longer."""
    for match in _PLAIN_LINE.finditer(source.text):
        if match[0] in ("fi", "done", "esac", "}") or source.text[: match.start()].endswith("\\\n"):
            continue
        place = source.span(match.start(), match.end())
        edits = (Edit(span=source.span(match.start(), min(match.end() + 1, len(source.text))), text=""),)
        yield Change(kind="line-dropped", place=place, what=f"`{match[0]}` is dropped", edits=edits)


def _builds(source: SourceFile) -> Iterator[_Build]:
    for match in _BUILD.finditer(source.text):
        words: list[Span] = []
        at = match.end()
        while (blank := _BLANK.match(source.text, at)) and (word := _WORD.match(source.text, blank.end())):
            words.append(source.span(word.start(), word.end()))
            at = word.end()
        options: list[_Option] = []
        operands: list[Span] = []
        rest = iter(words)
        for span in rest:
            name, equals, _ = span.text.partition("=")
            if not span.text.startswith("-"):
                operands.append(span)
            elif name in _WITH_VALUE and equals:
                value = source.span(span.start + len(name) + 1, span.end)
                options.append(_Option(name=name, span=span, value=value))
            elif name in _WITH_VALUE:
                value = next(rest)
                options.append(_Option(name=name, span=source.span(span.start, value.end), value=value))
            else:
                options.append(_Option(name=span.text, span=span, value=None))
        head = source.span(match.start(), match.end())
        yield _Build(head=head, span=source.span(head.start, at), options=tuple(options), context=operands[0])


def _build_changes(build: _Build) -> Iterator[Change]:
    head, span = build.head, build.span
    yield _replaced("build-dropped", span, "true", "the build is dropped")
    yield _put("build-twice", head, span.start, f"{span.text} && ", "the build is done twice")
    yield from _option_changes(build)
    added = {
        "arg-added": "--build-arg ADDED=1",
        "label-option": "--label added=1",
        "no-cache": "--no-cache",
        "second-tag": "-t example/added:latest",
    }
    names = {o.name for o in build.options}
    if not names & {"-f", "--file"}:
        added |= {"file-added": "-f Dockerfile", "other-file": "-f Other.Dockerfile"}
    if "--target" not in names:
        added |= {"target-added": "--target builder"}
    for kind, option in added.items():
        yield _put(kind, head, head.end, f" {option}", f"`{option}` is added")
    for kind, context in (("context-up", ".."), ("context-below", "below"), ("context-here", "$PWD")):
        if context != build.context.text:
            yield _replaced(kind, build.context, context, f"the context is `{context}`")
    yield _put("context-slash", build.context, build.context.end, "/", "the same context, with a slash behind")


def _option_changes(build: _Build) -> Iterator[Change]:
    for option in build.options:
        value, name = option.value, option.name.lstrip("-")
        long = {"t": "tag", "f": "file"}.get(name, name)
        if long == "no-cache":
            continue
        detail = value.text.partition("=")[0] if value is not None and long == "build-arg" else ""
        yield _gone(f"{long}-dropped", option, detail)
        if value is None:
            continue
        if long == "build-arg":
            at = value.start + value.text.find("=") + 1
            at += value.file.text[at : at + 1] in ('"', "'")
            yield _put("other-build-arg", value, at, "x", f"another value of `{detail}`", detail)
            yield _put("build-arg-name", value, value.start, "X", f"`{detail}` has another name", detail)
        elif long == "tag":
            quoted = value.text.startswith(('"', "'", '\\"'))
            at = value.start + (value.text.startswith("\\") + 1 if quoted else 0)
            yield _put("other-repository", value, at, "x", "another repository")
            end = value.end - (value.text.endswith('\\"') + 1 if quoted else 0)
            yield _put("other-tag", value, end, "x" if ":" in value.text else ":x", "another tag")
        elif long == "file":
            yield _put("file-other", value, value.end, ".other", "another file")
            yield _put("file-dotted", value, value.start, "./", "the same file, with a dot ahead")
        else:
            yield _put(f"other-{long}", value, value.start, "x", f"another {long}")


def compose_changes(source: SourceFile) -> Iterator[Change]:
    """Of the services that are built: their context, file, args, target and image."""
    wanted = re.compile(
        r"^(\s+)(build|context|dockerfile|image|target|[A-Z]+): *([\"']?)([^\s\"'][^\n\"']*)", re.MULTILINE
    )
    for match in wanted.finditer(source.text):
        place = source.span(match.start(2), match.end())
        key, value = match[2], match[4]
        if value.startswith(("&", "*")):
            continue
        slug = "compose-arg" if key.isupper() else f"compose-{key}"
        yield _put(f"{slug}-changed", place, match.end(4), "x", f"another `{key}`", key if key.isupper() else "")
        line = source.line_bounds(place.position.line)
        edits = (Edit(span=source.span(*line), text=""),)
        detail = key if key.isupper() else ""
        yield Change(kind=f"{slug}-dropped", place=place, what=f"no `{key}`", edits=edits, detail=detail)
        if key == "dockerfile":
            edits = (Edit(span=source.span(line[1], line[1]), text=f"{match[1].strip(chr(10))}target: builder\n"),)
            yield Change(kind="compose-target-added", place=place, what="`target: builder` is added", edits=edits)


def _gone(kind: str, option: _Option, detail: str) -> Change:
    text = option.span.file.text
    start = len(text[: option.span.start].rstrip(" \t"))
    edits = (Edit(span=option.span.file.span(start, option.span.end), text=""),)
    return Change(kind=kind, place=option.span, what=f"`{option.span.text}` is dropped", edits=edits, detail=detail)


def _replaced(kind: str, span: Span, text: str, what: str, detail: str = "") -> Change:
    return Change(kind=kind, place=span, what=what, edits=(Edit(span=span, text=text),), detail=detail)


def _put(kind: str, place: Span, at: int, text: str, what: str, detail: str = "") -> Change:
    edits = (Edit(span=place.file.span(at, at), text=text),)
    return Change(kind=kind, place=place, what=what, edits=edits, detail=detail)
