"""What holds at each instruction of a stage: the variables that expand in it, and the working directory.

Input: a Dockerfile, the build arguments, and what is known of the base image; output: one entry for each instruction.
Rules: Dockerfile reference (ARG, ENV), BuildKit's dispatch (frontend/dockerfile/dockerfile2llb/convert.go). Where the
classic builder and BuildKit differ, the value is not known. Pure.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from migrate.dockerfile.expand import argument_pairs, environment_pairs, expand
from migrate.dockerfile.instructions import Dockerfile, Instruction, Stage

# BuildKit gives these to FROM, and to a stage that declares them; the classic builder doesn't.
PLATFORM_ARGUMENTS = frozenset(
    f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE"}
PROXY_ARGUMENTS = frozenset(
    name
    for base in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
    for name in (base, base.upper())
)
"""Build arguments that every RUN sees without an ARG (Dockerfile reference, "Predefined ARGs")."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCOPED = ("ENV", "ARG", "WORKDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables(Mapping[str, str | None]):
    """Variables at one place. A value of None is not known; a missing name is unset.

    Where not `complete`, a name that nobody declared may come from the base image: looking it up gives None. Iteration
    gives the declared ones only. `assumed` are names whose value comes from ARG while the base image's ENV is not
    known: under the classic builder an ENV of that name in the base would win.
    """

    declared: Mapping[str, str | None] = field(default_factory=dict)
    complete: bool = True
    assumed: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> str | None:
        if self.complete or name in self.declared:
            return self.declared[name]
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared)

    def __len__(self) -> int:
        return len(self.declared)


_ANYTHING = Variables(complete=False)


def global_variables(dockerfile: Dockerfile, build_args: Mapping[str, str | None]) -> Variables:
    """What expands in FROM: the ARGs before the first one, and the platform's, whose values are not known.

    A value of None in `build_args` is given, but not known.
    """
    seen: dict[str, str | None] = {name: build_args.get(name) for name in PLATFORM_ARGUMENTS}
    for instruction in dockerfile.global_arguments:
        before = dict(seen)
        names: set[str] = set()
        for name, default in argument_pairs(instruction):
            if name in build_args:
                seen[name] = build_args[name]
            elif default is not None:
                seen[name] = _expanded(default, Variables(declared=before), dockerfile.escape, names)
            names.add(name)
    return Variables(declared=seen)


def built_stage(dockerfile: Dockerfile, target: str | None) -> Stage:
    """The stage whose image a build makes: that of `--target`, by name or number, else the last."""
    return next((s for s in dockerfile.stages if target and _is_called(s, target)), dockerfile.stages[-1])


def has_stage(dockerfile: Dockerfile, target: str) -> bool:
    """Whether there is a stage that `--target` can mean; an empty one is none at all."""
    return not target or any(_is_called(s, target) for s in dockerfile.stages)


def _is_called(stage: Stage, target: str) -> bool:
    return str(stage.index) == target or (stage.name is not None and stage.name.text.lower() == target.lower())


def base_stage(dockerfile: Dockerfile, stage: Stage, build_args: Mapping[str, str | None]) -> Stage | None:
    """The earlier stage that `stage` is made FROM; None for an image from outside, or one whose name is not known."""
    image = expand(stage.image.text, global_variables(dockerfile, build_args), dockerfile.escape).text
    if image is None:
        return None
    earlier = [s for s in dockerfile.stages[: stage.index] if s.name is not None]
    return next((s for s in reversed(earlier) if s.name and s.name.text.lower() == image.lower()), None)


def stage_variables(
    dockerfile: Dockerfile,
    stage: Stage,
    build_args: Mapping[str, str | None],
    base_environment: Mapping[str, str] | None = None,
) -> tuple[Variables, ...]:
    """The variables that expand in each of `stage.instructions`: those in force right before it.

    `base_environment` is the ENV of the image from outside that `stage`, or the stage it is made FROM, begins with;
    None where that isn't known. It doesn't count for `scratch`. Proxy arguments reach RUN without ARG, but expand nowhere.
    """
    return tuple(s.variables() for s in _walk(dockerfile, stage, build_args, base_environment)[:-1])


def working_directory(
    dockerfile: Dockerfile,
    stage: Stage,
    build_args: Mapping[str, str | None],
    base_environment: Mapping[str, str] | None = None,
    base_directory: str | None = None,
) -> tuple[str | None, ...]:
    """The absolute working directory in which each of `stage.instructions` runs, without `..` or a slash at its end.

    `base_directory` is that of the image from outside, None where that isn't known; then the directory is None until a
    WORKDIR gives an absolute path. A WORKDIR instruction itself still has the directory before it.
    """
    return _walk_directories(dockerfile, stage, build_args, base_environment, base_directory)[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """`environment` is what an image made here would hold, `arguments` come from ARG."""

    environment: Variables
    arguments: Mapping[str, str | None]

    def variables(self) -> Variables:
        """Both. A name in both has one value where they agree; where not, it depends on the builder."""
        declared = dict(self.environment)
        for name, value in self.arguments.items():
            declared[name] = value if declared.get(name, value) == value else None
        assumed = frozenset() if self.environment.complete else frozenset(self.arguments) - set(self.environment)
        return Variables(declared=declared, complete=self.environment.complete, assumed=assumed)


def _walk(
    dockerfile: Dockerfile,
    stage: Stage,
    build_args: Mapping[str, str | None],
    base_environment: Mapping[str, str] | None,
) -> tuple[_State, ...]:
    """The state before each instruction of `stage`, and after the last."""
    given = global_variables(dockerfile, build_args)
    base = base_stage(dockerfile, stage, build_args)
    state = _State(environment=_outside_environment(stage, base_environment), arguments={})
    if base is not None and _has_triggers(base):
        state = _State(environment=_ANYTHING, arguments={})
    elif base is not None:
        last = _walk(dockerfile, base, build_args, base_environment)[-1]
        # BuildKit hands a stage's ARGs to the stages made FROM it, the classic builder doesn't.
        state = replace(last, arguments=dict.fromkeys(last.arguments))
    states = [state]
    for instruction in stage.instructions:
        match instruction.keyword:
            case "ENV":
                states.append(_after_environment(states[-1], instruction, dockerfile.escape))
            case "ARG":
                states.append(_after_argument(states[-1], instruction, dockerfile.escape, build_args, given))
            case _:
                states.append(states[-1])
    return tuple(states)


def _outside_environment(stage: Stage, base_environment: Mapping[str, str] | None) -> Variables:
    """The ENV of an image from outside. BuildKit adds a PATH where there is none, the classic builder doesn't."""
    if stage.image.text.lower() == "scratch":
        return Variables(declared={"PATH": None})
    if base_environment is None:
        return _ANYTHING
    return Variables(declared={"PATH": None, **base_environment})


def _has_triggers(stage: Stage) -> bool:
    """Whether ONBUILD of `stage` changes what holds in a stage made FROM it."""
    triggers = (i.text.split(maxsplit=1)[0].upper() for i in stage.instructions if i.keyword == "ONBUILD")
    return any(trigger in _SCOPED for trigger in triggers)


def _after_environment(state: _State, instruction: Instruction, escape: str) -> _State:
    """All pairs of an ENV see the variables before it; ENV wins over an ARG before it."""
    before = state.variables()
    declared = dict(state.environment)
    arguments = dict(state.arguments)
    for key, value in environment_pairs(instruction):
        name = expand(key, before, escape).text
        if name is None:
            return _State(environment=_ANYTHING, arguments={})
        declared[name] = expand(value, before, escape).text
        arguments.pop(name, None)
    return _State(environment=replace(state.environment, declared=declared), arguments=arguments)


def _after_argument(
    state: _State,
    instruction: Instruction,
    escape: str,
    build_args: Mapping[str, str | None],
    given: Variables,
) -> _State:
    before = state.variables()
    arguments = dict(state.arguments)
    names: set[str] = set()
    for name, default in argument_pairs(instruction):
        if _NAME.fullmatch(name) is None:
            # BuildKit until 0.12 expands the name, later ones take it as it is.
            return _State(environment=_ANYTHING, arguments={})
        if name in build_args:
            arguments[name] = build_args[name]
        elif default is not None:
            arguments[name] = _expanded(default, before, escape, names)
        elif name in given:
            arguments[name] = given[name]
        elif name in arguments:
            # BuildKit keeps the value of an ARG before, the classic builder drops it.
            arguments[name] = None
        names.add(name)
    return replace(state, arguments=arguments)


def _expanded(default: str, before: Variables, escape: str, same: set[str]) -> str | None:
    """A default's value; not known where it uses a name that the same ARG declares, which only some builders see."""
    expansion = expand(default, before, escape)
    met = {*expansion.used, *expansion.missing, *expansion.unknown}
    return None if met & same else expansion.text


def _walk_directories(
    dockerfile: Dockerfile,
    stage: Stage,
    build_args: Mapping[str, str | None],
    base_environment: Mapping[str, str] | None,
    base_directory: str | None,
) -> tuple[str | None, ...]:
    base = base_stage(dockerfile, stage, build_args)
    current: str | None = base_directory
    if base is not None:
        current = None
        if not _has_triggers(base):
            current = _walk_directories(dockerfile, base, build_args, base_environment, base_directory)[-1]
    elif stage.image.text.lower() == "scratch":
        current = "/"
    walked = [current]
    variables = stage_variables(dockerfile, stage, build_args, base_environment)
    for before, instruction in zip(variables, stage.instructions, strict=True):
        if instruction.keyword == "WORKDIR":
            current = _joined(current, expand(instruction.arguments[0].text, before, dockerfile.escape).text)
        walked.append(current)
    return tuple(walked)


def _joined(current: str | None, path: str | None) -> str | None:
    if path is None or (current is None and not path.startswith("/")):
        return None
    return posixpath.normpath(posixpath.join("/", current or "/", path)).replace("//", "/", 1)
