"""Reads a script through bashlex, the one place that imports it. Input: a script; output: its tree, or None where the
guard won't have it, bashlex can't read it, or what it gave doesn't cover the text: each character outside comments and
blanks must belong to exactly one leaf. Raises nothing.
"""

import re
from typing import Any

from migrate.shell import bashlex_guard
from migrate.shell.bashlex_words import UnsoundError, Words
from migrate.shell.syntax import (
    AndOr,
    Assignment,
    Branch,
    Command,
    Comment,
    For,
    Function,
    Group,
    If,
    Pipeline,
    Redirection,
    Script,
    SimpleCommand,
    Statement,
    Subshell,
    While,
    Word,
)
from migrate.source import SourceFile, Span

MAX_DEPTH = 20
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_REDIRECTION = re.compile(r"([0-9]*)(&>>|&>|>>|>&|>\||<>|<&|<|>)[ \t]*")


def read(source: SourceFile) -> Script | None:
    found = bashlex_guard.trusted(source.text)
    if found is None:
        return None
    bones, comments = found
    import bashlex  # 60 ms that `--help` needn't pay

    try:
        statements = _Tree(source, bones).script(bashlex.parse(source.text))
    except Exception:  # noqa: BLE001 — bashlex fails in a dozen ways (AttributeError, AssertionError …); shfmt then reads
        return None
    return Script(
        source=source,
        statements=statements,
        comments=tuple(Comment(span=source.span(start, end)) for start, end in comments),
    )


class _Tree:
    def __init__(self, source: SourceFile, bones: str) -> None:
        self.source = source
        self.bones = bones
        self.depth = 0
        self.words = Words(source=source, bones=bones, taken=bytearray(len(bones)), statements=self.statements)

    def script(self, nodes: list[Any]) -> tuple[Statement, ...]:
        result = tuple(statement for node in nodes for statement in self.statements(node))
        if any(not taken and bone not in " \t\n" for taken, bone in zip(self.words.taken, self.bones, strict=True)):
            raise UnsoundError
        return result

    def statements(self, node: Any) -> tuple[Statement, ...]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnsoundError
        result: list[Statement] = []
        commands: list[Command] = []
        operators: list[str] = []
        for part in node.parts if node.kind == "list" else [node]:
            if part.kind != "operator":
                if len(commands) != len(operators):
                    raise UnsoundError
                commands.append(self.command(part))
            elif part.op in ("&&", "||"):
                self._token(part, part.op)
                operators.append(part.op)
            else:
                end = self._terminator(part)
                result.append(self._statement(commands, operators, end=end, background=part.op == "&"))
                commands, operators = [], []
        if commands:
            result.append(self._statement(commands, operators))
        self.depth -= 1
        return tuple(result)

    def _token(self, node: Any, text: str) -> None:
        """Take an operator or a reserved word; it must stand where bashlex says."""
        if self.source.text[slice(*node.pos)] != text:
            raise UnsoundError
        self.words.take(node.pos[0], node.pos[1])

    def _terminator(self, node: Any) -> int | None:
        """The end of `;` or `&`, None for a line end."""
        if node.op not in (";", "&", "\n"):
            raise UnsoundError
        self._token(node, node.op)
        return None if node.op == "\n" else int(node.pos[1])

    def _statement(
        self, commands: list[Command], operators: list[str], *, end: int | None = None, background: bool = False
    ) -> Statement:
        if len(commands) != len(operators) + 1:
            raise UnsoundError
        command = commands[0]
        if operators:
            span = self.source.span(commands[0].span.start, commands[-1].span.end)
            command = AndOr(span=span, commands=tuple(commands), operators=tuple(operators))
        return Statement(
            span=command.span, command=command, background=background, end=command.span.end if end is None else end
        )

    def command(self, node: Any) -> Command:
        match node.kind:
            case "command":
                return self._simple(node)
            case "pipeline":
                return self._pipeline(node)
            case "compound":
                return self._compound(node)
            case "function":
                return self._function(node)
            case _:
                raise UnsoundError

    def _simple(self, node: Any) -> SimpleCommand:
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        for part in node.parts:
            if part.kind == "redirect":
                redirections.append(self._redirection(part))
            elif part.kind == "assignment" and not words:
                assignments.append(self._assignment(part))
            elif part.kind in ("word", "assignment"):
                words.append(self.words.word(part.pos[0], part.pos[1], part.parts))
            else:
                raise UnsoundError
        spans = [*(a.span for a in assignments), *(w.span for w in words), *(r.span for r in redirections)]
        return SimpleCommand(
            span=self.source.span(min(s.start for s in spans), max(s.end for s in spans)),
            assignments=tuple(assignments),
            words=tuple(words),
            redirections=tuple(redirections),
        )

    def _assignment(self, node: Any) -> Assignment:
        start, end = node.pos
        match = _ASSIGNMENT.match(self.source.text, start, end)
        if match is None:
            raise UnsoundError
        self.words.take(start, match.end())
        value = self.words.word(match.end(), end, node.parts, begins=False)
        span = self.source.span(start, end)
        return Assignment(span=span, name=match[1], value=value, append=bool(match[2]))

    def _redirection(self, node: Any) -> Redirection:
        start, end = node.pos
        match = _REDIRECTION.match(self.source.text, start, end)
        if match is None or match[2] != node.type or getattr(node, "heredoc", None) is not None or len(match[1]) > 9:
            raise UnsoundError
        self.words.take(start, match.end())
        output = node.output
        target = self.words.word(match.end(), end, getattr(output, "parts", ()), begins=False)
        if hasattr(output, "pos") and output.pos != (match.end(), end):
            raise UnsoundError
        fd = int(match[1]) if match[1] else None
        if fd != node.input:
            raise UnsoundError
        return Redirection(span=self.source.span(start, end), operator=match[2], fd=fd, target=target)

    def _pipeline(self, node: Any) -> Pipeline:
        commands: list[Command] = []
        negated = False
        start = node.parts[0].pos[0]
        for part in node.parts:
            if part.kind == "reservedword" and part.word == "!" and not commands and not negated:
                self._token(part, "!")
                negated = True
            elif part.kind == "pipe":
                self._token(part, part.pipe)
            else:
                commands.append(self.command(part))
        span = self.source.span(start, commands[-1].span.end)
        return Pipeline(span=span, commands=tuple(commands), negated=negated)

    def _function(self, node: Any) -> Function:
        name, left, right, body = node.parts
        self._token(left, "(")
        self._token(right, ")")
        word = self.words.word(name.pos[0], name.pos[1], name.parts)
        command = self.command(body)
        span = self.source.span(word.span.start, command.span.end)
        return Function(span=span, name=word.span.text, body=command)

    def _compound(self, node: Any) -> Command:
        if node.list[0].kind == "reservedword":
            parts, start, end = node.list, node.list[0].pos[0], node.list[-1].pos[1]
            kind = node.list[0].word
        else:
            (inner,) = node.list
            parts, (start, end), kind = inner.parts, inner.pos, inner.kind
        sections = self._sections(parts)
        redirections = tuple(self._redirection(r) for r in node.redirects)
        span = self.source.span(start, max([end, *(r.span.end for r in redirections)]))
        match kind, [section[0] for section in sections]:
            case "{", ["{", "}"]:
                return Group(span=span, body=self._body(sections[0]), redirections=redirections)
            case "(", ["(", ")"]:
                return Subshell(span=span, body=self._body(sections[0]), redirections=redirections)
            case (("while" | "until"), [("while" | "until"), "do", "done"]):
                condition, body = self._body(sections[0]), self._body(sections[1])
                return While(
                    span=span, condition=condition, body=body, until=kind == "until", redirections=redirections
                )
            case "for", ["for", *_]:
                return self._for(sections, span, redirections)
            case "if", ["if", "then", *_, "fi"]:
                return self._if(sections, span, redirections)
            case _:
                raise UnsoundError

    def _sections(self, parts: list[Any]) -> list[tuple[str, int, list[Any]]]:
        """`parts` cut before each reserved word: the word, its start, what follows it."""
        sections: list[tuple[str, int, list[Any]]] = []
        for part in parts:
            if part.kind == "reservedword":
                self._token(part, part.word)
                sections.append((part.word, part.pos[0], []))
            else:
                sections[-1][2].append(part)
        return sections

    def _body(self, section: tuple[str, int, list[Any]]) -> tuple[Statement, ...]:
        (node,) = section[2]
        return self.statements(node)

    def _if(self, sections: list[tuple[str, int, list[Any]]], span: Span, redirections: tuple[Redirection, ...]) -> If:
        branches: list[Branch] = []
        otherwise = None
        rest = sections[:-1]
        while rest:
            word, start, _ = rest[0]
            if word == "else" and len(rest) == 1:
                otherwise = self._body(rest[0])
                break
            if word != ("elif" if branches else "if") or rest[1][0] != "then":
                raise UnsoundError
            condition, body = self._body(rest[0]), self._body(rest[1])
            place = self.source.span(start, body[-1].end)
            branches.append(Branch(span=place, condition=condition, body=body))
            rest = rest[2:]
        return If(span=span, branches=tuple(branches), otherwise=otherwise, redirections=redirections)

    def _for(
        self, sections: list[tuple[str, int, list[Any]]], span: Span, redirections: tuple[Redirection, ...]
    ) -> For:
        named = [section for section in sections if section[0] != ";"]
        (name,) = named[0][2]
        words = None
        match [section[0] for section in named]:
            case ["for", "in", "do", "done"]:
                words = tuple(self.words.word(w.pos[0], w.pos[1], w.parts) for w in named[1][2])
            case ["for", "do", "done"]:
                pass
            case _:
                raise UnsoundError
        word = self.words.word(name.pos[0], name.pos[1], name.parts)
        return For(span=span, name=word.span.text, words=words, body=self._body(named[-2]), redirections=redirections)
