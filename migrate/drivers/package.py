"""The `scripts` of a package.json, each as shell text with its place in the file.

A JSON string stands in the file character by character, but for its escapes (`\\"`, `\\n`): each of these is a stretch of its
own, so that what stands beside them can be edited. Left out: workspaces, and what a `.npmrc` sets.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from migrate.drivers.patterns import means
from migrate.drivers.refusal import NotReadError
from migrate.source import SourceFile, Span

Stretch = tuple[str, Span, bool]
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_PUBLISHED = frozenset("files bin main module browser types typings exports directories man".split())
"""Keys by which a package.json says what is in the package, and what of it is used."""
_BLANK = re.compile(r"[ \t\r\n]*")


class PackageError(NotReadError):
    """The text is no package.json that npm would read; `span` is where that shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageScript:
    """`place` is what stands between the quotes."""

    name: str
    place: Span
    pieces: tuple[Stretch, ...]

    @property
    def text(self) -> str:
        return "".join(p[0] for p in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`variables` are those of `npm_package_*` that every npm sets; a script that comes twice counts the last time."""

    scripts: tuple[PackageScript, ...]
    variables: tuple[tuple[str, str], ...]

    def get(self, name: str) -> PackageScript | None:
        return next((s for s in self.scripts if s.name == name), None)


def is_package(path: PurePosixPath) -> bool:
    """Whether npm is what reads a file of this name."""
    return path.name == "package.json"


def read_package(source: SourceFile) -> Package:
    """Raises PackageError."""
    start = 1 if source.text.startswith("\ufeff") else 0
    try:
        whole = json.loads(source.text[start:])
    except json.JSONDecodeError as error:
        at = min(start + error.pos, len(source.text))
        raise PackageError(f"this is no JSON: {error.msg.lower()}", source.span(at, at)) from error
    except RecursionError as error:
        raise PackageError("this JSON is nested too deeply", source.span(0, 0)) from error
    if not isinstance(whole, dict):
        raise PackageError("this JSON is no object", source.span(start, start))
    scripts: dict[str, PackageScript] = {}
    for key, at, _, _ in _members(source.text, _skip(source.text, start)):
        if key == "scripts" and source.text[at] == "{":
            scripts = {
                name: PackageScript(
                    name=name,
                    place=source.span(begin + 1, end - 1),
                    pieces=tuple(_pieces(source.span(begin + 1, end - 1))),
                )
                for name, begin, end, value in _members(source.text, at)
                if isinstance(value, str)
            }
    return Package(scripts=tuple(scripts.values()), variables=tuple(_variables(whole)))


def _members(text: str, at: int) -> Iterator[tuple[str, int, int, Any]]:
    """Of the object that begins at `at`: each key, where its value begins and ends, and the value. The text is known to be
    JSON."""
    decoder = json.JSONDecoder()
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, end = decoder.raw_decode(text, at)
        begin = _skip(text, _skip(text, end) + 1)
        value, end = decoder.raw_decode(text, begin)
        yield key, begin, end, value
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _pieces(inside: Span) -> Iterator[Stretch]:
    """A string's text: what stands there as it is, and each escape as a whole."""
    text, at = inside.text, 0
    for escape in _ESCAPE.finditer(text):
        if escape.start() > at:
            yield _exact(inside, at, escape.start())
        place = inside.file.span(inside.start + escape.start(), inside.start + escape.end())
        yield json.loads(f'"{escape[0]}"'), place, False
        at = escape.end()
    if at < len(text):
        yield _exact(inside, at, len(text))


def _exact(inside: Span, start: int, end: int) -> Stretch:
    place = inside.file.span(inside.start + start, inside.start + end)
    return place.text, place, True


def _variables(whole: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("name", "version"):
        if isinstance(whole.get(name), str):
            yield f"npm_package_{name}", whole[name]
    config = whole.get("config")
    for name, value in config.items() if isinstance(config, dict) else ():
        if isinstance(value, str) and re.fullmatch(r"\w+", name):
            yield f"npm_package_config_{name}", value


def named_in_package(source: SourceFile, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, Span] | None:
    """A file that the package consists of, and where that is said. Raises PackageError."""
    read_package(source)
    wanted = tuple(paths)
    start = _skip(source.text, 1 if source.text.startswith("\ufeff") else 0)
    for key, begin, end, value in _members(source.text, start):
        for text in _texts(value) if key in _PUBLISHED else ():
            for path in wanted:
                if means(posixpath.join(source.path.parent, text.lstrip("/")), path):
                    return path, source.span(begin, end)
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def place_of(source: SourceFile, name: str) -> Span:
    """Where a script stands; the file's first line where there is none of that name."""
    try:
        script = read_package(source).get(name)
    except PackageError:
        script = None
    return script.place if script is not None else source.span(0, len(source.line(1)))
