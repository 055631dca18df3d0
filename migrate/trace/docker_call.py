"""One docker command with its words taken apart, and what every kind of it asks for."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import GIVE_IT
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace.docker_cli import DockerCommand, Operand, Option
from migrate.trace.events import Argument, Event
from migrate.trace.state import State
from migrate.trace.values import EMPTY, Output, Stream, Unknown, Value
from migrate.trace.workspace import Streamed, Written


@dataclass(slots=True, kw_only=True)
class Call:
    """One parsed docker command with its arguments as values; `client` is how docker was called."""

    state: State
    command: SimpleCommand
    arguments: tuple[Argument, ...]
    parsed: DockerCommand
    client: str

    def emit(self, event: Event) -> int:
        """Returns the index of the step."""
        self.state.emit(event, self.command, self.client)
        return len(self.state.log.steps) - 1

    def not_traced(self, message: str, span: Span) -> None:
        self.state.report(rules.DOCKER_COMMAND_NOT_TRACED, message, span)

    def operands(self) -> tuple[Value, ...]:
        return tuple(self.arguments[o.word].value for o in self.parsed.operands)

    def value(self, option: Option) -> Value | None:
        if option.value is None:
            return None
        whole = self.arguments[option.value_word].value
        return whole.slice(len(whole.marked) - len(option.value))

    def last(self, name: str) -> Value | None:
        return next((self.value(o) for o in reversed(self.parsed.options) if o.name == name), None)

    def spans(self, option: Option) -> tuple[Span, ...]:
        return tuple(dict.fromkeys((self.arguments[option.word].span, self.arguments[option.value_word].span)))

    def known(self, value: Value, what: str, span: Span) -> str | None:
        """`value` as text, or a diagnostic and None."""
        if value.text is not None:
            return value.text
        unknown = value.first_unknown
        cause = unknown.origin if unknown else "an id"
        self.state.report(
            rules.VALUE_UNKNOWN,
            f"{what} is not known: it depends on {cause}",
            span,
            help_=GIVE_IT,
        )
        return None

    def path(self, value: Value, what: str, span: Span) -> PurePosixPath | None:
        text = self.known(value, what, span)
        if text is None:
            return None
        if self.state.directory is None and not text.startswith("/"):
            self.state.report(rules.VALUE_UNKNOWN, f"{what} is not known: it depends on the directory", span)
            return None
        path = self.state.path(text)
        if path is None:
            self.state.report(rules.HOST_OUTSIDE, f"{what} `{text}` leads out of the repository", span)
        return path

    def may_be_options(self, operand: Operand) -> bool:
        """Whether a word is nothing but an unquoted variable that isn't known: it may be options, or nothing."""
        argument = self.arguments[operand.word]
        return not argument.certain and all(isinstance(p, Unknown) for p in argument.value.parts)

    def id_file(self, option: str, made: Value) -> None:
        name = self.last(option)
        path = self.state.path(name.text) if name is not None and name.text is not None else None
        if path is not None:
            self.state.workspace = self.state.workspace.with_node(path, Written(content=made))

    def saved(self, step: int) -> Output | None:
        """`-o file`, or standard output."""
        stream = Stream(step=step, span=self.command.span)
        name = self.last("output")
        if name is None:
            return stream
        path = self.state.path(name.text) if name.text is not None else None
        if path is not None:
            self.state.workspace = self.state.workspace.with_node(path, Streamed(stream=stream))
        return EMPTY
