"""Whether two Dockerfiles can stand in one file, and nothing else needs the builder's image (semantics.md, section 3)."""

import re
from collections.abc import Iterator

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.dockerfile.expand import expand
from migrate.dockerfile.instructions import Dockerfile, Instruction
from migrate.dockerfile.scope import global_variables
from migrate.plan.arguments import argument_names, declared_arguments
from migrate.provenance import Build, same_image
from migrate.source import Span
from migrate.trace.values import Value


def check_joinable(builder: Build, runtime: Build) -> list[Diagnostic]:
    """What keeps the runtime's text from following the builder's."""
    first, second = builder.dockerfile, runtime.dockerfile
    return [*_directives(first, second), *_target(builder), *_global_arguments(first, second), *_numbers(second)]


def uses_of_builder(builder: Build, others: tuple[Build, ...]) -> list[Diagnostic]:
    """Every place where one of `others` starts from the builder's image, or copies out of it."""
    return [
        at(rules.BUILDER_IMAGE_USED, f"`{text}` is the builder's image, which is no longer made under this tag", span)
        for build in others
        for text, span in _images(build)
        if any(same_image(tag, Value.of(text)) for tag in builder.event.tags)
    ]


def _images(build: Build) -> Iterator[tuple[str, Span]]:
    """The images that a Dockerfile names, as far as they are known."""
    given = {a.name: a.value.text if a.value else None for a in build.event.build_arguments}
    variables = global_variables(build.dockerfile, given)
    for stage in build.dockerfile.stages:
        image = expand(stage.image.text, variables, build.dockerfile.escape).text
        if image is not None:
            yield image, stage.image.span
        for instruction in stage.instructions:
            flag = instruction.flag("from")
            if flag is not None and flag.value is not None:
                yield flag.value, flag.span


def _directives(first: Dockerfile, second: Dockerfile) -> list[Diagnostic]:
    """Directives count at the top of a file only: the runtime's must be the builder's."""
    mine, theirs = ({d.name: d.value for d in f.directives} for f in (first, second))
    if second.directives and mine != theirs:
        message = "the parser directives are not those of the builder's Dockerfile"
        return [at(rules.DIRECTIVES_DIFFER, message, second.directives[0].span)]
    if first.escape != second.escape:
        message = "the runtime's Dockerfile has another escape character"
        return [at(rules.DIRECTIVES_DIFFER, message, first.directives[0].span)]
    return []


def _target(builder: Build) -> list[Diagnostic]:
    """The builder's image must be that of its last stage."""
    target = builder.event.option("target")
    last = builder.dockerfile.stages[-1].name
    if target is None or (target.value is not None and last is not None and target.value.text == last.text):
        return []
    message = "`--target` stops before the last stage of the builder's Dockerfile"
    return [at(rules.OPTION_CONFLICT, message, target.spans[0])]


def _global_arguments(first: Dockerfile, second: Dockerfile) -> list[Diagnostic]:
    """An ARG ahead of FROM holds for the whole file: none of either side may reach the other."""
    mine = {n for i in first.global_arguments for n in argument_names(i)}
    theirs = {n for i in second.global_arguments for n in argument_names(i)}
    both = declared_arguments(first)
    found = []
    for instruction in second.global_arguments:
        found += _clash(instruction, both, "is an ARG of the builder's Dockerfile too")
    for instruction in (i for s in second.stages for i in s.instructions if i.keyword == "ARG"):
        found += _clash(instruction, mine - theirs, "would take the default of the builder's global ARG")
    return found


def _clash(instruction: Instruction, names: set[str] | frozenset[str], what: str) -> list[Diagnostic]:
    clash = next((n for n in argument_names(instruction) if n in names), None)
    return [] if clash is None else [at(rules.GLOBAL_ARGUMENT_CONFLICT, f"`{clash}` {what}", instruction.span)]


def _numbers(dockerfile: Dockerfile) -> list[Diagnostic]:
    """A stage named by its number would be another one in the joined file."""
    flags = (i.flag("from") for s in dockerfile.stages for i in s.instructions)
    return [
        at(rules.SHAPE_NOT_PLANNED, "a stage named by its number, which changes", f.span)
        for f in flags
        if f is not None and f.value is not None and re.fullmatch(r"\d+", f.value)
    ]
