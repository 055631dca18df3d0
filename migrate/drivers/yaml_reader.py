"""YAML text → nodes with their places: the one door to PyYAML. Anchors, aliases and merge keys are followed; tags are only told.

A scalar's text is given in pieces, each with where it stands in the file: character by character for plain, quoted and literal
(`|`) ones, as a whole where YAML changes the text (folded blocks, escapes). A node's `tag` is one of the file's own (`!reset`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from migrate.drivers.refusal import NotReadError
from migrate.source import SourceFile, Span

Stretch = tuple[str, Span, bool]
MAX_DEPTH = 60
MAX_NODES = 50_000
"""Nodes of one file, those behind an alias counted each time."""


class YamlError(NotReadError):
    """The text is no YAML; `span` is where that shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    span: Span
    text: str
    pieces: tuple[Stretch, ...]
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    span: Span
    items: "tuple[YamlNode, ...]"
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """`items` in order; a key that is written twice counts the last time. `keys` are the places of the keys."""

    span: Span
    items: "tuple[tuple[str, YamlNode], ...]"
    keys: tuple[Span, ...] = ()
    tag: str = ""

    def get(self, key: str) -> "YamlNode | None":
        return next((v for k, v in reversed(self.items) if k == key), None)


YamlNode = Scalar | Sequence | Mapping


def read_yaml(source: SourceFile, *, alone: bool = False) -> YamlNode | None:
    """The first document; None for an empty one. With `alone` there must be no other one. Raises YamlError."""
    import yaml

    text = source.text.encode("utf-8", "replace").decode("utf-8")
    loader = getattr(yaml, "SafeLoader")  # noqa: B009 -- the C loader's marks have no offsets
    try:
        documents = list(islice(yaml.compose_all(text, Loader=loader), 2 if alone else 1))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = min(getattr(mark, "index", 0) or 0, len(source.text))
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise YamlError(f"this is no YAML: {problem}", source.span(at, at)) from error
    except RecursionError as error:
        raise YamlError("this YAML is nested too deeply", source.span(0, 0)) from error
    if len(documents) > 1:
        at = documents[1].start_mark.index
        raise YamlError("this file holds several documents", source.span(at, at))
    return _read(source, documents[0], 0, count(MAX_NODES, -1)) if documents else None


def scalar(node: YamlNode | None) -> str | None:
    return node.text if isinstance(node, Scalar) else None


def mapping(node: YamlNode | None) -> Mapping | None:
    return node if isinstance(node, Mapping) else None


def items(node: YamlNode | None) -> tuple[YamlNode, ...]:
    """Of a sequence its items, those of sequences within it too; a scalar stands for itself."""
    if isinstance(node, Sequence):
        return tuple(inner for item in node.items for inner in (items(item) if isinstance(item, Sequence) else (item,)))
    return (node,) if node is not None else ()


def _read(source: SourceFile, node: Any, depth: int, left: Iterator[int]) -> YamlNode:
    import yaml

    span = source.span(node.start_mark.index, node.end_mark.index)
    if depth > MAX_DEPTH or next(left) < 0:
        raise YamlError("this YAML is nested too deeply, or its aliases repeat too much", span)
    tag = node.tag if str(node.tag).startswith("!") else ""
    if isinstance(node, yaml.ScalarNode):
        return Scalar(span=span, text=node.value, pieces=tuple(_pieces(source, node, span)), tag=tag)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(span=span, items=tuple(_read(source, n, depth + 1, left) for n in node.value), tag=tag)
    merged: dict[str, tuple[YamlNode, Span]] = {}
    own: list[tuple[str, YamlNode]] = []
    keys: list[Span] = []
    for key, value in node.value:
        read = _read(source, value, depth + 1, left)
        if getattr(key, "value", None) == "<<":
            for base in items(read):
                entries = zip(base.items, base.keys, strict=True) if isinstance(base, Mapping) else ()
                for (name, inner), place in entries:
                    merged.setdefault(name, (inner, place))  # the first of several counts
        elif isinstance(key, yaml.ScalarNode):
            own.append((key.value, read))
            keys.append(source.span(key.start_mark.index, key.end_mark.index))
    kept = {n: m for n, m in merged.items() if n not in {name for name, _ in own}}
    return Mapping(
        span=span,
        items=(*((n, inner) for n, (inner, _) in kept.items()), *own),
        keys=(*(place for _, place in kept.values()), *keys),
        tag=tag,
    )


def _pieces(source: SourceFile, node: Any, span: Span) -> Iterator[Stretch]:
    value = node.value
    if node.style == "|":
        yield from _literal(source, value, span)
        return
    quoted = node.style in ("'", '"')
    inside = source.span(span.start + quoted, span.end - quoted)
    exact = inside.text == value
    yield (value, inside if exact else span, exact)


def _literal(source: SourceFile, value: str, span: Span) -> Iterator[Stretch]:
    """A literal block, line by line: each stands in the file behind the block's indentation."""
    lines = value.split("\n")
    first = source.position(span.start).line + 1
    number = first
    indent: int | None = None
    for index, line in enumerate(lines):
        end = "\n" if index < len(lines) - 1 else ""
        if not line and not end:
            return
        if number > source.line_count:
            yield (line + end, span, False)
            continue
        start, _ = source.line_bounds(number)
        text = source.line(number)
        if indent is None and line:
            indent = len(text) - len(line) if text.endswith(line) else None
        place = source.span(start + (indent or 0), start + (indent or 0) + len(line))
        if line and place.text == line:
            yield (line, place, True)
        elif line:
            yield (line, span, False)
        if end:
            after = source.line_bounds(number)[1]
            yield (end, source.span(after - 1, after), source.text[after - 1 : after] == "\n")
        number += 1


def expression_pieces(pieces: tuple[Stretch, ...]) -> Iterator[tuple[re.Match[str] | None, Stretch]]:
    """The pieces, with `${{ … }}` apart."""
    for text, place, exact in pieces:
        at = 0
        for match in re.finditer(r"\$\{\{(.*?)\}\}", text):
            if match.start() > at:
                yield None, (text[at : match.start()], _part(place, at, match.start(), exact=exact), exact)
            yield match, (match[0], _part(place, match.start(), match.end(), exact=exact), False)
            at = match.end()
        if at < len(text) or not text:
            yield None, (text[at:], _part(place, at, len(text), exact=exact), exact)


def _part(place: Span, start: int, end: int, *, exact: bool) -> Span:
    return place.file.span(place.start + start, place.start + end) if exact else place
