"""ARG and `--build-arg` where several Dockerfiles become one: each side gets only its own (semantics.md 3, rule 1).

A name that two sides use with different values is renamed on the side that artifacts come from: `ARG NEW`, and `ENV NAME=$NEW`
behind it, so that its commands still see the old name. Nothing of that stage's ENV reaches the images that stay.
"""

import re
from collections.abc import Sequence

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, at
from migrate.dockerfile.instructions import Dockerfile, Instruction
from migrate.provenance.model import Build
from migrate.source import Edit, Span
from migrate.trace.events import BuildArgument
from migrate.trace.values import Value

_SECRET = re.compile(r"(?i)(?:^|_)(?:token|password|passwd|secret|api_?key|private_?key|credentials?|key)(?:_|$)")


def argument_names(instruction: Instruction) -> tuple[str, ...]:
    return tuple(a.text.partition("=")[0] for a in instruction.arguments)


def declared_arguments(dockerfile: Dockerfile) -> frozenset[str]:
    """Every name that a `--build-arg` can reach in this file, the global ones included."""
    return frozenset(n for i in dockerfile.instructions if i.keyword == "ARG" for n in argument_names(i))


def given_value(build: Build, name: str) -> Value | None:
    found = next((a for a in reversed(build.event.build_arguments) if a.name == name), None)
    return found.value if found is not None else None


def clashes(builder: Build, others: Sequence[Build]) -> tuple[str, ...]:
    """Names that `builder` declares and that would come to something else in one file with `others`."""
    declared = declared_arguments(builder.dockerfile)
    global_ = {n for i in builder.dockerfile.global_arguments for n in argument_names(i)}
    mine = {a.name: a.value for a in builder.event.build_arguments}
    found: dict[str, None] = {}
    for other in others:
        theirs = {a.name: a.value for a in other.event.build_arguments}
        other_declares = declared_arguments(other.dockerfile)
        other_global = {n for i in other.dockerfile.global_arguments for n in argument_names(i)}
        for name in sorted(declared | set(mine)):
            differs = mine.get(name, _ABSENT) != theirs.get(name, _ABSENT)
            reaches = (name in theirs and name in declared) or (name in mine and name in other_declares)
            if differs and reaches:
                found[name] = None
            if name in global_ and (name in other_global or name in other_declares):
                same = name in other_global and not differs and _default(builder, name) == _default(other, name)
                if not same:
                    found[name] = None
            elif (
                name in declared
                and name in other_global
                and not _defaults_everywhere(builder, name)
                and name not in mine
            ):
                found[name] = None
    return tuple(found)


_ABSENT = object()


def _default(build: Build, name: str) -> str | None:
    for instruction in build.dockerfile.global_arguments:
        for argument in instruction.arguments:
            key, equals, value = argument.text.partition("=")
            if key == name:
                return value if equals else None
    return None


def _defaults_everywhere(build: Build, name: str) -> bool:
    """Whether each ARG of that name in a stage brings its own default, so that a global one is no matter."""
    return all(
        "=" in a.text
        for s in build.dockerfile.stages
        for i in s.instructions
        if i.keyword == "ARG"
        for a in i.arguments
        if a.text.partition("=")[0] == name
    )


def renamed(build: Build, names: dict[str, str]) -> tuple[list[Edit], list[Diagnostic]]:
    """The edits that give the ARGs of a builder other names."""
    edits: list[Edit] = []
    found: list[Diagnostic] = []
    dockerfile = build.dockerfile
    mine = {a.name for a in build.event.build_arguments}
    global_ = {n for i in dockerfile.global_arguments for n in argument_names(i)}
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            stage = next(s for s in dockerfile.stages if s.instruction is instruction)
            text = stage.image.span.text
            new = replaced(text, names)
            edits += [Edit(span=stage.image.span, text=new)] if new != text else []
            continue
        if instruction in dockerfile.global_arguments:
            edits += _in_defaults(instruction, names)
        if instruction.keyword != "ARG" or not set(argument_names(instruction)) & set(names):
            continue
        if len(instruction.arguments) != 1:
            message = "an ARG of several names can't be renamed"
            found.append(at(rules.BUILD_ARG_CONFLICT, message, instruction.span))
            continue
        old = argument_names(instruction)[0]
        new = names[old]
        argument = instruction.arguments[0]
        key = argument.span.file.span(argument.span.start, argument.span.start + len(old))
        edits.append(Edit(span=key, text=new))
        in_stage = instruction not in dockerfile.global_arguments
        if in_stage and ("=" in argument.text or old in mine or old in global_):
            end = instruction.span.end
            newline = "\r\n" if "\r\n" in instruction.span.file.text else "\n"
            edits.append(Edit(span=argument.span.file.span(end, end), text=f"{newline}ENV {old}=${new}"))
        found.append(
            Diagnostic(
                rule=rules.ARGUMENT_RENAMED,
                message=f"`{old}` of the builder is called `{new}` now: another stage has an ARG of that name",
                primary=Label(span=argument.span),
            )
        )
    return edits, found


def _in_defaults(instruction: Instruction, names: dict[str, str]) -> list[Edit]:
    """The edits of what ARGs ahead of FROM are made of."""
    edits = []
    for argument in instruction.arguments:
        file, start, end = argument.span.file, argument.span.start, argument.span.end
        value = file.span(min(start + len(argument.text.partition("=")[0]), end), end)
        new = replaced(value.text, names)
        edits += [Edit(span=value, text=new)] if new != value.text else []
    return edits


def replaced(text: str, names: dict[str, str]) -> str:
    """A text in which the variables have their new names."""
    for old, new in names.items():
        text = re.sub(rf"\$(\{{?){re.escape(old)}\b", lambda m, new=new: f"${m[1]}{new}", text)  # type: ignore[misc]
    return text


def renamed_word(span: Span, argument: BuildArgument, new: str) -> str:
    """The word of the command line that gives the argument, with its new name."""
    return re.sub(rf"\b{re.escape(argument.name)}(?==)", new, span.text, count=1)


def secrets(builds: Sequence[Build]) -> list[Diagnostic]:
    """Build arguments that look like secrets: they stand in the image's history."""
    return [
        Diagnostic(
            rule=rules.SECRET_ARGUMENT,
            message=f"the build argument `{a.name}` looks like a secret; it is passed on as it was",
            primary=Label(span=a.spans[0]),
            help=f"with BuildKit, `RUN --mount=type=secret,id={a.name.lower()}` keeps it out of the image's history",
        )
        for b in builds
        for a in b.event.build_arguments
        if _SECRET.search(a.name)
    ]
