"""The proof of one analysis: both versions as they were followed, and what else is known."""

from collections import Counter
from dataclasses import dataclass, replace

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.discover import Repository
from migrate.plan.model import Facts
from migrate.proof.expressions import Expression
from migrate.proof.model import Difference, Proof, Verdict
from migrate.proof.prove import Given, Version, prove
from migrate.proof.words import tree
from migrate.provenance.model import Provenance
from migrate.source import FileChange, Span
from migrate.trace.events import Trace

_OF_READING = frozenset(
    {
        rules.STARTED_WITHOUT_ARGUMENTS,
        rules.STARTED_WITHOUT_ENVIRONMENT,
        rules.COMMAND_ASSUMED_APART,
        rules.EXTRACTED_WHEN_MISSING,
        rules.STREAMED_DOCKERFILE_ASSUMED,
    }
)
"""What was assumed when the driver was followed: nothing that is said of the trace holds without it."""

_LINES_SHOWN = 14
"""Lines of an expression in a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a proof takes from the phases before it: which files the Dockerfiles of streamed contexts are, what an engine said,
    and which builder builds."""

    provenance: Provenance
    facts: Facts
    buildkit: bool


def prove_analysis(
    repository: Repository, followed: Trace, changes: tuple[FileChange, ...], again: Version, evidence: Evidence
) -> Proof:
    """Whether the files that a plan came to make the same images. The plan itself is not asked."""
    streamed = {b.number: b.path for b in evidence.provenance.builds if b.tree is not None}
    given = Given(facts=evidence.facts, dockerfiles=streamed, buildkit=evidence.buildkit)
    return prove(Version(trace=followed, repository=repository), again, changes, given)


def with_assumptions(proof: Proof, found: tuple[Diagnostic, ...], place: Span) -> tuple[Proof, tuple[Diagnostic, ...]]:
    """A proof under what its reading assumed too, and the findings with what only the proof assumes. The plan tells some things
    at the place that a person would change, the proof where they land: what it tells as often is not said twice."""
    if proof.verdict is Verdict.NOT_PROVED:
        return proof, (*found, _not_proved(proof, place))
    reading = tuple(d for d in found if d.rule in _OF_READING)
    told = {(d.rule, _line(d)) for d in found}
    often = Counter(rule for rule, _ in told)
    needed = Counter(rule for rule, _ in {(d.rule, _line(d)) for d in proof.assumptions})
    new = tuple(d for d in proof.assumptions if (d.rule, _line(d)) not in told and needed[d.rule] > often[d.rule])
    assumptions = (*reading, *proof.assumptions)
    verdict = Verdict.ASSUMING if assumptions else Verdict.PROVED
    return replace(proof, verdict=verdict, assumptions=assumptions), (*found, *new)


def withdrawn(proof: Proof | None, misread: tuple[Diagnostic, ...]) -> Proof | None:
    """A proof where the script ran otherwise than it was read (`misread`; none where it did not): nothing is said any more of
    what the script does. One that failed stays as it is."""
    if proof is None or not misread or proof.verdict is Verdict.NOT_PROVED:
        return proof
    difference = Difference(message="the legacy script did not run what it was read to run")
    return replace(proof, verdict=Verdict.NOT_PROVED, assumptions=misread, difference=difference)


def _not_proved(proof: Proof, place: Span) -> Diagnostic:
    """The first pair of nodes that differ, at the legacy one, both written out; `place` where that has none."""
    difference = proof.difference
    if difference is None:
        raise ValueError("a proof that failed says where")
    sides = {"legacy": difference.legacy, "the new one": difference.migrated}
    spans = [n.span for n in sides.values() if n is not None and n.span is not None]
    return Diagnostic(
        rule=rules.NOT_PROVED,
        message=difference.message,
        primary=Label(span=spans[0] if spans else place),
        secondary=tuple(Label(span=s, text="in the new text") for s in spans[1:]),
        notes=tuple(f"{name}:\n{_written_out(n)}" for name, n in sides.items() if n is not None),
    )


def _written_out(node: Expression) -> str:
    lines = list(tree(node))
    more = [f"… and {len(lines) - _LINES_SHOWN} more lines"] if len(lines) > _LINES_SHOWN else []
    return "\n".join([*lines[:_LINES_SHOWN], *more])


def _line(found: Diagnostic) -> tuple[str, int] | None:
    if found.primary is None:
        return None
    span = found.primary.span
    return str(span.file.path), span.position.line
