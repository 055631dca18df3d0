"""The driver without the commands that go, and with one build: its text edited by span, comments and layout kept."""

import itertools
import re
from dataclasses import dataclass

from migrate.plan.model import DriverPlan
from migrate.shell.syntax import (
    AndOr,
    ArithmeticFor,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Pipeline,
    SimpleCommand,
    Statement,
    Subshell,
    While,
)
from migrate.source import Edit, SourceFile, Span, apply_edits


class UncertainEditError(Exception):
    """A command that goes stands where taking it out would change what stays; `offset` is its place in the script."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Cut:
    """A whole statement that goes, from `start` to behind its terminator."""

    start: int
    end: int


def render_driver(plan: DriverPlan) -> str:
    """The new script. Raises UncertainEditError where a command can't be taken out cleanly."""
    source = plan.script.source
    editor = _Editor(plan)
    editor.whole(plan.script.statements)
    if editor.left:
        raise UncertainEditError("a command that goes stands where it can't be taken out", min(editor.left))
    edits = [*editor.edits, *_whole_lines(source, editor.cuts, plan), *plan.edits]
    return apply_edits(source, _merged(edits))


class _Editor:
    """Finds what to cut: whole statements, or links of an `&&` chain."""

    def __init__(self, plan: DriverPlan) -> None:
        self._removed = {c.span.start for c in plan.removed}
        self._filters = {s.start for s in plan.filters}
        self._source = plan.script.source
        self.left = set(self._removed)
        self.cuts: list[_Cut] = []
        self.edits: list[Edit] = []

    def body(self, statements: tuple[Statement, ...]) -> bool:
        """Take out what goes; True where nothing of the body stays."""
        gone = [self._statement(s) for s in statements]
        if statements and all(gone):
            return True
        self.cuts += [_Cut(start=s.span.start, end=s.end) for s, goes in zip(statements, gone, strict=True) if goes]
        return False

    def whole(self, statements: tuple[Statement, ...]) -> None:
        gone = [self._statement(s) for s in statements]
        self.cuts += [_Cut(start=s.span.start, end=s.end) for s, goes in zip(statements, gone, strict=True) if goes]

    def _statement(self, statement: Statement) -> bool:
        return self._command(statement.command)

    def _command(self, command: Command) -> bool:
        match command:
            case SimpleCommand():
                self.left.discard(command.span.start)
                goes = command.span.start in self._removed
                if goes and any(r.here_document is not None for r in command.redirections):
                    raise UncertainEditError("a command with a here-document can't be taken out", command.span.start)
                return goes
            case AndOr():
                return self._and_or(command)
            case Pipeline(commands=commands):
                return self._pipeline(commands)
            case Group():
                return self.body(command.body)
            case If(branches=branches, otherwise=otherwise):
                for body in (*(b.body for b in branches), otherwise or ()):
                    self._inner(body)
            case For(body=body) | ArithmeticFor(body=body) | While(body=body) | Subshell(body=body):
                self._inner(body)
            case Case(items=items):
                for item in items:
                    self._inner(item.body)
            case Function(body=Group(body=body)):
                self._inner(body)
            case _:
                pass
        return False

    def _inner(self, statements: tuple[Statement, ...]) -> None:
        """The body of a construct that stays: what goes is cut, but something must be left of it."""
        if self.body(statements):
            raise UncertainEditError("taking this out would leave nothing here", statements[0].span.start)

    def _pipeline(self, commands: tuple[Command, ...]) -> bool:
        """All of it goes, or what feeds the command that stays: a build from standard input is one no longer."""
        gone = [self._command(c) for c in commands]
        if not any(gone):
            return False
        passed = [goes or c.span.start in self._filters for c, goes in zip(commands, gone, strict=True)]
        if all(passed):
            return True
        if not all(passed[:-1]):
            raise UncertainEditError("a part of this pipeline stays", commands[0].span.start)
        self.edits.append(Edit(span=self._source.span(commands[0].span.start, commands[-1].span.start), text=""))
        return False

    def _fallbacks(self, link: list[Command]) -> None:
        """What goes of the commands behind `||`, where the one before them stays."""
        for before, command in itertools.pairwise(link):
            if self._command(command):
                self.edits.append(Edit(span=self._source.span(before.span.end, command.span.end), text=""))

    def _and_or(self, node: AndOr) -> bool:
        """Links are what stands between `&&`; a fallback (`|| …`) goes with what it belongs to."""
        links: list[list[Command]] = [[node.commands[0]]]
        for operator, command in zip(node.operators, node.commands[1:], strict=True):
            if operator == "&&":
                links.append([command])
            else:
                links[-1].append(command)
        gone = [self._command(link[0]) for link in links]
        if all(gone):
            return True
        for link, goes in zip(links, gone, strict=True):
            if not goes:
                self._fallbacks(link)
        kept = [i for i, goes in enumerate(gone) if not goes]
        for index, (link, goes) in enumerate(zip(links, gone, strict=True)):
            if not goes:
                continue
            if index < kept[-1]:
                following = links[index + 1][0].span.start
                self.edits.append(Edit(span=self._source.span(link[0].span.start, following), text=""))
            else:
                before = links[index - 1][-1].span.end
                self.edits.append(Edit(span=self._source.span(before, link[-1].span.end), text=""))
        return False


def _merged(edits: list[Edit]) -> list[Edit]:
    """Deletions that touch or overlap become one."""
    result: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end)):
        last = result[-1] if result else None
        if last is not None and not edit.text and not last.text and edit.span.start <= last.span.end:
            end = max(last.span.end, edit.span.end)
            result[-1] = Edit(span=edit.span.file.span(last.span.start, end), text="")
        else:
            result.append(edit)
    return result


def _whole_lines(source: SourceFile, cuts: list[_Cut], plan: DriverPlan) -> list[Edit]:
    """Cuts widened to whole lines where nothing else stands on them, with the comments that speak of them."""
    if not cuts:
        return []
    covered = _covered_lines(source, cuts)
    lines = set(covered)
    for first, last in _paragraphs(source, plan):
        statements = [n for n in range(first, last + 1) if _holds_statement(source.line(n))]
        if statements and all(n in covered for n in statements):
            lines |= set(range(first, last + 1))
    edits = [
        Edit(span=source.span(*source.line_bounds(n)), text="") for n in sorted(lines | _blank_lines(source, lines))
    ]
    for cut in _joined(source, cuts):
        number = source.position(cut.start).line
        if number not in covered:
            edits.append(Edit(span=_within_line(source, cut), text=""))
    return edits


def _covered_lines(source: SourceFile, cuts: list[_Cut]) -> set[int]:
    """Lines on which nothing stands but what goes (and a comment behind it)."""
    lines: set[int] = set()
    by_line: dict[int, list[_Cut]] = {}
    for cut in cuts:
        first, last = source.position(cut.start).line, source.position(max(cut.start, cut.end - 1)).line
        for number in range(first, last + 1):
            by_line.setdefault(number, []).append(cut)
    for number, here in by_line.items():
        start, end = source.line_bounds(number)
        rest, at = "", start
        for cut in sorted(here, key=lambda c: c.start):
            rest += source.text[at : max(at, cut.start)]
            at = max(at, min(cut.end, end))
        rest += source.text[at:end]
        if not re.sub(r"#.*", "", rest).strip(" \t\r\n;\\"):
            lines.add(number)
    spanning = [c for c in cuts if source.position(c.start).line != source.position(max(c.start, c.end - 1)).line]
    for cut in spanning:
        span = range(source.position(cut.start).line, source.position(cut.end - 1).line + 1)
        if not all(n in lines for n in span):
            lines -= set(span)
    return lines


def _paragraphs(source: SourceFile, plan: DriverPlan) -> list[tuple[int, int]]:
    """Comment blocks with the statements under them: from a comment line to before the next blank or comment line."""
    comments = {source.position(c.span.start).line for c in plan.script.comments if _alone(source, c.span.start)}
    found, number = [], 1
    while number <= source.line_count:
        if number not in comments or source.line(number).startswith("#!"):
            number += 1
            continue
        first = number
        while number <= source.line_count and number in comments:
            number += 1
        last = number - 1
        while last + 1 <= source.line_count and source.line(last + 1).strip() and last + 1 not in comments:
            last += 1
        found.append((first, last))
        number = last + 1
    return found


def _alone(source: SourceFile, offset: int) -> bool:
    place = source.position(offset)
    return not source.line(place.line)[: place.column - 1].strip()


def _holds_statement(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def _blank_lines(source: SourceFile, lines: set[int]) -> set[int]:
    """Blank lines that would be left doubled, or at the end of the file."""
    extra: set[int] = set()
    previous_blank = False
    cut_since_text = False
    for number in range(1, source.line_count + 1):
        if number in lines:
            cut_since_text = True
            continue
        blank = not source.line(number).strip()
        if blank and previous_blank and cut_since_text:
            extra.add(number)
        elif not blank:
            cut_since_text = False
        previous_blank = blank
    number = source.line_count
    if cut_since_text or number in lines:
        while number > 0 and (number in lines or not source.line(number).strip()):
            if number not in lines:
                extra.add(number)
            number -= 1
    return extra


def _joined(source: SourceFile, cuts: list[_Cut]) -> list[_Cut]:
    """Cuts that stand side by side on a line as one."""
    result: list[_Cut] = []
    for cut in sorted(cuts, key=lambda c: c.start):
        if result and not source.text[result[-1].end : cut.start].strip(" \t"):
            result[-1] = _Cut(start=result[-1].start, end=cut.end)
        else:
            result.append(cut)
    return result


def _within_line(source: SourceFile, cut: _Cut) -> Span:
    """The cut with the blanks behind it; where it ends the line, with the `;` before it instead."""
    text, start, end = source.text, cut.start, cut.end
    while end < len(text) and text[end] in " \t":
        end += 1
    if end < len(text) and text[end] not in "\r\n#":
        return source.span(start, end)
    before = text[:start].rstrip(" \t")
    return source.span(len(before.removesuffix(";")), cut.end)
