"""What an interpreter holds while it goes through a script: variables, files, containers, and the steps so far."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from migrate.diagnostics import Diagnostic, Label, Rule
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace.events import ContainerCreate, Event, ImageBuild, Traced
from migrate.trace.expand import Variables
from migrate.trace.paths import resolve
from migrate.trace.values import ContainerId, Value
from migrate.trace.workspace import Workspace


@dataclass(slots=True, kw_only=True)
class State:
    """The one mutable thing of the phase. `directory` is where the script stands, relative to the repository's root;
    None where that isn't known. `owner` is the simple command of the script that the present one belongs to; `ended` is
    set behind an `exit` that is always reached."""

    workspace: Workspace
    directory: PurePosixPath | None
    variables: dict[str, Value]
    unset: set[str]
    owner: SimpleCommand | None = None
    ended: bool = False
    containers: list[ContainerCreate] = field(default_factory=list)
    builds: list[ImageBuild] = field(default_factory=list)
    steps: list[Traced] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def path(self, text: str) -> PurePosixPath | None:
        """A host path relative to the repository's root; None where it leads out of it or the directory isn't known."""
        return resolve(self.workspace.root, self.directory, text) if self.directory is not None else None

    def scope(self) -> Variables:
        known = self.variables
        if self.directory is not None and "PWD" not in known:
            known = {**known, "PWD": Value.of(str(self.workspace.root / self.directory))}
        return Variables(known=known, unset=frozenset(self.unset))

    def assign(self, name: str, value: Value) -> None:
        self.variables[name] = value
        self.unset.discard(name)

    def emit(self, event: Event, command: SimpleCommand) -> None:
        self.steps.append(Traced(event=event, command=self.owner or command))

    def report(
        self, rule: Rule, message: str, span: Span, *, help_: str | None = None, note: str | None = None
    ) -> None:
        diagnostic = Diagnostic(
            rule=rule, message=message, primary=Label(span=span), help=help_, notes=(note,) if note else ()
        )
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def container(self, value: Value) -> ContainerCreate | None:
        """The container that `value` names or is the id of; the latest one of a name."""
        if len(value.parts) == 1 and isinstance(value.parts[0], ContainerId):
            return self.containers[value.parts[0].number]
        return next((c for c in reversed(self.containers) if c.name == value), None)
