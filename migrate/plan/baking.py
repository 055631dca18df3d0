"""The builds of a driver as targets of a bake file: one command builds them all, each stage once.

Bake file reference (docs.docker.com/build/bake/reference): contexts and Dockerfiles are relative to where bake is called, a
`variable` takes its value from the environment.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.image import ImageReference
from migrate.plan.naming import clean
from migrate.trace.events import ImageBuild
from migrate.trace.values import Text, Unknown, Value

_FLAGS = {"no-cache": "no-cache", "pull": "pull"}
_QUIET = frozenset({"quiet", "progress", "rm", "force-rm", "load"})
"""Options that say nothing of the image."""
_ENVIRONMENT = re.compile(r"variable `([A-Za-z_]\w*)`")
"""How the trace calls what the environment gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeTarget:
    """One image. `stage` is None for the last one; `flags` are fields that are true."""

    name: str
    context: PurePosixPath
    dockerfile: PurePosixPath
    stage: Value | None
    tags: tuple[Value, ...]
    arguments: tuple[tuple[str, Value], ...]
    labels: tuple[tuple[str, Value], ...]
    platforms: tuple[Value, ...]
    flags: tuple[str, ...]


def bake_targets(builds: Iterable[ImageBuild]) -> tuple[tuple[BakeTarget, ...], tuple[Diagnostic, ...]]:
    """A target for each build. NOT_BAKED at what no bake file can say."""
    found: list[BakeTarget] = []
    why_not: list[Diagnostic] = []
    taken: Counter[str] = Counter()
    for build in builds:
        problem = _unsayable(build)
        if problem is not None or build.context is None or build.dockerfile is None:
            message = problem or "its build context comes on standard input"
            why_not.append(at(rules.NOT_BAKED, f"no bake file is written: {message}", build.span))
            continue
        stage = _value(build, "target")
        name = _name(build, stage)
        taken[name] += 1
        found.append(
            BakeTarget(
                name=name if taken[name] == 1 else f"{name}-{taken[name]}",
                context=build.context,
                dockerfile=build.dockerfile,
                stage=stage,
                tags=build.tags,
                arguments=tuple((a.name, a.value) for a in build.build_arguments if a.value is not None),
                labels=tuple(_pair(o.value) for o in build.options if o.name == "label" and o.value is not None),
                platforms=tuple(o.value for o in build.options if o.name == "platform" and o.value is not None),
                flags=tuple(_FLAGS[o.name] for o in build.options if o.name in _FLAGS),
            )
        )
    return (tuple(found), ()) if not why_not else ((), tuple(why_not))


def variables(targets: Iterable[BakeTarget]) -> tuple[str, ...]:
    """The environment's variables that targets speak of."""
    found: dict[str, None] = {}
    for target in targets:
        given = [v for pairs in (target.arguments, target.labels) for _, v in pairs]
        for value in (*target.tags, *given, *target.platforms, *([target.stage] if target.stage else [])):
            found |= dict.fromkeys(_variable(p) or "" for p in value.parts if isinstance(p, Unknown))
    return tuple(found)


def expression(value: Value) -> str:
    """A value as a quoted HCL template."""
    found = ""
    for part in value.parts:
        if isinstance(part, Text):
            text = part.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
            found += re.sub(r"([$%])\{", r"\1\1{", text)
        elif isinstance(part, Unknown):
            found += f"${{{_variable(part)}}}"
    return f'"{found}"'


def _unsayable(build: ImageBuild) -> str | None:
    bare = next((a.name for a in build.build_arguments if a.value is None), None)
    if bare is not None:
        return f"`--build-arg {bare}` is given without a value, and may be unset"
    strange = next(
        (o.name for o in build.options if o.name not in (*_FLAGS, *_QUIET, "target", "label", "platform")), None
    )
    if strange is not None:
        return f"`--{strange}` of this build has no place there"
    given = [*build.tags, *(a.value for a in build.build_arguments), *(o.value for o in build.options)]
    for value in given:
        if value is not None and any(not isinstance(p, Text) and _variable(p) is None for p in value.parts):
            return f"`{value}` is known to the driver alone"
    if any(o.name == "label" and o.value is not None and "=" not in o.value.marked for o in build.options):
        return "a label has no value"
    return None


def _variable(part: object) -> str | None:
    """The name of the environment's variable that a part of a value is."""
    named = _ENVIRONMENT.fullmatch(part.origin) if isinstance(part, Unknown) and not part.number else None
    return named[1] if named is not None else None


def _value(build: ImageBuild, name: str) -> Value | None:
    option = build.option(name)
    return option.value if option is not None else None


def _pair(value: Value) -> tuple[str, Value]:
    equals = value.marked.index("=")
    return value.marked[:equals], value.slice(equals + 1)


def _name(build: ImageBuild, stage: Value | None) -> str:
    """What people call the image: its stage, its tag, its Dockerfile."""
    wanted = [stage.text] if stage is not None else []
    for tag in build.tags:
        reference = ImageReference.parse(tag.text.partition("\0")[0]) if tag.text is not None else None
        wanted.append(reference.path.rpartition("/")[2] if reference is not None else None)
    path = build.dockerfile or PurePosixPath()
    wanted += [path.suffix.removeprefix("."), path.parent.name, "image"]
    name = next(c for w in wanted if w and (c := clean(w)) is not None)
    return re.sub(r"[^a-z0-9_-]", "-", name)
