"""Two `docker build` command lines → one: which of the builder's options and build arguments the runtime's must take on.

Each side may get only its own build arguments (semantics.md, section 3).
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule, at
from migrate.dockerfile.scope import PROXY_ARGUMENTS
from migrate.plan.arguments import declared_arguments, renamed_word
from migrate.provenance.model import Build
from migrate.source import Span
from migrate.trace.events import BuildArgument, BuildOption

_DROPPED = {"output", "label", "quiet", "rm", "force-rm", "compress", "progress", "disable-content-trust", "load"}
"""Options of the builder's build that only concern its own image or how the build is shown."""
_REPEATABLE = {"add-host", "secret", "ssh", "ulimit", "cache-from"}
_JOINED = {
    "no-cache",
    "pull",
    "network",
    "memory",
    "memory-swap",
    "cpu-shares",
    "cpu-period",
    "cpu-quota",
    "cpuset-cpus",
    "cpuset-mems",
    "shm-size",
}

_OF_A_RECIPE = r"\$[@<^+?*|%]|\$[({][@<^+?*|%]"
"""make's automatic variables, which mean another thing in another recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inserted:
    """What a build that stays takes on: words (source text) of its command line, or `arguments` of its service in a compose
    file, as compose reads them."""

    words: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedOptions:
    """What is put into the runtime's build, and what was found."""

    words: tuple[str, ...]
    arguments: tuple[tuple[str, str | None], ...]
    diagnostics: tuple[Diagnostic, ...]


def join_options(builder: Build, runtime: Build, renames: Mapping[str, str], *, platform_moved: bool) -> JoinedOptions:
    """`renames` are the builder's ARGs that have other names now; with `platform_moved`, its `--platform` stands at FROM."""
    joiner = _Joiner(builder, runtime, renames, platform_moved=platform_moved)
    joiner.build_arguments()
    joiner.options()
    return JoinedOptions(
        words=tuple(joiner.words), arguments=tuple(joiner.arguments), diagnostics=tuple(joiner.diagnostics)
    )


class _Joiner:
    def __init__(self, builder: Build, runtime: Build, renames: Mapping[str, str], *, platform_moved: bool) -> None:
        self._builder = builder
        self._runtime = runtime
        self._renames = renames
        self._platform_moved = platform_moved
        self._taken: set[Span] = set()
        self.words: list[str] = []
        self.arguments: list[tuple[str, str | None]] = []
        self.diagnostics: list[Diagnostic] = []

    def build_arguments(self) -> None:
        mine = {a.name: a for a in self._builder.event.build_arguments}
        theirs = {a.name: a for a in self._runtime.event.build_arguments}
        for name, argument in mine.items():
            new = self._renames.get(name)
            if new is not None:
                if argument.value is None:
                    self._conflict(argument, f"`{name}` is taken from the environment and can't be renamed")
                elif name in declared_arguments(self._builder.dockerfile):
                    self._take_argument(argument, new)
                continue
            if name in theirs:
                continue
            self._take_argument(argument, name)
        shared = [n for n in mine if n in PROXY_ARGUMENTS and n not in theirs]
        runs = [i for s in self._runtime.dockerfile.stages for i in s.instructions if i.keyword == "RUN"]
        if shared and runs:
            self.diagnostics.append(
                Diagnostic(
                    rule=rules.PROXY_ARGUMENT_SHARED,
                    message=f"the runtime's `RUN` now sees {_names(shared)} too, as the builder's always did",
                    primary=Label(span=mine[shared[0]].spans[0], text="given to the builder's build only"),
                    secondary=(Label(span=runs[0].span, text="also sees it now"),),
                    notes=("a proxy is not written into the image unless a command of the build writes it",),
                )
            )

    def options(self) -> None:
        theirs = {o.name: o for o in self._runtime.event.options}
        for option in self._builder.event.options:
            name = option.name
            other = theirs.get(name)
            if name in _DROPPED or name == "target" or (name == "platform" and self._platform_moved):
                continue
            if other is not None and other.value == option.value and name not in _REPEATABLE:
                continue
            if name in _REPEATABLE and any(
                o.name == name and o.value == option.value for o in self._runtime.event.options
            ):
                continue
            if name not in _REPEATABLE and (name not in _JOINED or other is not None):
                self._report(
                    rules.OPTION_CONFLICT,
                    f"`--{name}` of the builder's build can't be joined with the runtime's",
                    option,
                )
                continue
            if self._runtime.event.service is not None:
                message = f"`--{name}` of the builder's build can't be said of a service"
                self._report(rules.OPTION_CONFLICT, message, option)
                continue
            self._take(option.spans)
            self._merged(option, "builder's")
        self._only_theirs(theirs)
        self._check_words()

    def _only_theirs(self, theirs: dict[str, BuildOption]) -> None:
        """The runtime's own options stay where they are, and reach the builder's stage."""
        mine = {o.name for o in self._builder.event.options}
        for name, option in theirs.items():
            if name in mine or name in _DROPPED or name in ("iidfile", "metadata-file", "push", "target", "output"):
                continue
            if name == "platform" and self._platform_moved:
                continue
            if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
                self._report(rules.OPTION_MERGED, f"what `{name}` gives holds for all stages now", option)
            elif name in _REPEATABLE or name in _JOINED:
                self._merged(option, "runtime's")
            else:
                self._report(
                    rules.OPTION_CONFLICT, f"`--{name}` of the runtime's build would hold for the builder too", option
                )

    def _merged(self, option: BuildOption, whose: str) -> None:
        rule = rules.CACHE_OPTION_SHARED if option.name in ("no-cache", "pull") else rules.OPTION_MERGED
        self._report(rule, f"`--{option.name}` of the {whose} build now holds for both stages", option)

    def _check_words(self) -> None:
        """A word that moves must bring only what is meant to move, and mean the same where it goes."""
        builder, runtime = self._builder.event, self._runtime.event
        kept = {s for o in builder.options if o.name in _DROPPED for s in o.spans} | builder.fixed_spans
        for span in self._taken:
            if span in kept:
                message = f"`{span.text}` holds options of the builder's image as well as what the runtime's build must take on"
                self._place(rules.OPTION_CONFLICT, message, span)
            if not span.is_exact or (builder.span.file.chunks and re.search(_OF_A_RECIPE, span.origin.text)):
                self._place(rules.OPTION_CONFLICT, f"`{span.text}` can't be moved to another command", span)
            for name in re.findall(r"\$\{?(\w+)", span.text):
                if builder.variables.get(name) != runtime.variables.get(name):
                    self._place(rules.OPTION_CONFLICT, f"`${name}` changes between the two builds", span)

    def _take(self, spans: tuple[Span, ...], texts: tuple[str, ...] | None = None) -> None:
        """The words as the author wrote them, each once."""
        for span, text in zip(spans, texts or tuple(s.origin.text for s in spans), strict=True):
            if span not in self._taken or texts:
                self._taken.add(span)
                self.words.append(text)

    def _take_argument(self, argument: BuildArgument, name: str) -> None:
        """A build argument, called `name` from now on. One that goes from a command to a compose file, or from there to a
        command, goes as its value."""
        composed = self._builder.event.service is not None
        if self._runtime.event.service is None and not composed:
            renamed = tuple(renamed_word(s, argument, name) for s in argument.spans) if name != argument.name else None
            self._take(argument.spans, renamed)
            return
        written = _written(argument) if composed else None
        known = argument.value.text if argument.value is not None else None
        if self._runtime.event.service is None:
            if known is None:
                self._conflict(argument, f"`{name}` is only known to compose, and can't be given on a command line")
            else:
                self.words.append(f"--build-arg {shlex.quote(f'{name}={known}')}")
            return
        if argument.value is None:
            if self._builder.event.variables.get(name) != self._runtime.event.variables.get(name):
                self._place(rules.OPTION_CONFLICT, f"`${name}` changes between the two builds", argument.spans[0])
            self.arguments.append((name, None))
            return
        text = written if written is not None else known.replace("$", "$$") if known is not None else None
        if text is None:
            self._conflict(argument, f"`{name}` can't be given in a compose file: its value isn't known")
            return
        builder, runtime = self._builder.event, self._runtime.event
        for used in re.findall(r"(?<!\$)\$\{?([A-Za-z_]\w*)", text):
            if builder.variables.get(used) != runtime.variables.get(used):
                self._place(rules.OPTION_CONFLICT, f"`${used}` changes between the two builds", argument.spans[0])
        self.arguments.append((name, text))

    def _conflict(self, argument: BuildArgument, message: str) -> None:
        self.diagnostics.append(
            Diagnostic(
                rule=rules.BUILD_ARG_CONFLICT,
                message=message,
                primary=Label(span=argument.spans[0]),
                help="give the ARG another name in one of the two Dockerfiles",
            )
        )

    def _report(self, rule: Rule, message: str, option: BuildOption) -> None:
        self._place(rule, message, option.spans[0])

    def _place(self, rule: Rule, message: str, span: Span) -> None:
        self.diagnostics.append(at(rule, message, span))


def _written(argument: BuildArgument) -> str | None:
    """The value as a compose file says it; None where it came from a command line."""
    word = argument.spans[-1]
    match = re.fullmatch(r'[^="]*="(.*)"', word.text, re.DOTALL)
    if match is None or argument.value is None:
        return None
    return re.sub(r"\\(.)", lambda m: "$$" if m[1] == "$" else m[1], match[1])


def _names(names: list[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)
