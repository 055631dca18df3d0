"""Builders divided into stages that are built side by side, where that is proved, built, and quicker."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Severity, at
from migrate.discover import Driver, Repository, texts_with
from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.reader import read_dockerfile
from migrate.drivers.script import Start
from migrate.engine.steps import Report
from migrate.outcome import BuildOutcome, Gain, Status
from migrate.pipeline.following import Inputs
from migrate.pipeline.proving import with_assumptions
from migrate.pipeline.rebuilding import rebuild
from migrate.pipeline.refining import Refinement, version
from migrate.pipeline.verification import VerifyOptions
from migrate.plan.splitting import Split, split_builders
from migrate.proof.model import Verdict
from migrate.proof.prove import Given, prove
from migrate.source import FileChange, SourceFile, Span, apply_edits, decode, encode

WORTH_IT = 0.95
"""A divided builder that takes more of the time than this is not kept: two measurements of one build differ by as much."""
_SHARED = "what the compiles share is made for each: let a RUN ahead of them make it, such as `go build std`"
_TARGET = re.compile(r"(?:--target(?:=|\s+)|\btarget\s*[:=]\s*)[\"']?(\$|[\w.-]+)")
_LARGEST = 256 * 1024


def divided(
    repository: Repository,
    outcome: BuildOutcome,
    path: PurePosixPath,
    how: tuple[Driver, Start],
    inputs: Inputs,
    options: VerifyOptions,
    report: Report,
) -> BuildOutcome:
    """`outcome` with the builders of the Dockerfile at `path` divided, which its changes leave there; or with the reason why it
    stays as it is. `how` is what builds it."""
    texts = {c.path: None if c.after is None else decode(c.after) for c in outcome.changes}
    changed = repository.changed(texts)
    source = changed.source(path)
    dockerfile, _ = read_dockerfile(source) if source is not None else (None, ())
    if dockerfile is None:
        return outcome
    splits, why_not = split_builders(dockerfile, asked_for(changed))
    outcome = replace(outcome, diagnostics=(*outcome.diagnostics, *why_not))
    if not splits:
        return outcome
    refinement = _refinement(repository, outcome, dockerfile, splits, how, inputs)
    if refinement.proof.verdict is Verdict.NOT_PROVED:
        return _undivided(outcome, refinement.place, "it is not proved that the images stay the same", refinement)
    verified = rebuild(repository, refinement, inputs, options, report)
    measured = verified.verification
    if verified.status is not Status.PLANNED or measured is None:
        failed = "a build fails" if verified.status is Status.BUILD_FAILED else "divided, the images differ"
        reason = verified.not_verified or failed
        errors = tuple(d for d in verified.diagnostics if d.severity is Severity.ERROR)
        return _undivided(outcome, refinement.place, reason, refinement, errors)
    before, after = measured.legacy_seconds, measured.migrated_seconds
    if after > WORTH_IT * before:
        left = _undivided(
            outcome, refinement.place, f"it would take {after:.1f} s instead of {before:.1f} s", refinement
        )
        *others, told = left.diagnostics
        return replace(left, diagnostics=(*others, replace(told, help=_SHARED)))
    stages = tuple(n for s in splits for n in s.branches)
    gain = Gain(dockerfile=path, stages=stages, before=before, after=after)
    status = Status.PLANNED if outcome.status is Status.UNCHANGED else outcome.status
    return replace(outcome, status=status, changes=refinement.changes, gains=(*outcome.gains, gain))


def asked_for(repository: Repository) -> frozenset[str]:
    """Names that texts of the repository give for a target, in lower case; `$` where one is a variable's to say."""
    texts = texts_with(repository, ("target",), _LARGEST)
    return frozenset(m.lower() for t in texts if not repository.hides(t.path) for m in _TARGET.findall(t.text))


def _refinement(
    repository: Repository,
    outcome: BuildOutcome,
    dockerfile: Dockerfile,
    splits: tuple[Split, ...],
    how: tuple[Driver, Start],
    inputs: Inputs,
) -> Refinement:
    path, (driver, start) = dockerfile.source.path, how
    edits = [e for s in splits for e in s.edits]
    text = apply_edits(dockerfile.source, edits)
    after, _ = read_dockerfile(SourceFile(path=path, text=text))
    if after is None:
        raise ValueError("dividing a builder makes no Dockerfile unreadable")
    changes = _composed(
        outcome.changes, FileChange(path=path, before=encode(dockerfile.source.text), after=encode(text))
    )
    texts = {c.path: None if c.after is None else decode(c.after) for c in outcome.changes}
    old = version(repository.changed(texts), driver.path, start, inputs)
    new = version(repository.changed({**texts, path: text}), driver.path, start, inputs)
    proof = prove(old, new, changes, Given(facts={}, dockerfiles={}, buildkit=True, apart=True))
    place = edits[0].span
    proof, diagnostics = with_assumptions(proof, (), place)
    return Refinement(
        driver=driver,
        start=start,
        before=dockerfile,
        after=after,
        what="",
        place=place,
        changes=changes,
        diagnostics=diagnostics,
        proof=proof,
        base=outcome.changes,
        timed=True,
    )


def _composed(changes: tuple[FileChange, ...], last: FileChange) -> tuple[FileChange, ...]:
    """`last` made after `changes`, as one."""
    found = [replace(c, after=last.after) if c.path == last.path else c for c in changes]
    return tuple(found) if any(c.path == last.path for c in changes) else (*found, last)


def _undivided(
    outcome: BuildOutcome, place: Span, message: str, refinement: Refinement, errors: tuple[Diagnostic, ...] = ()
) -> BuildOutcome:
    told = at(rules.NOT_SPLIT, f"the builder stays one stage: {message}", place)
    more = errors or tuple(d for d in refinement.diagnostics if d.rule is rules.NOT_PROVED)
    notes = tuple(note for d in more for note in (d.message, *d.notes))
    return replace(outcome, diagnostics=(*outcome.diagnostics, replace(told, notes=notes)))
