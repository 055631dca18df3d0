"""The driver without the commands that go, and with one build: its text edited by span, comments and layout kept."""

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from migrate.drivers.jenkinsfile import is_jenkinsfile
from migrate.drivers.makefile import is_makefile
from migrate.drivers.package import is_package
from migrate.plan.model import DriverPlan
from migrate.render.compose import render_services
from migrate.render.jenkinsfile import render_jenkinsfile
from migrate.render.lines import Cut, UncertainEditError, merged, whole_lines
from migrate.render.makefile import render_makefile
from migrate.render.package import render_package
from migrate.render.workflow import render_workflow
from migrate.shell.syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Literal,
    Node,
    Pipeline,
    Script,
    SimpleCommand,
    Statement,
    Subshell,
    Test,
    While,
    Word,
    walk,
)
from migrate.source import Edit, SourceFile, Span, apply_edits
from migrate.trace.commands import is_question, uses_variable


def render_drivers(plan: DriverPlan) -> dict[PurePosixPath, str | None]:
    """The new text of each file that changes, the driver always; None for a compose file of which nothing is left. Raises
    UncertainEditError where a command can't be taken out cleanly."""
    cuts: dict[SourceFile, dict[Span, Cut]] = {plan.source: {}}
    edits: dict[SourceFile, dict[Span, Edit]] = {plan.source: {}}
    for edit in plan.edits:
        edits.setdefault(edit.span.file, {})[edit.span] = edit
    seen: dict[Span, tuple[frozenset[Span], frozenset[tuple[Span, str]]]] = {}
    for piece in plan.pieces:
        editor = _Editor(plan, piece)
        editor.whole(piece.statements)
        if editor.left:
            raise UncertainEditError(
                "a command that goes stands where it can't be taken out", min(editor.left, key=lambda s: s.start)
            )
        mine = frozenset(_in_file(piece.source.span(c.start, c.end)) for c in editor.cuts)
        words = frozenset((_in_file(e.span), e.text) for e in editor.edits)
        place = piece.source.whole().origin
        if seen.setdefault(place, (mine, words)) != (mine, words):
            raise UncertainEditError("this recipe would have to change in several ways at once", piece.source.whole())
        for span in mine:
            cuts.setdefault(span.file, {})[span] = Cut(start=span.start, end=span.end)
        for span, text in words:
            edits.setdefault(span.file, {})[span] = Edit(span=span, text=text)
    texts: dict[PurePosixPath, str | None] = {
        f.path: _rendered(f, plan, list(cuts.get(f, {}).values()), list(edits.get(f, {}).values()))
        for f in {**cuts, **edits}
    }
    return {**texts, **render_services(plan.services, plan.gone_services)}


def _in_file(span: Span) -> Span:
    """Where an edit of a piece is made. Raises UncertainEditError where only a part of what was expanded would go."""
    if not span.is_exact:
        raise UncertainEditError("what goes is a part of what a variable brings in here", span)
    return span.origin


def _commented(source: SourceFile, plan: DriverPlan) -> set[int]:
    """The lines with comments of the shell."""
    places = (c.span.origin for p in plan.pieces for c in p.comments)
    return {place.position.line for place in places if place.file == source}


def _rendered(source: SourceFile, plan: DriverPlan, cuts: list[Cut], edits: list[Edit]) -> str:
    if is_makefile(source.path):
        return render_makefile(source, cuts, edits, plan.gone)
    if is_jenkinsfile(source.path):
        return render_jenkinsfile(source, cuts, edits, _commented(source, plan))
    if is_package(source.path):
        return render_package(source, cuts, edits)
    if source.path.suffix.lower() in (".yml", ".yaml"):
        return render_workflow(source, cuts, edits, _commented(source, plan))
    lines = _commented(source, plan)
    return apply_edits(source, merged([*edits, *whole_lines(source, cuts, lines)]))


class _Editor:
    """Finds what to cut: whole statements, or links of an `&&` chain."""

    def __init__(self, plan: DriverPlan, piece: Script) -> None:
        self._source = piece.source
        self._comments = piece.comments
        self._pieces = plan.pieces
        self._removed = {c.span.start: c.span for c in plan.removed if c.span.file == piece.source}
        self._filters = {s.start for s in plan.filters if s.file == piece.source}
        self._fed = plan.fed
        self.left = set(self._removed.values())
        self._hollow = self._hollow_functions(piece)
        """Functions of which nothing is left, and that are only called: they go with their calls."""
        self.cuts: list[Cut] = []
        self.edits: list[Edit] = []

    def body(self, statements: tuple[Statement, ...]) -> bool:
        """Take out what goes; True where nothing of the body stays."""
        gone = [self._statement(s) for s in statements]
        if statements and all(gone):
            return True
        self._cut(statements, gone)
        return False

    def whole(self, statements: tuple[Statement, ...]) -> None:
        self._cut(statements, [self._statement(s) for s in statements])

    def _cut(self, statements: tuple[Statement, ...], gone: list[bool]) -> None:
        """Take these out. What stood last decided the status of all: a test that comes to stand there would from now on."""
        self.cuts += [Cut(start=s.span.start, end=s.end) for s, goes in zip(statements, gone, strict=True) if goes]
        left = [s for s, goes in zip(statements, gone, strict=True) if not goes]
        if left and gone[-1] and not left[-1].background and _may_not_hold(left[-1].command):
            raise UncertainEditError("without what goes behind it, this would decide how all of it ends", left[-1].span)

    def _statement(self, statement: Statement) -> bool:
        return self._command(statement.command)

    def _command(self, command: Command) -> bool:
        match command:
            case SimpleCommand():
                return self._simple(command)
            case AndOr():
                return self._and_or(command)
            case Pipeline(commands=commands):
                return self._pipeline(commands)
            case Group():
                return self.body(command.body)
            case If():
                return self._if(command)
            case Subshell(body=body) if not self._source.span(command.span.start, command.span.start + 1).is_written:
                self.whole(body)  # a step of a CI file, whose text has no parentheses
            case For(words=words, body=body) if words and not self._seen_beyond(command, words):
                if self.body(body):
                    return True
            case For(body=body) | ArithmeticFor(body=body) | While(body=body) | Subshell(body=body):
                self._inner(body, waits=isinstance(command, While | ArithmeticFor))
            case Case(items=items):
                for item in items:
                    self._inner(item.body)
            case Function(name=name, body=Group(body=body)) if name in self._hollow:
                for each in body:
                    self._statement(each)
                return True
            case Function(body=Group(body=body)):
                self._inner(body)
            case _:
                pass
        return False

    def _simple(self, command: SimpleCommand) -> bool:
        if _calls(command) in self._hollow:
            return True
        goes = command.span.start in self._removed
        if goes:
            self.left.discard(self._removed[command.span.start])
        if goes and any(r.here_document is not None for r in command.redirections):
            raise UncertainEditError("a command with a here-document can't be taken out", command.span)
        return goes

    def _hollow_functions(self, piece: Script) -> frozenset[str]:
        found: set[str] = set()
        if self._source.chunks or any(_calls_by_value(n) for p in self._pieces for s in p.statements for n in walk(s)):
            return frozenset()
        texts = "\n".join(_code(self._without_removed(p)) for p in self._pieces)
        for function in (s.command for s in piece.statements if isinstance(s.command, Function)):
            body = function.body.body if isinstance(function.body, Group) else ()
            commands = [s.command for s in body]
            if not all(self._is_hollow(c) for c in commands) or all(map(_only_declares, commands)):
                continue
            calls = sum(_calls(c) == function.name for c in _plainly(piece.statements))
            if len(re.findall(rf"(?<![\w-]){re.escape(function.name)}(?![\w-])", texts)) == calls + 1:
                found.add(function.name)
        return frozenset(found)

    def _is_hollow(self, command: Command) -> bool:
        """Whether nothing is left of what a function does; of `x || true` where `x` goes."""
        if isinstance(command, AndOr) and "&&" not in command.operators:
            return self._is_hollow(command.commands[0]) and not _only_declares(command.commands[0])
        if not isinstance(command, SimpleCommand) or any(r.here_document is not None for r in command.redirections):
            return False
        return command.span.start in self._removed or _only_declares(command)

    def _without_removed(self, piece: Script) -> str:
        """The text of what stays."""
        text = piece.source.text
        spans = [s for s in self._removed.values() if s.file == piece.source]
        for span in sorted(spans, key=lambda s: s.start, reverse=True):
            text = text[: span.start] + text[span.end :]
        return text

    def _if(self, command: If) -> bool:
        """It goes as a whole where each of its bodies does and nothing is done to decide between them."""
        bodies = [b.body for b in command.branches] + ([command.otherwise] if command.otherwise is not None else [])
        gone = [self.body(b) for b in bodies]
        asked = [s.command for b in command.branches for s in b.condition]
        if all(gone) and all(map(_only_asks, asked)) and not command.redirections:
            return True
        for each, goes in zip(bodies, gone, strict=True):
            if goes:
                self._emptied(each)
        return False

    def _seen_beyond(self, loop: For, words: tuple[Word, ...]) -> bool:
        """Whether a loop does more than what is in it: by a command among its words, or by its variable behind it."""
        if any(re.search(r"\$\(|`", w.span.text) for w in words):
            return True
        text, span = self._source.text, loop.span
        others = [] if self._source.chunks else [p.source.text for p in self._pieces if p.source != self._source]
        rest = "\n".join((text[: span.start], text[span.end :], *others))
        return uses_variable(loop.name, rest)

    def _inner(self, statements: tuple[Statement, ...], *, waits: bool = False) -> None:
        """The body of a construct that stays: what goes is cut, and something is left of it; what goes may be what a loop `waits`
        for."""
        if not self.body(statements):
            return
        if waits:
            raise UncertainEditError("taking this out would leave a loop that does nothing", statements[0].span)
        self._emptied(statements)

    def _emptied(self, statements: tuple[Statement, ...]) -> None:
        """A body of which nothing is left, which no shell reads: `:` does nothing. The comments right above go as well."""
        first, *others = statements
        self.edits.append(Edit(span=self._source.span(first.span.start, first.span.end), text=":"))
        self.cuts += [Cut(start=s.span.start, end=s.end) for s in others]
        line = self._source.position(first.span.start).line
        starts = {
            self._source.position(c.span.start).line: c.span for c in self._comments if c.span.file == self._source
        }
        while line - 1 in starts and self._source.line(line - 1).lstrip().startswith("#"):
            line -= 1
            self.cuts.append(Cut(start=starts[line].start, end=starts[line].end))

    def _pipeline(self, commands: tuple[Command, ...]) -> bool:
        """All of it goes, or what feeds the command that stays: a build from standard input is one no longer."""
        gone = [self._command(c) for c in commands]
        passed = [goes or c.span.start in self._filters for c, goes in zip(commands, gone, strict=True)]
        if not any(passed):
            return False
        if all(passed):
            return True
        last = commands[-1].span
        fed = any(s.file == last.file and last.start <= s.start and s.end <= last.end for s in self._fed)
        if not all(passed[:-1]) or not fed:
            raise UncertainEditError("a part of this pipeline stays", commands[0].span)
        self.edits.append(Edit(span=self._source.span(commands[0].span.start, commands[-1].span.start), text=""))
        return False

    def _fallbacks(self, link: list[Command]) -> None:
        """What goes of the commands behind `||`, where the one before them stays."""
        for before, command in itertools.pairwise(link):
            if self._command(command):
                self.edits.append(Edit(span=self._source.span(before.span.end, command.span.end), text=""))

    def _and_or(self, node: AndOr) -> bool:
        """Links are what stands between `&&`. A fallback (`|| …`) is there for all that stands before it: it goes with that, and
        stays where any of it does."""
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
            if index > kept[0]:
                before = links[index - 1][-1].span.end
                self.edits.append(Edit(span=self._source.span(before, link[0].span.end), text=""))
                self._fallbacks(link)
            else:
                following = links[index + 1][0].span.start
                self.edits.append(Edit(span=self._source.span(link[0].span.start, following), text=""))
        return False


def _calls(command: Command) -> str | None:
    """The first word of a command that does nothing for its other words; a function, where there is one of that name."""
    match command:
        case SimpleCommand(words=(word, *others), assignments=(), redirections=()) if not _runs(others):
            return word.span.text
        case _:
            return None


def _runs(words: Iterable[Word]) -> bool:
    """Whether something happens where these are expanded: a command, an assignment, an error of `${x:?}`."""
    return any(re.search(r"\$\(|`|[<>]\(|\$\{[^}]*[=?]|\+\+|--\)", w.span.text) for w in words)


def _calls_by_value(node: Node) -> bool:
    """Whether a command's name is only known when it runs (`"$@"`): it may be a function's, named by who starts the script."""
    if not isinstance(node, SimpleCommand) or not node.words:
        return False
    first, *others = node.words
    named = all(isinstance(p, Literal) for p in first.parts)
    asked = first.span.text in ("eval", "trap") and not all(isinstance(p, Literal) for w in others for p in w.parts)
    return not named or asked


def _only_declares(command: Command) -> bool:
    """`local x y=1`: nothing outside the function sees it."""
    match command:
        case SimpleCommand(words=(word, *others), redirections=()):
            return word.span.text == "local" and not command.declared and not _runs(others)
        case _:
            return False


def _plainly(statements: tuple[Statement, ...]) -> Iterator[Command]:
    """The commands that run one after the other, in functions too; none of those that decide anything."""
    for statement in statements:
        match statement.command:
            case AndOr(commands=commands, operators=operators):
                # What stands behind `||` is there for what fails.
                yield commands[0]
                yield from (c for o, c in zip(operators, commands[1:], strict=True) if o == "&&")
            case Function(body=Group(body=body)):
                yield from _plainly(body)
            case command:
                yield command


def _code(text: str) -> str:
    """Without the lines that are comments."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _may_not_hold(command: Command) -> bool:
    """Whether a command that does what it should may end in a status other than 0."""
    match command:
        case AndOr(commands=commands, operators=operators):
            fails = _may_not_hold(commands[0])
            for operator, each in zip(operators, commands[1:], strict=True):
                fails = fails or _may_not_hold(each) if operator == "&&" else fails and _may_not_hold(each)
            return fails
        case Pipeline(commands=commands, negated=negated):
            return negated or _may_not_hold(commands[-1])
        case SimpleCommand(words=words) if words:
            texts = [w.span.text for w in words]
            return texts[0] in ("[", "test", "false", "let") or is_question(texts)
        case Test() | ArithmeticCommand():
            return True
        case Group(body=body) | Subshell(body=body) | For(body=body):
            return bool(body) and _may_not_hold(body[-1].command)
        case If(branches=branches, otherwise=otherwise):
            bodies = [*(b.body for b in branches), *((otherwise,) if otherwise is not None else ())]
            return any(b and _may_not_hold(b[-1].command) for b in bodies)
        case _:
            return False


def _only_asks(command: Command) -> bool:
    """Whether a command is a test that runs nothing else."""
    if re.search(r"\$\(|`|[<>]\(", command.span.text):
        return False
    if isinstance(command, Test):
        return True
    first = command.words[0].span.text if isinstance(command, SimpleCommand) and command.words else ""
    return first in ("[", "test")
