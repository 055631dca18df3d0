"""What only comes near the pattern, named by cheap evidence: Dockerfiles, what scripts and prose say. Pure."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.discover import PROGRAMS, Driver, EntryKind, Repository
from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.reader import read_dockerfile
from migrate.outcome import AuditStatus
from migrate.pipeline.analysis import Analysis
from migrate.source import SourceFile, Span
from migrate.trace.events import Compose, ContainerRun, Extraction, ImageBuild, Opaque

_BUILDER_NAME = re.compile(r"(?i)build|\bdev\b|compile|toolchain")
_EXTRACTS = re.compile(
    r"docker\s+(?:container\s+)?cp\s|docker\s+(?:container\s+)?create\s|docker\s+run\b[^\n|]*\|\s*docker\s+build"
    r"|docker\s+run\b[^\n]*(?:-v|--volume|--mount)\b[^\n]*"
)
_TAKES_OUT = re.compile(
    r"docker\S*\s+(?:container\s+)?(?:cp|create|export|save)\s|docker\S*\s+run\b[^\n]*(?:\s-v|--volume|--mount|>|\|)",
    re.IGNORECASE,
)
"""What a driver of a kind that isn't read must hold to be taken for one; `$(DOCKER) cp` counts."""
_IN_PROGRAMS = re.compile(
    r"\bdocker\b[^\n]{0,40}?\b(?:cp|create)\b|[\"'](?:docker|cp)[\"']\s*,\s*[\[\"'](?:cp|create)?"
)
_PROSE = {".md", ".markdown", ".rst", ".txt", ".adoc"}
_PROSE_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """`place` is `file:line` of the evidence, where there is one."""

    status: AuditStatus
    what: str
    place: str | None = None
    dockerfiles: tuple[PurePosixPath, ...] = ()


def at_line(span: Span) -> str:
    return f"{span.file.path}:{span.position.line}"


def dockerfiles(repository: Repository) -> dict[PurePosixPath, Dockerfile]:
    """Every Dockerfile of a repository that can be read, by path."""
    found = {}
    for path, kind in repository.entries.items():
        name = path.name.lower()
        named = name.startswith("dockerfile") or name.endswith((".dockerfile", "-dockerfile")) or ".dockerfile." in name
        if kind is not EntryKind.FILE or not named or name.endswith((".dockerignore", ".md", ".j2", ".tmpl")):
            continue
        source = repository.source(path)
        if source is None:
            continue
        dockerfile, _ = read_dockerfile(source)
        if dockerfile is not None and dockerfile.stages:
            found[path] = dockerfile
    return found


def half_migrated(analysis: Analysis, files: dict[PurePosixPath, Dockerfile]) -> NearMiss | None:
    """A driver that still extracts from what has become a multi-stage image that nothing can be run in."""
    if analysis.trace is None:
        return None
    builds = [e for e in analysis.trace.events if isinstance(e, ImageBuild)]
    for event in analysis.trace.events:
        if not isinstance(event, ContainerRun) or not event.container.command:
            continue
        built = next((b for b in reversed(builds) if event.container.image in b.tags), None)
        dockerfile = files.get(built.dockerfile) if built is not None and built.dockerfile is not None else None
        if dockerfile is None or built is None or built.dockerfile is None or len(dockerfile.stages) < 2:
            continue
        last = dockerfile.stages[-1]
        if last.image.text.lower() == "scratch":
            what = f"`{built.dockerfile}` is multi-stage already and ends in `scratch`, where this command can't run"
            return NearMiss(
                status=AuditStatus.HALF, what=what, place=at_line(event.span), dockerfiles=(built.dockerfile,)
            )
    return None


def host_export(analysis: Analysis) -> NearMiss | None:
    """A driver that takes something out, and builds no image behind it, all of it followed."""
    if analysis.trace is None or any(d.rule is rules.CONSTRUCT_NOT_TRACED for d in analysis.diagnostics):
        return None
    seen: Extraction | None = None
    for event in analysis.trace.events:
        if isinstance(event, Extraction):
            seen = event
        elif isinstance(event, ImageBuild | Compose | Opaque) and seen is not None:
            return None  # an image is built behind it, or may be
    if seen is None:
        return None
    return NearMiss(
        status=AuditStatus.NOT_PATTERN,
        what="host export: what is taken out goes into no image",
        place=at_line(seen.span),
    )


def near_miss(repository: Repository, files: dict[PurePosixPath, Dockerfile]) -> NearMiss:
    """What a repository without a driver that is read comes to."""
    builders = tuple(p for p in files if _BUILDER_NAME.search(p.name))
    if not files:
        return NearMiss(status=AuditStatus.NOT_PATTERN, what="no Dockerfile")
    handed = _handed_over(files)
    if handed is not None:
        return handed
    program = _program(repository)
    if program is not None:
        return program
    prose = _prose(repository, files)
    if prose is not None and len(files) > 1:
        return NearMiss(
            status=AuditStatus.NOT_PATTERN,
            what="recipe only in prose: no driver carries it out",
            place=prose,
            dockerfiles=tuple(files),
        )
    multi = next((p for p, d in files.items() if _multi_stage(d)), None)
    if multi is not None:
        return NearMiss(
            status=AuditStatus.NOT_PATTERN, what="already multi-stage", place=f"{multi}:1", dockerfiles=(multi,)
        )
    if builders and len(files) == len(builders):
        return NearMiss(
            status=AuditStatus.NOT_PATTERN,
            what="toolchain image: nothing is taken out of it",
            place=f"{builders[0]}:1",
            dockerfiles=builders,
        )
    if builders:
        return NearMiss(
            status=AuditStatus.NOT_PATTERN,
            what="a pair of Dockerfiles, and no driver takes anything out of the builder",
            place=f"{builders[0]}:1",
            dockerfiles=tuple(files),
        )
    return NearMiss(status=AuditStatus.NOT_PATTERN, what="Dockerfiles without a builder", dockerfiles=tuple(files))


def takes_out(repository: Repository, driver: Driver) -> str | None:
    """Where a driver of a kind that isn't read seems to take something out of a container, as `file:line`."""
    source = repository.source(driver.path)
    match = _TAKES_OUT.search(source.text) if source is not None else None
    return f"{driver.path}:{source.position(match.start()).line}" if source is not None and match is not None else None


def unread(repository: Repository, driver: Driver, files: dict[PurePosixPath, Dockerfile]) -> NearMiss | None:
    """A Makefile or CI file that extracts, where there is no second Dockerfile near it for a pair."""
    source = repository.source(driver.path)
    match = _EXTRACTS.search(source.text) if source is not None else None
    near = [p for p in files if driver.path.parent == PurePosixPath() or driver.path.parent in p.parents]
    if source is None or match is None or len(near) != 1:
        return None
    place = f"{driver.path}:{source.position(match.start()).line}"
    if _BUILDER_NAME.search(near[0].name):
        what = "host export: there is no Dockerfile for an image that takes it"
        return NearMiss(status=AuditStatus.NOT_PATTERN, what=what, place=place, dockerfiles=tuple(near))
    if re.search(r"docker\s+build\b[^\n|]*\s(?:-f|--file)\b", source.text) or "|" not in match[0]:
        return None
    what = f"`{near[0]}` is both builder and runtime here: the driver's extraction is left over"
    return NearMiss(status=AuditStatus.HALF, what=what, place=place, dockerfiles=tuple(near))


def _program(repository: Repository) -> NearMiss | None:
    """A file of a kind that is not read as a driver, and that takes something out of a container."""
    for path, kind in repository.entries.items():
        what = PROGRAMS.get(path.suffix.lower())
        source = repository.source(path) if what is not None and kind is EntryKind.FILE else None
        if source is None or len(source.text) > _PROSE_LIMIT:
            continue
        match = _IN_PROGRAMS.search(source.text)
        if match is not None:
            place = f"{path}:{source.position(match.start()).line}"
            return NearMiss(status=AuditStatus.CANNOT, what=f"driven by {what}, which is not read", place=place)
    return None


def _handed_over(files: dict[PurePosixPath, Dockerfile]) -> NearMiss | None:
    """An image that takes files of another one by `COPY --from`, which a build argument or a tag names."""
    for path, dockerfile in files.items():
        given = {
            a.text.partition("=")[0] for i in dockerfile.global_arguments for a in i.arguments if "=" not in a.text
        }
        for stage in dockerfile.stages:
            variable = re.fullmatch(r"\$\{?(\w+)\}?", stage.image.text)
            if variable is None or variable[1] not in given or stage.name is None:
                continue
            name = stage.name.text.lower()
            taking = (f for s in dockerfile.stages for i in s.instructions if (f := i.flag("from")) is not None)
            if any((f.value or "").lower() == name for f in taking):
                what = f"handed over by image: `COPY --from` takes it out of the image that `{variable[1]}` names"
                return NearMiss(
                    status=AuditStatus.NOT_PATTERN,
                    what=what,
                    place=at_line(stage.instruction.span),
                    dockerfiles=(path,),
                )
    return None


def _multi_stage(dockerfile: Dockerfile) -> bool:
    return len(dockerfile.stages) > 1 and any(
        i.flag("from") is not None for s in dockerfile.stages for i in s.instructions
    )


def _prose(repository: Repository, files: dict[PurePosixPath, Dockerfile]) -> str | None:
    """Where a text or a Dockerfile's comment tells how to take something out of a container."""
    if not any(_BUILDER_NAME.search(p.name) for p in files):
        return None
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or (path.suffix.lower() not in _PROSE and path not in files):
            continue
        source = repository.source(path)
        if source is None or len(source.text) > _PROSE_LIMIT:
            continue
        for match in _EXTRACTS.finditer(source.text):
            if path.suffix.lower() in _PROSE or _in_comment(source, match.start()):
                return f"{path}:{source.position(match.start()).line}"
    return None


def _in_comment(source: SourceFile, offset: int) -> bool:
    return source.line(source.position(offset).line).lstrip().startswith("#")
