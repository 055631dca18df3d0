"""shfmt's JSON → `syntax` statements and commands. Spans come from our own nodes, not from shfmt's ends, which count
semicolons and here-documents in. Raises RefusalError for what is nested too deeply or read otherwise than bash does.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from migrate.shell.refusal import RefusalError
from migrate.shell.shfmt_words import Node, Words
from migrate.shell.syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Assignment,
    Branch,
    Case,
    CaseItem,
    Command,
    Comment,
    ExtendedGlob,
    For,
    Function,
    Group,
    HereDocument,
    If,
    Literal,
    Pipeline,
    Quoting,
    Redirection,
    SimpleCommand,
    Statement,
    Subshell,
    Test,
    Unreadable,
    While,
    Word,
)
from migrate.source import SourceFile, Span

_POSITIONS = frozenset(
    {"Pos", "End", "ValuePos", "ValueEnd", "Position", "Semicolon", "OpPos", "Left", "Right", "Hash"}
)
_CHAINS = {"&&": ("&&", "||"), "||": ("&&", "||"), "|": ("|", "|&"), "|&": ("|", "|&")}


class Tree:
    """Reads one script; `at` turns shfmt's byte offsets into character offsets."""

    def __init__(self, source: SourceFile, at: Sequence[int]) -> None:
        self.source = source
        self.words = Words(source=source, at=at, statements=self.statements)

    def comments(self, file: Node) -> tuple[Comment, ...]:
        """All comments, wherever they hang. A line end or a carriage return before it is not part of one, though shfmt
        counts the line end in behind a backslash."""
        found: list[Comment] = []
        rest: list[Any] = [file]
        while rest if "#" in self.source.text else ():
            node = rest.pop()
            if isinstance(node, list):
                rest.extend(node)
            else:
                rest.extend(v for k, v in node.items() if k not in _POSITIONS and isinstance(v, dict | list))
                if "Hash" in node:
                    start, end = self.words.start(node), self.words.end(node)
                    end = start + len(self.source.text[start:end].partition("\n")[0].rstrip("\r"))
                    found.append(Comment(span=self.source.span(start, end)))
        return tuple(sorted(found, key=lambda comment: comment.span.start))

    def statements(self, nodes: list[Node]) -> tuple[Statement, ...]:
        if nodes:
            self.words.nested(self.words.start(nodes[0]))
        result = tuple(self._statement(node) for node in nodes)
        self.words.depth -= bool(nodes)
        return result

    def _statement(self, node: Node) -> Statement:
        command = self._command(node)
        end = command.span.end
        if "Semicolon" in node:
            end = self.words.offset(node["Semicolon"]) + 1
        return Statement(span=command.span, command=command, background=bool(node.get("Background")), end=end)

    def _command(self, node: Node) -> Command:
        """A statement without what ends it."""
        start = self.words.offset(node["Position"])
        redirections = tuple(self._redirection(r) for r in node.get("Redirs", []))
        for redirection in node.get("Redirs", []):
            number = redirection.get("N", {}).get("Value", "")
            if number and not (number.isascii() and number.isdigit() and len(number) < 10):
                end = max(r.span.end for r in redirections)
                end = max(end, self.words.end(node["Cmd"])) if "Cmd" in node else end
                reason = "a file descriptor in a variable is not read"
                return Unreadable(span=self.source.span(start, end), reason=reason)
        inner = node.get("Cmd", {"Type": "CallExpr"})
        command = self._kind(inner, redirections)
        if node.get("Negated"):
            span = self.source.span(start, command.span.end)
            if isinstance(command, Pipeline) and not command.timed:
                return replace(command, span=span, negated=True)
            return Pipeline(span=span, commands=(command,), negated=True)
        return command

    def _kind(self, node: Node, redirections: tuple[Redirection, ...]) -> Command:
        match node["Type"]:
            case "CallExpr":
                return self._simple(node, redirections)
            case "DeclClause":
                return self._declaration(node, redirections)
            case "BinaryCmd":
                return self._chain(node)
            case "TimeClause":
                return self._timed(node)
            case "FuncDecl":
                return self._function(node)
            case "CoprocClause":
                return Unreadable(span=self._whole(node, redirections), reason="`coproc` is not read")
            case _:
                return self._compound(node, self._whole(node, redirections), redirections)

    def _function(self, node: Node) -> Function:
        """`f() { …; } && b`: bash joins the definition to `b`, shfmt counts `&& b` to the body. Refused, as nobody writes it."""
        body = self._command(node["Body"])
        start = self.words.start(node)
        if isinstance(body, SimpleCommand | AndOr | Pipeline | Function | Unreadable):
            raise RefusalError("a function definition is joined to a command", start=start, end=body.span.end)
        name = self.words.span(node["Name"]).text
        return Function(span=self.source.span(start, body.span.end), name=name, body=body)

    def _compound(self, node: Node, span: Span, redirections: tuple[Redirection, ...]) -> Command:
        match node["Type"]:
            case "Block":
                return Group(span=span, body=self.statements(node.get("Stmts", [])), redirections=redirections)
            case "Subshell":
                return Subshell(span=span, body=self.statements(node.get("Stmts", [])), redirections=redirections)
            case "IfClause":
                return self._if(node, span, redirections)
            case "ForClause":
                return self._for(node, span, redirections)
            case "WhileClause":
                condition, body = self.statements(node.get("Cond", [])), self.statements(node.get("Do", []))
                until = bool(node.get("Until"))
                return While(span=span, condition=condition, body=body, until=until, redirections=redirections)
            case "CaseClause":
                items = tuple(self._item(item) for item in node.get("Items", []))
                return Case(span=span, subject=self.words.word(node["Word"]), items=items, redirections=redirections)
            case "TestClause":
                return Test(span=span, words=tuple(self._test(node["X"])), redirections=redirections)
            case "ArithmCmd":
                text = self.words.text(self.words.offset(node["Left"]) + 2, self.words.offset(node["Right"]))
                return ArithmeticCommand(span=span, text=text, redirections=redirections)
            case "LetClause":
                text = self.words.text(self.words.offset(node["Let"]) + 3, self.words.end(node)).strip()
                return ArithmeticCommand(span=span, text=text, redirections=redirections)
            case other:
                return Unreadable(span=span, reason=f"`{other}` is not known")

    def _whole(self, node: Node, redirections: tuple[Redirection, ...]) -> Span:
        """From the node's start to the end of its last redirection, here-documents' bodies left out."""
        end = max(chain([self.words.end(node)], (r.span.end for r in redirections)))
        return self.source.span(self.words.start(node), end)

    def _simple(self, node: Node, redirections: tuple[Redirection, ...]) -> SimpleCommand:
        assignments = tuple(self._assignment(a) for a in node.get("Assigns", []))
        words = tuple(self.words.word(w) for w in node.get("Args", []))
        if words and isinstance(words[0].parts[0], ExtendedGlob):
            span = words[0].span
            message = f"`{span.text[:2]}` at the start of a command is a pattern only where `extglob` is set"
            raise RefusalError(message, start=span.start, end=span.end)
        return self._simple_command(assignments, words, redirections, ())

    def _declaration(self, node: Node, redirections: tuple[Redirection, ...]) -> SimpleCommand:
        variant = self.words.span(node["Variant"])
        first = Word(span=variant, parts=(Literal(span=variant, text=variant.text, quoting=Quoting.NONE),))
        words, declared = [first], []
        for argument in node.get("Args", []):
            if "Array" in argument:
                declared.append(self._assignment(argument))
            elif "Name" in argument:
                words.append(self.words.prefixed_word(argument, argument.get("Value")))
            else:
                words.append(self.words.word(argument["Value"]))
        return self._simple_command((), tuple(words), redirections, tuple(declared))

    def _simple_command(
        self,
        assignments: tuple[Assignment, ...],
        words: tuple[Word, ...],
        redirections: tuple[Redirection, ...],
        declared: tuple[Assignment, ...],
    ) -> SimpleCommand:
        spans = [
            *(a.span for a in (*assignments, *declared)),
            *(w.span for w in words),
            *(r.span for r in redirections),
        ]
        return SimpleCommand(
            span=self.source.span(min(s.start for s in spans), max(s.end for s in spans)),
            assignments=assignments,
            words=words,
            redirections=redirections,
            declared=declared,
        )

    def _assignment(self, node: Node) -> Assignment:
        name, words = node["Name"], self.words
        start = words.start(node)
        value, array = node.get("Value"), None
        if "Array" in node:
            array = tuple(self._element(e) for e in node["Array"].get("Elems", []))
            end = words.offset(node["Array"]["Rparen"]) + 1
            read = None
        else:
            nowhere = words.bare_end(node) if value is None else 0
            read = words.word(value) if value else Word(span=self.source.span(nowhere, nowhere), parts=())
            end = read.span.end
        index = words.text(words.end(name) + 1, words.end(node["Index"])) if "Index" in node else None
        return Assignment(
            span=self.source.span(start, end),
            name=words.span(name).text,
            value=read,
            append=bool(node.get("Append")),
            index=index,
            array=array,
        )

    def _element(self, node: Node) -> Word:
        return self.words.prefixed_word(node, node.get("Value")) if "Index" in node else self.words.word(node["Value"])

    def _redirection(self, node: Node) -> Redirection:
        target: Word | None = self.words.word(node["Word"])
        here: HereDocument | None = None
        start, end = self.words.start(node), self.words.word(node["Word"]).span.end
        if node["Op"] in ("<<", "<<-"):
            target, here = None, self.words.here_document(node)
        number = node.get("N", {}).get("Value", "")
        fd = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
        span = self.source.span(start, end)
        return Redirection(span=span, operator=node["Op"], fd=fd, target=target, here_document=here)

    def _chain(self, node: Node) -> AndOr | Pipeline:
        """Flattens what stands on the left; a loop, for a chain may be long."""
        operators, right = [node["Op"]], [node["Y"]]
        allowed = _CHAINS[node["Op"]]
        left = node["X"]
        while left.get("Cmd", {}).get("Type") == "BinaryCmd" and not left.get("Negated"):
            inner = left["Cmd"]
            if inner["Op"] not in allowed:
                break
            operators.append(inner["Op"])
            right.append(inner["Y"])
            left = inner["X"]
        commands = tuple(self._command(part) for part in (left, *reversed(right)))
        span = self.source.span(commands[0].span.start, commands[-1].span.end)
        if "|" in allowed:
            return Pipeline(span=span, commands=commands)
        return AndOr(span=span, commands=commands, operators=tuple(reversed(operators)))

    def _timed(self, node: Node) -> Command:
        start = self.words.start(node)
        if "Stmt" not in node:
            return Unreadable(span=self.words.span(node), reason="`time` without a command is not read")
        command = self._command(node["Stmt"])
        span = self.source.span(start, command.span.end)
        if isinstance(command, Pipeline) and not command.negated:
            return replace(command, span=span, timed=True)
        return Pipeline(span=span, commands=(command,), timed=True)

    def _if(self, node: Node, span: Span, redirections: tuple[Redirection, ...]) -> If:
        branches: list[Branch] = []
        otherwise = None
        part: Node | None = node
        while part is not None:
            body = self.statements(part.get("Then", []))
            if "ThenPos" in part:
                condition = self.statements(part.get("Cond", []))
                place = self.source.span(self.words.offset(part["Position"]), body[-1].end)
                branches.append(Branch(span=place, condition=condition, body=body))
            else:
                otherwise = body
            part = part.get("Else")
        return If(span=span, branches=tuple(branches), otherwise=otherwise, redirections=redirections)

    def _for(self, node: Node, span: Span, redirections: tuple[Redirection, ...]) -> For | ArithmeticFor:
        loop, body = node["Loop"], self.statements(node.get("Do", []))
        if loop["Type"] == "CStyleLoop":
            text = self.words.text(self.words.offset(loop["Lparen"]) + 2, self.words.offset(loop["Rparen"]))
            return ArithmeticFor(span=span, text=text, body=body, redirections=redirections)
        words = tuple(self.words.word(w) for w in loop.get("Items", [])) if "InPos" in loop else None
        name = self.words.span(loop["Name"]).text
        select = bool(node.get("Select"))
        return For(span=span, name=name, words=words, body=body, is_select=select, redirections=redirections)

    def _item(self, node: Node) -> CaseItem:
        patterns = tuple(self.words.word(p) for p in node["Patterns"])
        body = self.statements(node.get("Stmts", []))
        end = max(chain((p.span.end for p in patterns), (s.end for s in body)))
        if "OpPos" in node:
            end = self.words.offset(node["OpPos"]) + len(node["Op"])
        span = self.source.span(patterns[0].span.start, end)
        return CaseItem(span=span, patterns=patterns, body=body, terminator=node["Op"])

    def _test(self, node: Node) -> list[Word]:
        """The words of `[[ … ]]` in order. shfmt gives some operators another spelling: the source's counts."""
        match node["Type"]:
            case "BinaryTest":
                return [*self._test(node["X"]), self._operator(node), *self._test(node["Y"])]
            case "UnaryTest":
                return [self._operator(node), *self._test(node["X"])]
            case "ParenTest":
                left, right = self.words.offset(node["Lparen"]), self.words.offset(node["Rparen"])
                return [self._mark(left, left + 1), *self._test(node["X"]), self._mark(right, right + 1)]
            case _:
                return [self.words.word(node)]

    def _operator(self, node: Node) -> Word:
        start = self.words.offset(node["OpPos"])
        return self._mark(start, start + len(node["Op"]))

    def _mark(self, start: int, end: int) -> Word:
        span = self.source.span(start, end)
        return Word(span=span, parts=(Literal(span=span, text=span.text, quoting=Quoting.NONE),))
