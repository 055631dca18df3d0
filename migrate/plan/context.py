"""What the migration's own files mean in the build context: files that it changes or removes can land in an image."""

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.dockerfile.expand import expand
from migrate.dockerfile.ignore import IgnoreFile, read_ignore
from migrate.dockerfile.instructions import Argument
from migrate.dockerfile.scope import stage_variables
from migrate.provenance import Build, ignore_paths, ignore_source


def check_context(builder: Build, runtime: Build, driver: PurePosixPath) -> list[Diagnostic]:
    """Whether the two builds see the context through one ignore file, and which COPY takes a file that changes."""
    sources = [ignore_source(b) for b in (builder, runtime)]
    found = []
    if [s.path if s else None for s in sources] != [sources[1].path if sources[1] else None] * 2:
        other = next(s for s in sources if s is not None)
        message = f"`{other.path}` holds for one of the two builds only"
        found.append(at(rules.DIFFERENT_CONTEXTS, message, runtime.event.span))
    for build, source in zip((builder, runtime), sources, strict=True):
        written = [p for p in ignore_paths(build) if p in build.event.workspace.overlay]
        if written and (source is None or source.path in written):
            message = f"the ignore file `{written[0]}` is written by the script"
            found.append(at(rules.IGNORE_FILE_UNREADABLE, message, build.event.span))
    ignore = read_ignore(sources[1])[0] if sources[1] is not None else None
    removed = builder.path
    for argument, text in _sources(builder):
        # what a folder of the builder takes along matters only where an artifact holds it
        taken = _taken(builder, argument, text, removed, ignore, removed=removed)
        found += [d for d in taken if d.rule is rules.REMOVED_FILE_COPIED]
    for argument, text in _sources(runtime):
        for path in (removed, runtime.path, driver):
            found += _taken(runtime, argument, text, path, ignore, removed=removed)
    return found


def _sources(build: Build) -> list[tuple[Argument, str]]:
    """Every COPY source of the context that is known."""
    given = {a.name: a.value.text if a.value else None for a in build.event.build_arguments}
    found = []
    for stage in build.dockerfile.stages:
        for instruction, scope in zip(stage.instructions, stage_variables(build.dockerfile, stage, given), strict=True):
            if (
                instruction.keyword in ("COPY", "ADD")
                and not instruction.flag("from")
                and not instruction.here_documents
            ):
                for argument in instruction.arguments[:-1]:
                    text = expand(argument.text, scope, build.dockerfile.escape).text
                    if text is not None:
                        found.append((argument, text))
    return found


def _taken(
    build: Build,
    argument: Argument,
    text: str,
    path: PurePosixPath,
    ignore: IgnoreFile | None,
    *,
    removed: PurePosixPath,
) -> list[Diagnostic]:
    context = build.context
    if not path.is_relative_to(context):
        return []
    inside = path.relative_to(context)
    if ignore is not None and ignore.ignores(inside.as_posix()):
        return []
    source = PurePosixPath(text.lstrip("/"))
    parts = source.parts
    named = len(parts) == len(inside.parts) and all(map(fnmatchcase, inside.parts, parts))
    below = len(parts) < len(inside.parts) and all(map(fnmatchcase, inside.parts, parts))
    if named and path == removed:
        message = f"`{argument.text}` names `{path}`, which the migration would remove"
        return [at(rules.REMOVED_FILE_COPIED, message, argument.span)]
    if named or below:
        message = f"`{argument.text}` takes `{path}` into the image, which the migration changes"
        return [at(rules.CHANGED_FILE_COPIED, message, argument.span)]
    return []
