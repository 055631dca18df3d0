"""A driver followed as it is started: the trace of one start, and of each of its other targets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from migrate.diagnostics import Diagnostic
from migrate.discover import Driver, Repository
from migrate.drivers.package import is_package
from migrate.drivers.script import Start, make_start, npm_start, started
from migrate.pipeline.goals import Follow
from migrate.source import SourceFile
from migrate.trace.events import Trace
from migrate.trace.interpreter import trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """How the driver is started: its arguments, what is known of its environment, and which of a Makefile's targets are made."""

    arguments: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def traced(
    repository: Repository, source: SourceFile, start: Start, inputs: Inputs
) -> tuple[Trace | None, tuple[Diagnostic, ...]]:
    entry, found = started(source, start)
    if entry is None:
        return None, found
    followed = trace(
        entry.script,
        repository,
        directory=start.directory,
        name=start.name,
        arguments=start.arguments,
        environment=inputs.environment,
        bare=start.bare,
        driver=None if start.is_script else source,
        unknowns=entry.unknowns,
        afresh=entry.afresh,
    )
    return followed, found


def following(repository: Repository, driver: Driver, source: SourceFile, start: Start, inputs: Inputs) -> Follow:
    """Each target is followed once."""
    known: dict[tuple[str, ...], Trace] = {}

    called = npm_start if is_package(driver.path) else make_start

    def follow(goals: tuple[str, ...]) -> Trace:
        if goals not in known:
            commands = called(driver, goals, inputs.arguments, bare=start.bare).commands
            other = replace(start, commands=commands, afresh=frozenset())
            followed, _ = traced(repository, source, other, inputs)
            if followed is None:
                raise ValueError("the start of make or npm is shell")
            known[goals] = followed
        return known[goals]

    return follow
