"""Files that seem to drive a legacy build and are of a kind that isn't read: PowerShell, batch files, programs.

By cheap evidence, so that little is taken for one that isn't: in one file an image is built, a container is made and something is
copied out of it that a COPY elsewhere names, beside a second Dockerfile or a second build. Tests don't count, nor do comments.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.discover import PROGRAMS, Driver, DriverKind, EntryKind, Repository, programs
from migrate.source import SourceFile, Span

_TESTS = frozenset("test tests spec specs testing testdata fixtures e2e integration".split())
_TEST_NAME = re.compile(r"(?i)test_.*|.*[._-](?:test|tests|spec)\.\w+")
_COMMENT = re.compile(r"(?im)^[ \t]*(?:#|//|--|\*|;|::|@?rem\b).*$|<#[\s\S]*?#>|/\*[\s\S]*?\*/")
_CALL = r"\b(?:docker|podman)(?:\.exe)?\b[\"']?[\s,\[({{:\"'@]{{1,12}}(?:(?:container|image|buildx)[\"'\s,:]+)?{}\b"
_BUILD = re.compile(_CALL.format("build") + r"|\bimages\.build\(")
_MAKE = re.compile(_CALL.format("(?:create|run)") + r"|\bcontainers\.(?:create|run)\(")
_TAKE = re.compile(_CALL.format("(?:cp|export)") + r"|\bget_archive\(")
_PLUGIN_BUILD = re.compile(r"\bdocker\.build\b")
_PLUGIN_RUN = re.compile(r"\.(?:inside|withRun|run)\b")
_COPIED = re.compile(r"(?im)^[ \t]*(?:COPY|ADD)[ \t]+((?!.*--from).*)$")
_LINE_BY_LINE = frozenset({"PowerShell", "a batch file"})
_SHARE = re.compile(_CALL.format("run") + r"[^\n]*(?:\s-v\b|--volume\b|--mount\b|\s>\s|\|\s*docker)")

COPIES_OUT = re.compile(
    r"(?<!kubectl )\bcp\b[^\n;&|]*?[\w\"')}`]:(?!//)[^\s,]+(?:[ \t]|\\\r?\n)+(?!\d*>)[^\s;&|>})\],#]"
)
"""`cp` with a container's path that is not the last word: `docker cp NAME:PATH HERE`, by whatever name the client goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """`what` is the kind as a person says it, `place` where something is taken out."""

    driver: Driver
    what: str
    place: Span


def find_unread(repository: Repository) -> Iterator[Unread]:
    """Those of a repository, by path."""
    dockerfiles = [p for p, k in repository.entries.items() if k is EntryKind.FILE and "dockerfile" in p.name.lower()]
    for source in programs(repository) if dockerfiles else ():
        if _is_test(source.path):
            continue
        what = PROGRAMS[source.path.suffix.lower()]
        place = taken_out(source, alone=len(dockerfiles) < 2)
        if place is not None and _is_copied(repository, dockerfiles, place, in_order=what in _LINE_BY_LINE):
            yield Unread(driver=Driver(path=source.path, kind=DriverKind.PROGRAM), what=what, place=place)


def taken_out(source: SourceFile, *, alone: bool = False) -> Span | None:
    """Where a text that isn't read seems to take something out of a container for a build. With `alone` there is one Dockerfile
    only: then it has to build twice."""
    text = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source.text)
    builds = [m.start() for m in _BUILD.finditer(text)]
    if not builds or _MAKE.search(text) is None:
        return None
    found = _TAKE.search(text)
    if found is not None and (len(builds) > 1 or not alone):
        return source.span(found.start(), found.end())
    shared = next((m for m in _SHARE.finditer(text) if builds[0] < m.start() < builds[-1]), None)
    return source.span(shared.start(), shared.end()) if shared is not None else None


def taken_out_by_pipeline(source: SourceFile) -> Span | None:
    """Where a Jenkinsfile of which not all is followed seems to take something out of a container: between two builds, by the
    shell, by `bat`, or by what the Docker plugin runs in the workspace."""
    text = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), source.text)
    builds = sorted(m.start() for p in (_BUILD, _PLUGIN_BUILD) for m in p.finditer(text))
    ways = (m for p in (COPIES_OUT, _SHARE, _PLUGIN_RUN) for m in p.finditer(text))
    between = sorted(m.span() for m in ways if builds and builds[0] < m.start() < builds[-1])
    return source.span(*between[0]) if between else None


def _is_copied(repository: Repository, dockerfiles: Sequence[PurePosixPath], place: Span, *, in_order: bool) -> bool:
    """Whether a Dockerfile copies something that is called as what is taken out; with `in_order` not one that is named before,
    which is the builder's."""
    source = place.file
    line = source.line(place.position.line)
    words = set(re.findall(r"\w[\w-]*", line)) - {"docker", "cp", "run", "v"}
    before = source.text[: place.start] if in_order else ""
    for path in dockerfiles:
        named = re.search(rf"(?<![\w.-]){re.escape(path.name)}(?![\w.-])", before) is not None
        dockerfile = repository.source(path) if not named else None
        for copied in _COPIED.findall(dockerfile.text) if dockerfile is not None else ():
            if words & set(re.findall(r"\w[\w-]*", " ".join(copied.split()[:-1]))):
                return True
    return False


def _is_test(path: PurePosixPath) -> bool:
    return _TEST_NAME.fullmatch(path.name) is not None or any(p.lower() in _TESTS for p in path.parts)
