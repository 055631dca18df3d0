"""Small changes of a Dockerfile, each made by span in the text as it stands. What one comes to is for others to say."""

import json
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, pairwise

from migrate.dockerfile.instructions import Argument, Dockerfile, Flag, Instruction, Stage
from migrate.dockerfile.reader import read_dockerfile
from migrate.source import Edit, SourceFile, Span, apply_edits

_OUTSIDE = ("alpine:latest", "busybox:latest")
"""Images that are there where the samples' are."""
_AHEAD = {
    "ENV": "ENV ADDED=1",
    "ARG": "ARG ADDED=1",
    "WORKDIR": "WORKDIR /added",
    "USER": "USER 1000",
    "SHELL": 'SHELL ["/bin/echo"]',
    "RUN": "RUN touch /added",
}
"""What is put ahead of a stage's instructions: it holds for all of them."""
_BEHIND = {
    "ENV": "ENV ADDED=1",
    "ARG": "ARG ADDED=1",
    "WORKDIR": "WORKDIR /added",
    "USER": "USER 1000",
    "RUN": "RUN touch /added",
}
_WORDS = re.compile(r"[^\s\\]+")
_MAY_BREAK = frozenset({"command-as-text", "dropped", "stages-swapped", "other-escape"})
"""Kinds after which it may no longer be read."""
_BEHIND_OF_IMAGES = {
    "CMD": 'CMD ["added"]',
    "ENTRYPOINT": 'ENTRYPOINT ["added"]',
    "EXPOSE": "EXPOSE 4321",
    "LABEL": "LABEL added=1",
    "VOLUME": "VOLUME /added",
    "STOPSIGNAL": "STOPSIGNAL SIGINT",
    "HEALTHCHECK": "HEALTHCHECK CMD true",
    "SHELL": 'SHELL ["/bin/echo"]',
    "ONBUILD": "ONBUILD RUN true",
}
"""What is put behind the instructions of a stage that is more than a place to copy from; now and then of another one."""


class Role(Enum):
    """What a stage is for; the last of these that holds."""

    COPIED = "only copied from"
    BASE = "others are made from it, which are only copied from"
    BELOW = "an image is made from it"
    IMAGE = "it is an image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One mutation: `place` is where a person looks, `detail` tells two of one kind at one line apart. In a Dockerfile,
    `keyword` is the instruction there, and `role` what its stage is for."""

    kind: str
    place: Span
    what: str
    edits: tuple[Edit, ...]
    detail: str = ""
    keyword: str = ""
    role: Role | None = None

    @property
    def text(self) -> str:
        return apply_edits(self.place.file, list(self.edits))


def dockerfile_changes(source: SourceFile, images: frozenset[str], legacy: str) -> Iterator[Change]:
    """Every change of `source` that still reads as a Dockerfile; `images` are the stages that a build command names, `legacy`
    is all that the project held before."""
    dockerfile, _ = read_dockerfile(source)
    if dockerfile is None:
        return
    roles = _roles(dockerfile, images)
    for change in chain(_all_changes(dockerfile, roles), *map(_made, _runs_of_the_tool(dockerfile, legacy))):
        if change.kind not in _MAY_BREAK or read_dockerfile(SourceFile(path=source.path, text=change.text))[0]:
            yield _placed(dockerfile, roles, change)


def _roles(dockerfile: Dockerfile, images: frozenset[str]) -> tuple[Role, ...]:
    """What each stage is for."""
    found: list[Role] = []
    for stage in reversed(dockerfile.stages):
        name = stage.name.text if stage.name is not None else None
        above = [
            found[len(dockerfile.stages) - 1 - s.index]
            for s in dockerfile.stages[stage.index + 1 :]
            if s.image.text == name
        ]
        if stage is dockerfile.stages[-1] or name in images:
            found.append(Role.IMAGE)
        elif Role.IMAGE in above or Role.BELOW in above:
            found.append(Role.BELOW)
        else:
            found.append(Role.BASE if above else Role.COPIED)
    return tuple(reversed(found))


def _placed(dockerfile: Dockerfile, roles: tuple[Role, ...], change: Change) -> Change:
    at = change.place.start
    keyword = next((i.keyword for i in dockerfile.instructions if i.span.start <= at < i.span.end), "")
    role = next((r for s, r in zip(dockerfile.stages, roles, strict=True) if s.span.start <= at < s.span.end), None)
    return replace(change, keyword=keyword, role=role)


def _runs_of_the_tool(dockerfile: Dockerfile, legacy: str) -> list[Instruction]:
    runs = [i for i in dockerfile.instructions if i.keyword == "RUN" and not i.json and not i.here_documents]
    return [i for i in runs if i.span.text not in legacy]


def _all_changes(dockerfile: Dockerfile, roles: tuple[Role, ...]) -> Iterator[Change]:
    top = dockerfile.source.span(0, 0)
    directive = (Edit(span=top, text="# escape=`\n"),)
    yield Change(kind="other-escape", place=top, what="the back-quote is the escape character", edits=directive)
    for instruction in dockerfile.instructions:
        yield from _dropped(instruction)
        yield from _twice(instruction)
        yield from _KEYWORDS.get(instruction.keyword, _nothing)(instruction)
    for stage in dockerfile.stages:
        yield from _swapped(stage)
        yield from _other_base(dockerfile, stage)
        yield from _added(stage, roles[stage.index])
        for instruction in stage.instructions:
            if instruction.keyword in ("COPY", "ADD"):
                yield from _from_elsewhere(dockerfile, stage, instruction)
                yield from _source_of_another(dockerfile, instruction)
    for one, other in zip(dockerfile.stages, dockerfile.stages[1:], strict=False):
        yield _exchange("stages-swapped", one.span, other.span, "the stage is swapped with the next one")


def _nothing(_: Instruction) -> Iterator[Change]:
    yield from ()


# any instruction


def _dropped(instruction: Instruction) -> Iterator[Change]:
    what = f"`{_short(instruction)}` is dropped"
    yield Change(kind="dropped", place=instruction.span, what=what, edits=(Edit(span=_lines(instruction), text=""),))


def _twice(instruction: Instruction) -> Iterator[Change]:
    if instruction.keyword == "FROM" and len(instruction.arguments) == 3:
        return  # two stages of one name
    what = f"`{_short(instruction)}` stands twice"
    behind = _behind(instruction.span, "\n" + instruction.span.text)
    yield Change(kind="twice", place=instruction.span, what=what, edits=(behind,))


def _swapped(stage: Stage) -> Iterator[Change]:
    for one, other in zip(stage.instructions, stage.instructions[1:], strict=False):
        what = f"`{_short(one)}` is swapped with `{_short(other)}`"
        yield replace(_exchange("swapped", one.span, other.span, what), detail=other.keyword)


def _exchange(kind: str, one: Span, other: Span, what: str) -> Change:
    edits = (Edit(span=one, text=other.text), Edit(span=other, text=one.text))
    return Change(kind=kind, place=one, what=what, edits=edits)


# FROM


def _other_base(dockerfile: Dockerfile, stage: Stage) -> Iterator[Change]:
    names = [s.name.text for s in dockerfile.stages[: stage.index] if s.name is not None]
    base = stage.image.text
    outside = next(i for i in _OUTSIDE if i.partition(":")[0] not in base)
    yield _replaced("base-outside", stage.image, outside, f"the stage is made from `{outside}`")
    for name in names:
        if name != base:
            yield _replaced("base-stage", stage.image, name, f"the stage is made from the stage `{name}`", detail=name)
    if base in names:
        below = next(s.image.text for s in dockerfile.stages if s.name is not None and s.name.text == base)
        yield _replaced("base-below", stage.image, below, f"the stage is made from what `{base}` is made from")
    if stage is dockerfile.stages[-1]:
        edits = (_flag_added(stage.instruction, "--platform=linux/s390x"),)
        what = "the stage is for another platform"
        yield Change(kind="base-platform", place=stage.instruction.span, what=what, edits=edits)
    if stage.name is not None:
        yield _replaced("stage-renamed", stage.name, f"{stage.name.text}-other", "the stage has another name")


def _added(stage: Stage, role: Role) -> Iterator[Change]:
    share = 5 if role is Role.COPIED else 2
    head, last = stage.instruction, (stage.instruction, *stage.instructions)[-1]
    for keyword, line in _AHEAD.items():
        if not _chosen(f"{stage.span.text}{keyword}", share):
            continue
        what = f"`{line}` is put ahead of the stage's instructions"
        yield _line_added("added-ahead", head, line, what, keyword)
    if last is head:
        return
    for keyword, line in (_BEHIND | _BEHIND_OF_IMAGES).items():
        if not _chosen(f"{keyword}{stage.span.text}", share):
            continue
        yield _line_added("added-behind", last, line, f"`{line}` is put behind the stage's instructions", keyword)


def _chosen(text: str, share: int) -> bool:
    """One in `share`, always the same ones."""
    return zlib.crc32(text.encode()) % share == 0


def _line_added(kind: str, instruction: Instruction, line: str, what: str, detail: str) -> Change:
    edits = (_behind(instruction.span, f"\n{line}"),)
    return Change(kind=kind, place=instruction.span, what=what, edits=edits, detail=detail)


# COPY, ADD


def _from_elsewhere(dockerfile: Dockerfile, stage: Stage, instruction: Instruction) -> Iterator[Change]:
    names = [s.name.text for s in dockerfile.stages[: stage.index] if s.name is not None]
    flag = instruction.flag("from")
    place = instruction.span
    if flag is None:
        for name in names:
            edits = (_flag_added(instruction, f"--from={name}"),)
            yield Change(kind="from-added", place=place, what=f"taken from `{name}`", edits=edits, detail=name)
        return
    outside = next(i for i in _OUTSIDE if i != flag.value)
    for kind, name in [*(("from-stage", n) for n in names), ("from-outside", outside)]:
        if name != flag.value:
            edits = (Edit(span=flag.span, text=f"--from={name}"),)
            yield Change(kind=kind, place=place, what=f"taken from `{name}`", edits=edits, detail=name)
    if flag.value in names:
        index = next(s.index for s in dockerfile.stages if s.name is not None and s.name.text == flag.value)
        edits = (Edit(span=flag.span, text=f"--from={index}"),)
        yield Change(kind="from-number", place=place, what=f"taken from stage {index}, which is that one", edits=edits)
    edits = (_flag_gone(flag),)
    yield Change(kind="from-dropped", place=place, what="taken from the context", edits=edits)


def _source_of_another(dockerfile: Dockerfile, instruction: Instruction) -> Iterator[Change]:
    """What another instruction takes from the same place: that is there, most of the time."""
    flag = instruction.flag("from")
    where = flag.value if flag is not None else None
    sources = _sources(instruction)
    for other in dockerfile.instructions:
        flag = other.flag("from")
        if (
            other is instruction
            or other.keyword not in ("COPY", "ADD")
            or (flag.value if flag is not None else None) != where
        ):
            continue
        for source in _sources(other)[:1]:
            if source.text not in [s.text for s in sources]:
                detail = str(other.span.position.line)
                what = f"`{sources[0].text}` becomes `{source.text}`, which line {detail} takes"
                yield _replaced("source-of-another", sources[0], _spelt(instruction, source.text), what, detail=detail)


def _copied(instruction: Instruction) -> Iterator[Change]:
    for number, source in enumerate(_sources(instruction)):
        yield from _other_source(instruction, source, str(number) if number else "")
    yield from _other_destination(instruction, instruction.arguments[-1])
    yield from _other_owner(instruction)
    place = instruction.span
    mode = (_flag_added(instruction, "--chmod=700"),)
    yield Change(kind="mode-added", place=place, what="`--chmod=700` is added", edits=mode)
    if instruction.flag("from") is None:
        keyword = "ADD" if instruction.keyword == "COPY" else "COPY"
        edit = Edit(span=place.file.span(place.start, place.start + len(instruction.keyword)), text=keyword)
        yield Change(kind="copy-or-add", place=place, what=f"`{keyword}` does it", edits=(edit,))


def _other_source(instruction: Instruction, source: Argument, detail: str) -> Iterator[Change]:
    text = source.text
    wanted = {
        "other-source": text.rstrip("/") + ".other",
        "source-parent": posixpath.dirname(text.rstrip("/")) or ".",
        "source-slash": text.rstrip("/") if text.endswith("/") else text + "/",
        "source-dot": text.rstrip("/") + "/.",
        "source-unrooted": text.lstrip("/"),
    }
    for kind, other in wanted.items():
        if other and other != text:
            what = f"`{text}` becomes `{other}`"
            yield _replaced(kind, source, _spelt(instruction, other), what, detail=detail)


def _other_destination(instruction: Instruction, destination: Argument) -> Iterator[Change]:
    text = destination.text
    slash = "/" if text.endswith("/") else ""
    wanted = {
        "other-destination": ("./other" if text in (".", "./") else text.rstrip("/") + ".other") + slash,
        "destination-slash": text.rstrip("/") if slash else text + "/",
        "destination-unrooted": text.lstrip("/"),
        "destination-parent": posixpath.dirname(text.rstrip("/")) or ".",
    }
    for kind, other in wanted.items():
        if other and other != text:
            yield _replaced(kind, destination, _spelt(instruction, other), f"`{text}` becomes `{other}`")


def _other_owner(instruction: Instruction) -> Iterator[Change]:
    flag, place = instruction.flag("chown"), instruction.span
    if flag is None:
        for owner in ("1000:1000", "0:0"):
            what = f"`--chown={owner}` is added"
            edits = (_flag_added(instruction, f"--chown={owner}"),)
            kind = "owner-added" if instruction.flag("from") is not None else "context-owner"
            yield Change(kind=kind, place=place, what=what, edits=edits, detail=owner.partition(":")[0])
        return
    yield Change(kind="owner-dropped", place=place, what="`--chown` is dropped", edits=(_flag_gone(flag),))
    for owner in ("1001:1001", "0", "root:root"):
        if owner != flag.value:
            edits = (Edit(span=flag.span, text=f"--chown={owner}"),)
            what = f"`--chown={flag.value}` becomes `--chown={owner}`"
            detail = owner.replace(":", "-")
            yield Change(kind="other-owner", place=place, what=what, edits=edits, detail=detail)


def _sources(instruction: Instruction) -> tuple[Argument, ...]:
    documents = {f"<<{d.name}" for d in instruction.here_documents}
    return tuple(a for a in instruction.arguments[:-1] if a.text not in documents)


# names with values


def _pairs(instruction: Instruction) -> Iterator[Change]:
    """ENV, LABEL."""
    word = instruction.keyword.lower()
    pairs = list(instruction.arguments)
    if "=" not in pairs[0].text:
        value = pairs[1]
        yield _put(f"{word}-value", value.span, _into(value.span), "x", f"another value of `{pairs[0].text}`")
        yield _put(f"{word}-name", pairs[0].span, pairs[0].span.start, "X", f"`{pairs[0].text}` has another name")
        return
    for pair in pairs:
        span = pair.span
        name, _, value_text = span.text.partition("=")
        start = span.start + len(name) + 1
        value_span = span.file.span(start, span.end)
        yield _put(f"{word}-value", span, _into(value_span), "x", f"another value of `{name}`", detail=name)
        yield _put(f"{word}-name", span, _into(span), "X", f"`{name}` has another name", detail=name)
        if value_text:
            edits = (Edit(span=value_span, text=""),)
            yield Change(kind=f"{word}-emptied", place=span, what=f"`{name}` is empty", edits=edits, detail=name)
        if len(pairs) > 1:
            edits = (Edit(span=_with_blank_ahead(span), text=""),)
            yield Change(kind=f"{word}-pair-dropped", place=span, what=f"no `{name}`", edits=edits, detail=name)


def _argument(instruction: Instruction) -> Iterator[Change]:
    argument = instruction.arguments[0]
    name, equals, _ = argument.span.text.partition("=")
    start = argument.span.start + len(name)
    if not equals:
        edits = (Edit(span=argument.span.file.span(start, start), text="=other"),)
        yield Change(kind="arg-default", place=argument.span, what=f"`{name}` has a default", edits=edits)
        return
    default = argument.span.file.span(start + 1, argument.span.end)
    yield _put("arg-default", argument.span, _into(default), "x", f"another default of `{name}`")
    edits = (Edit(span=argument.span.file.span(start, argument.span.end), text=""),)
    yield Change(kind="arg-default-dropped", place=argument.span, what=f"no default of `{name}`", edits=edits)


# the rest


def _workdir(instruction: Instruction) -> Iterator[Change]:
    (path,) = instruction.arguments
    text = path.text
    yield _replaced("other-workdir", path, text.rstrip("/") + ".other", f"`{text}` becomes another folder")
    slash = text.rstrip("/") if text.endswith("/") else text + "/"
    yield _replaced("workdir-slash", path, slash, f"`{text}` becomes `{slash}`")
    yield _replaced("workdir-unrooted", path, text.lstrip("/") or ".", f"`{text}` without the first slash")


def _user(instruction: Instruction) -> Iterator[Change]:
    (user,) = instruction.arguments
    for other in ("12345", "root", "0:0"):
        if other != user.text:
            what = f"`{user.text}` becomes `{other}`"
            yield _replaced("other-user", user, other, what, detail=other.replace(":", "-"))


def _expose(instruction: Instruction) -> Iterator[Change]:
    for port in instruction.arguments:
        for kind, other in (("other-port", "4321"), ("port-tcp", f"{port.text}/tcp"), ("port-udp", f"{port.text}/udp")):
            yield _replaced(kind, port, other, f"`{port.text}` becomes `{other}`", detail=port.text)


def _volume(instruction: Instruction) -> Iterator[Change]:
    for path in instruction.arguments:
        what = f"`{path.text}` becomes another folder"
        yield _replaced("other-volume", path, _spelt(instruction, path.text + ".other"), what)


def _command(instruction: Instruction) -> Iterator[Change]:
    """CMD, ENTRYPOINT."""
    words, place = instruction.arguments, instruction.span
    if not instruction.json:
        yield Change(kind="command-word", place=place, what="one more word", edits=(_behind(words[0].span, " added"),))
        yield _json_form("command-form", instruction)
        return
    yield Change(kind="command-word", place=place, what="one more word", edits=(_behind(words[-1].span, ', "added"'),))
    if len(words) > 1:
        gone = place.file.span(words[-2].span.end, words[-1].span.end)
        edits: tuple[Edit, ...] = (Edit(span=gone, text=""),)
        yield Change(kind="command-word-dropped", place=place, what="the last word is dropped", edits=edits)
        yield _exchange("command-words-swapped", words[0].span, words[1].span, "the first two words are swapped")
    start = place.file.text.index("[", place.start)
    end = place.file.text.index("]", words[-1].span.end) + 1
    edits = (Edit(span=place.file.span(start, end), text=" ".join(w.text for w in words)),)
    yield Change(kind="command-as-text", place=place, what="the words become a shell's text", edits=edits)


def _run(instruction: Instruction) -> Iterator[Change]:
    if instruction.json or instruction.here_documents:
        return
    text = instruction.arguments[0].span
    place = instruction.span
    yield Change(kind="run-more", place=place, what="one more command", edits=(_behind(text, " && touch /mutant"),))
    last = max(i for i, c in enumerate(text.text) if c.isalnum()) + text.start
    edits = (Edit(span=text.file.span(last, last + 1), text="X"),)
    yield Change(kind="run-text", place=place, what="another last letter", edits=edits)
    yield _json_form("run-form", instruction)


def _made(instruction: Instruction) -> Iterator[Change]:
    """Of a RUN that the tool has written, and that the proof may look into: each word and each command."""
    text = instruction.arguments[0].span
    place = instruction.span
    for number, match in enumerate(_WORDS.finditer(text.text)):
        word = text.file.span(text.start + match.start(), text.start + match.end())
        edits = (Edit(span=_with_blank_ahead(word), text=""),)
        what = f"without the word `{word.text}`"
        yield Change(kind="run-word-dropped", place=place, what=what, edits=edits, detail=str(number))
        what = f"`{word.text}` becomes `{word.text}X`"
        yield Change(kind="run-word", place=place, what=what, edits=(_behind(word, "X"),), detail=str(number))
    at = text.start
    commands: list[Span] = []
    for part in text.text.split(" && "):
        commands.append(text.file.span(at, at + len(part)))
        at += len(part) + len(" && ")
    for number, command in enumerate(commands):
        what = f"`{command.text}` becomes `true`"
        edits = (Edit(span=command, text="true"),)
        yield Change(kind="run-command-dropped", place=place, what=what, edits=edits, detail=str(number))
        what = f"`{command.text}` is done twice"
        edits = (_behind(command, f" && {command.text}"),)
        yield Change(kind="run-command-twice", place=place, what=what, edits=edits, detail=str(number))
    for number, (one, other) in enumerate(pairwise(commands)):
        change = _exchange("run-commands-swapped", one, other, f"`{one.text}` is done after `{other.text}`")
        yield replace(change, detail=str(number))


def _json_form(kind: str, instruction: Instruction) -> Change:
    """The shell's text as the words that it stands for."""
    words = json.dumps(["/bin/sh", "-c", instruction.text])
    edits = (Edit(span=instruction.arguments[0].span, text=words),)
    return Change(kind=kind, place=instruction.span, what="the shell's text as words: `/bin/sh -c`", edits=edits)


_KEYWORDS: dict[str, Callable[[Instruction], Iterator[Change]]] = {
    "ADD": _copied,
    "ARG": _argument,
    "CMD": _command,
    "COPY": _copied,
    "ENTRYPOINT": _command,
    "ENV": _pairs,
    "EXPOSE": _expose,
    "LABEL": _pairs,
    "RUN": _run,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}


# edits


def _replaced(kind: str, argument: Argument, text: str, what: str, detail: str = "") -> Change:
    edits = (Edit(span=argument.span, text=text),)
    return Change(kind=kind, place=argument.span, what=what, edits=edits, detail=detail)


def _put(kind: str, place: Span, at: int, text: str, what: str, detail: str = "") -> Change:
    edits = (Edit(span=place.file.span(at, at), text=text),)
    return Change(kind=kind, place=place, what=what, edits=edits, detail=detail)


def _into(span: Span) -> int:
    """Where a word begins, behind the quote that it may begin with."""
    return span.start + (span.text[:1] in ('"', "'"))


def _behind(span: Span, text: str) -> Edit:
    return Edit(span=span.file.span(span.end, span.end), text=text)


def _flag_added(instruction: Instruction, flag: str) -> Edit:
    at = instruction.span.start + len(instruction.keyword)
    return Edit(span=instruction.span.file.span(at, at), text=f" {flag}")


def _flag_gone(flag: Flag) -> Edit:
    return Edit(span=_with_blank_ahead(flag.span), text="")


def _with_blank_ahead(span: Span) -> Span:
    start = len(span.file.text[: span.start].rstrip(" \t"))
    return span.file.span(start, span.end)


def _lines(instruction: Instruction) -> Span:
    """The lines of an instruction, with the end of the last one."""
    span = instruction.span
    start = span.file.line_bounds(span.position.line)[0]
    return span.file.span(start, span.file.text.find("\n", span.end) + 1 or len(span.file.text))


def _spelt(instruction: Instruction, text: str) -> str:
    return json.dumps(text) if instruction.json else text


def _short(instruction: Instruction) -> str:
    text = re.sub(r"\s+", " ", instruction.span.text)
    return text if len(text) <= 60 else f"{text[:57]}…"
