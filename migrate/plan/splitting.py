"""A builder whose compiles run one after the other, as stages over a common base that a builder runs side by side.

What stands ahead of the compiles stays, as the base; each compile becomes a stage of its own, and what is taken of it comes from
there. Docker's documentation, "Multi-stage builds": BuildKit runs stages that don't need each other at the same time.
"""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.dockerfile.instructions import Dockerfile, Instruction, Stage
from migrate.dockerfile.scope import working_directory
from migrate.plan.naming import Names, clean
from migrate.plan.texts import called
from migrate.provenance.compilers import Compile, covers, depends, read_compiles
from migrate.source import Edit, Span

_PATTERN = "*?["


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One builder stage divided: the names of its base and of the stages over it, and the edits that do it."""

    base: str
    branches: tuple[str, ...]
    edits: tuple[Edit, ...]


class _NotSplitError(Exception):
    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.diagnostic = at(rules.NOT_SPLIT, message, span)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A compile in its RUN, as the Dockerfile has it; `apart` where it stands behind another one in the same RUN, after `gap`."""

    instruction: Instruction
    compiled: Compile
    gap: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    pieces: tuple[_Piece, ...]
    name: str


def split_builders(dockerfile: Dockerfile, kept: Collection[str]) -> tuple[tuple[Split, ...], tuple[Diagnostic, ...]]:
    """Every builder stage that can be divided; NOT_SPLIT at the place that keeps one with several compiles from it. `kept` are
    stages, in lower case, that something else asks for by name; `$` stands for any."""
    found: list[Split] = []
    why_not: list[Diagnostic] = []
    names = Names((dockerfile,))
    names.taken |= {s.name.text.lower() for s in dockerfile.stages if s.name is not None}
    for stage in dockerfile.stages[:-1]:
        try:
            split = _split(dockerfile, stage, names, kept)
        except _NotSplitError as error:
            why_not.append(error.diagnostic)
            continue
        found += [split] if split is not None else []
    return tuple(found), tuple(why_not)


def _split(dockerfile: Dockerfile, stage: Stage, names: Names, kept: Collection[str]) -> Split | None:
    """None where there is nothing to divide."""
    pieces = _tail(dockerfile, stage)
    if len(pieces) < 2:
        return None
    own = stage.name.text.lower() if stage.name is not None else None
    if own is None:
        return None  # names come first
    if own in kept or "$" in kept:
        how = "by name" if own in kept else "perhaps, by a variable,"
        raise _NotSplitError(f"the stage `{own}` is asked for {how} elsewhere", stage.instruction.span)
    takers = _takers(dockerfile, stage, own)
    joined = _joined_pieces(pieces)
    wanted = [_Branch(pieces=tuple(p), name="") for p in joined]
    taking = [(t, tuple(_taken(t, a.text, wanted) for a in t.arguments[:-1])) for t in takers]
    used = {b for _, taken in taking for b in taken if b is not None}
    unused = next((b for b in range(len(wanted)) if b not in used), None)
    if unused is not None:
        raise _NotSplitError("nothing takes what this compile makes", wanted[unused].pieces[0].instruction.span)
    if len(wanted) < 2:
        raise _NotSplitError("these compiles need each other's outputs", pieces[0].instruction.span)
    base = names.give("base", f"{own}-base")
    branches = [_Branch(pieces=b.pieces, name=names.give(_name(b), f"{_name(b)}-{n}")) for n, b in enumerate(wanted, 2)]
    edits = [called(stage, base)]
    newline = "\r\n" if "\r\n" in dockerfile.source.text else "\n"
    for branch in branches:
        edits.append(_head(stage, branch, base, newline))
    for instruction, taken in taking:
        edits.append(_copy(instruction, taken, base, branches, newline))
    return Split(base=base, branches=tuple(b.name for b in branches), edits=tuple(edits))


def _tail(dockerfile: Dockerfile, stage: Stage) -> list[_Piece]:
    """The compiles that end a stage."""
    folders = working_directory(dockerfile, stage, {})
    pieces: list[_Piece] = []
    for instruction, folder in reversed(list(zip(stage.instructions, folders, strict=True))):
        found = _pieces(instruction, folder)
        if not found:
            break
        pieces = [*found, *pieces]
    return pieces


def _pieces(instruction: Instruction, folder: str | None) -> list[_Piece]:
    """The compiles of a RUN; none where it does anything else."""
    mounts = [f.value or "" for f in instruction.flags if f.name == "mount"]
    plain = len(mounts) == len(instruction.flags) and all("type=cache" in m.split(",") for m in mounts)
    if instruction.keyword != "RUN" or instruction.json or instruction.here_documents or not plain:
        return []
    compiles = read_compiles(instruction.text, folder)
    if not compiles:
        return []
    written = instruction.arguments[0].span
    exact = read_compiles(written.text, folder) if len(compiles) > 1 else None
    if exact is None or len(exact) != len(compiles):
        # of several in one RUN the places aren't known: a comment stands between
        outputs = tuple(o for c in compiles for o in c.outputs)
        named = frozenset(n for c in compiles for n in c.named)
        whole = Compile(outputs=outputs, named=named, span=written)
        return [_Piece(instruction=instruction, compiled=whole)]
    found = [_Piece(instruction=instruction, compiled=exact[0])]
    for before, each in itertools.pairwise(exact):
        gap = written.file.span(written.start + before.span.end, written.start + each.span.start)
        found.append(_Piece(instruction=instruction, compiled=each, gap=gap))
    return found


def _joined_pieces(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """What needs another one's output runs behind it in the same stage."""
    groups: list[list[_Piece]] = []
    for piece in pieces:
        needing = [i for i, g in enumerate(groups) if any(depends(piece.compiled, p.compiled) for p in g)]
        if not needing:
            groups.append([piece])
            continue
        first = needing[0]
        # neighbours stay neighbours: no text is moved
        groups[first:] = [[p for g in groups[first:] for p in g] + [piece]]
    return groups


def _takers(dockerfile: Dockerfile, stage: Stage, own: str) -> list[Instruction]:
    """The COPYs that take from a stage. Raises where something else needs it."""
    found = []
    for later in dockerfile.stages[stage.index + 1 :]:
        if later.image.text.lower() == own:
            raise _NotSplitError(f"a stage is made from `{own}` as a whole", later.instruction.span)
        for instruction in later.instructions:
            flag = instruction.flag("from")
            if any(f"from={own}" in (f.value or "").lower().split(",") for f in instruction.flags if f.name == "mount"):
                raise _NotSplitError(f"a mount shows `{own}` as a whole", instruction.span)
            if flag is not None and flag.value is not None and flag.value.lower() == own:
                found.append(instruction)
    return found


def _taken(instruction: Instruction, source: str, branches: Sequence[_Branch]) -> int | None:
    """Which branch makes a source of a COPY; None where that stands in the base."""
    if "$" in source or any(c in source for c in _PATTERN):
        raise _NotSplitError(f"which compile makes `{source}` is not known", instruction.span)
    path = "/" + source.strip("/").removesuffix("/.")
    makers = [
        i
        for i, b in enumerate(branches)
        if any(covers(o, path) for p in b.pieces for o in p.compiled.outputs) or path in ("/", "/.")
    ]
    if len(makers) > 1:
        raise _NotSplitError(f"`{source}` holds what several compiles make", instruction.span)
    return makers[0] if makers else None


def _name(branch: _Branch) -> str:
    output = PurePosixPath(branch.pieces[-1].compiled.outputs[0])
    return f"build-{clean(output.stem) or 'part'}"


def _head(stage: Stage, branch: _Branch, base: str, newline: str) -> Edit:
    """FROM ahead of a branch's first compile, and ahead of the comments right above it; with the ARGs of the stage, which aren't
    handed on by every builder."""
    first = branch.pieces[0]
    source, instruction = stage.span.file, first.instruction
    lower = stage.instruction.span.text.startswith("from")
    head = f"{'from' if lower else 'FROM'} {base} {'as' if lower else 'AS'} {branch.name}{newline}"
    for each in stage.instructions:
        if each.keyword == "ARG" and each.span.start < instruction.span.start:
            head += each.span.text + newline
    if first.gap is not None:
        run = source.text[instruction.span.start : instruction.arguments[0].span.start]
        return Edit(span=first.gap, text=newline * 2 + head + run)
    line = source.position(instruction.span.start).line
    while line > 1 and source.line(line - 1).lstrip().startswith("#"):
        line -= 1
    start = source.line_bounds(line)[0]
    blank = line > 1 and not source.line(line - 1).strip()
    return Edit(span=source.span(start, start), text=head if blank else newline + head)


def _copy(
    instruction: Instruction, taken: Sequence[int | None], base: str, branches: Sequence[_Branch], newline: str
) -> Edit:
    """A COPY of the undivided stage, as one for each stage that it takes from; in the order of its sources."""
    origins = [base if b is None else branches[b].name for b in taken]
    flag = instruction.flag("from")
    if flag is None:
        raise ValueError("a COPY that takes from a stage says which")
    if len(set(origins)) == 1:
        return Edit(span=flag.span, text=f"--from={origins[0]}")
    text = instruction.span.file.text
    *sources, destination = instruction.arguments
    if "#" in instruction.span.text:
        raise _NotSplitError("a comment stands within this COPY", instruction.span)
    lines: list[tuple[str, list[str]]] = []
    for origin, source in zip(origins, sources, strict=True):
        if not lines or lines[-1][0] != origin:
            lines.append((origin, []))
        lines[-1][1].append(source.span.text)
    before = text[instruction.span.start : flag.span.start]
    after = text[flag.span.end : sources[0].span.start].removesuffix("[").strip(" \t\\\r\n")
    after = f" {after} " if after else " "
    said = []
    for origin, words in lines:
        given = [*words, destination.span.text]
        said.append(
            f"{before}--from={origin}{after}" + (f"[{', '.join(given)}]" if instruction.json else " ".join(given))
        )
    return Edit(span=instruction.span, text=newline.join(said))
