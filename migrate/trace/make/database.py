"""What make has read: variables and rules, in the order in which a Makefile gives them (GNU make manual, 3 to 6, 10).

Where a conditional depends on what isn't known, both ways are read: a variable that differs is unknown behind, a target that
differs is `unsure`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from migrate.drivers.makefile import (
    Assignment,
    Conditional,
    Export,
    Include,
    Malformed,
    Node,
    Recipe,
    Rule,
    Undefine,
    Vpath,
    collapsed,
    outside_references,
    raw_words,
    read_makefile,
    split_assignment,
)
from migrate.source import SourceFile, Span
from migrate.trace.make.expansion import Expansion, Host, MakeError, words_of
from migrate.trace.make.functions import matches
from migrate.trace.make.variables import MakeVariable, Scope, simple
from migrate.trace.values import EMPTY, Unknown, Value

MAX_INCLUDES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Prerequisite:
    """One word of a rule, and where it was written."""

    name: Value
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAssignment:
    """A variable of a target, and of what it depends on. `immediate` holds what `:=` came to where it was read."""

    name: str
    operator: str
    text: str
    immediate: Value
    span: Span
    exported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a rule does: its prerequisites, and its recipe's lines (None: it has none)."""

    prerequisites: tuple[Prerequisite, ...] = ()
    order_only: tuple[Prerequisite, ...] = ()
    recipe: tuple[Span, ...] | None = None
    stem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An explicit target. `double` are the ways of its double-colon rules; `unsure` is the conditional that decides about it,
    where that isn't known; `place` is the line of its (last) rule with a recipe."""

    name: Value
    place: Span
    way: Way = field(default_factory=Way)
    double: tuple[Way, ...] = ()
    variables: tuple[TargetAssignment, ...] = ()
    unsure: Span | None = None
    bare: bool = False
    """Whether only variables of it were seen: it is no target yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternRule:
    """`%.b: %.a`."""

    targets: tuple[str, ...]
    way: Way
    place: Span
    unsure: Span | None = None


@dataclass(slots=True, kw_only=True)
class Database:
    """`exports` are variables that recipes see, `hidden` those that they don't; `goal` is the first target."""

    scope: Scope = field(default_factory=Scope)
    targets: dict[Value, Target] = field(default_factory=dict)
    patterns: tuple[PatternRule, ...] = ()
    pattern_variables: tuple[tuple[str, TargetAssignment], ...] = ()
    phony: frozenset[Value] = frozenset()
    ignoring: frozenset[Value] | None = frozenset()
    default: Way | None = None
    exports: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    exports_all: bool = False
    one_shell: bool = False
    second_expansion: bool = False
    goal: Value | None = None
    files: tuple[str, ...] = ()

    def copy(self) -> "Database":
        return replace(self, scope=self.scope.copy(), targets=dict(self.targets))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Current:
    """The rule that recipe lines belong to. `begun` once it has one."""

    kind: str = "none"
    names: tuple[Value, ...] = ()
    way: Way = field(default_factory=Way)
    place: Span | None = None
    begun: bool = False


_SPECIAL = frozenset(
    ".SILENT .DELETE_ON_ERROR .NOTPARALLEL .SUFFIXES .PRECIOUS .INTERMEDIATE .SECONDARY .POSIX .LOW_RESOLUTION_TIME .WAIT"
    .split()
)  # fmt: skip
"""Targets that decide nothing that is followed."""


class Reader:
    """Reads nodes into a Database. `report` is called with what can't be followed, `source` gives the text of a file.

    Raises MakeError where make would end, and FunctionError never.
    """

    def __init__(
        self,
        database: Database,
        host: Host,
        report: Callable[[str, Span], None],
        source: Callable[[str], SourceFile | None],
    ) -> None:
        self.database = database
        self._host = host
        self._report = report
        self._source = source
        self._current = _Current()

    def expansion(self) -> Expansion:
        return Expansion(self.database.scope, self._host)

    def file(self, source: SourceFile) -> None:
        if len(self.database.files) > MAX_INCLUDES:
            raise MakeError("Makefiles include each other without end", source.span(0, 0))
        self.database.files = (*self.database.files, str(source.path))
        outer, self._current = self._current, _Current()
        self.read(read_makefile(source))
        self._current = outer

    def read(self, nodes: tuple[Node, ...]) -> None:
        for node in nodes:
            self._node(node)

    def evaluate(self, text: Value, span: Span) -> None:
        """`$(eval …)`, and lines that an expansion gives: read as a Makefile of their own."""
        if text.text is None:
            self._report("what is evaluated here is not known", span)
            return
        outer, self._current = self._current, _Current()
        self.read(read_makefile(SourceFile.derived(span.file.path, [(text.text, span, False)])))
        self._current = outer

    def _node(self, node: Node) -> None:
        if not isinstance(node, Recipe | Conditional):
            self._current = _Current()
        match node:
            case Assignment():
                self._assign(node)
            case Conditional():
                self._conditional(node)
            case Include(names=names, span=span, optional=optional):
                self._include(names, span, optional=optional)
            case Export(names=names, on=on, span=span):
                self._export(names, span, on=on)
            case Undefine(name=name, span=span):
                self.database.scope.names[self.expansion().value(name, span).text or name] = None
            case Vpath(span=span):
                self._report("`vpath` is not followed", span)
            case Recipe(span=span):
                self._line(span)
            case Rule(span=span):
                self._rule(span)
            case Malformed(span=span, reason=reason):
                raise MakeError(reason, span)

    # variables

    def _assign(self, node: Assignment) -> None:
        name = self.expansion().value(node.name, node.span).text
        if name is None:
            self._report("the name of the variable that is set here is not known", node.span)
            return
        if "private" in node.modifiers:
            self._report("`private` is not followed", node.span)
        if "export" in node.modifiers:
            self.database.exports |= {name}
        self.define(name, node.operator, node.value, node.span, override="override" in node.modifiers)

    def define(self, name: str, operator: str, text: str, span: Span, *, override: bool = False) -> None:
        scope = self.database.scope
        before = scope.get(name)
        if before is not None and before.origin == "command line" and not override:
            return
        if name == ".RECIPEPREFIX" or (name in ("VPATH", "GPATH") and text.strip()):
            self._report(f"`{name}` is not followed", span)
        origin = "override" if override else "file"
        match operator:
            case "?=":
                self._default(name, text, span)
            case "+=":
                self._append(name, text, span, origin)
            case "=":
                scope.names[name] = MakeVariable(text=text, value=EMPTY, origin=origin, span=span)
            case "!=":
                scope.names[name] = simple(self._host.shell(self.expansion().value(text, span), span), origin, span)
            case _:
                scope.names[name] = simple(self.expansion().value(text, span), origin, span)

    def _default(self, name: str, text: str, span: Span) -> None:
        """`name ?= text`: the environment may have it."""
        scope = self.database.scope
        if scope.get(name) is not None:
            return
        given = self._host.environment(name, span) if name not in scope.names else None
        if given is None:
            scope.names[name] = MakeVariable(text=text, value=EMPTY, origin="file", span=span)
        elif given.text is None:
            scope.names[name] = simple(_by_default(name, self.expansion().value(text, span), span), "environment", span)

    def _append(self, name: str, text: str, span: Span, origin: str) -> None:
        scope = self.database.scope
        before = scope.get(name)
        if before is None:
            given = self._host.environment(name, span) if name not in scope.names else None
            if given is None:
                scope.names[name] = MakeVariable(text=text, value=EMPTY, origin=origin, span=span)
                return
            before = simple(given, "environment", span)
        if before.text is not None:
            whole = f"{before.text} {text}" if before.text else text
            scope.names[name] = replace(before, text=whole, span=span)
            return
        added = self.expansion().value(text, span)
        between = Value.of(" ") if before.value.parts else EMPTY
        scope.names[name] = replace(before, value=before.value + between + added, span=span)

    def _export(self, names: str, span: Span, *, on: bool) -> None:
        database = self.database
        listed = self.expansion().value(names, span)
        if not listed.parts:
            database.exports_all = on
        for word in words_of(listed):
            if word.text is None:
                continue
            database.exports = database.exports | {word.text} if on else database.exports - {word.text}
            database.hidden = database.hidden - {word.text} if on else database.hidden | {word.text}

    def _include(self, names: str, span: Span, *, optional: bool) -> None:
        for word in words_of(self.expansion().value(names, span)):
            if word.text is None:
                self._report("which file is included here is not known", span)
                continue
            found = [word.text]
            if re.search(r"[*?\[]", word.text):
                found = (self._host.wildcard(word.text, span).text or "").split()
            for name in found:
                source = self._source(name)
                if source is not None:
                    self.file(source)
                elif not optional:
                    raise MakeError(f"`{name}` is included here, and is not there", span)

    # conditionals

    def _conditional(self, node: Conditional) -> None:
        holds = self._holds(node)
        if holds is not None:
            self.read(node.then if holds else node.otherwise)
            return
        before, current = self.database, self._current
        self.database = before.copy()
        self.read(node.then)
        yes, behind = self.database, self._current
        self.database, self._current = before.copy(), current
        self.read(node.otherwise)
        if behind != self._current:
            self._current = _Current(kind="unsure", place=node.span)
        self.database = joined(yes, self.database, node.span)

    def _holds(self, node: Conditional) -> bool | None:
        expansion = self.expansion()
        positive = not node.kind.startswith("ifn")
        if node.kind in ("ifdef", "ifndef"):
            name = expansion.value(node.argument, node.span).text
            known = expansion.is_set(name.strip(), node.span) if name is not None else None
            return None if known is None else known is positive
        arguments = _compared(node.argument)
        if arguments is None:
            raise MakeError("this conditional compares nothing", node.span)
        one, other = (expansion.value(a, node.span) for a in arguments)
        if one == other:
            return positive
        if one.text is not None and other.text is not None:
            return not positive
        return None if _may_be_equal(one, other) else not positive

    # rules

    def _line(self, span: Span) -> None:
        current, database = self._current, self.database
        if current.kind == "unsure":
            self._report("which rule this line belongs to is not known", span)
            return
        if current.kind == "none":
            raise MakeError("recipe commences before first target", span)
        for name in current.names:
            target = database.targets[name]
            if current.kind == "double":
                last = replace(target.double[-1], recipe=(*(target.double[-1].recipe or ()), span))
                database.targets[name] = replace(target, double=(*target.double[:-1], last))
            elif current.begun:
                recipe = (*(target.way.recipe or ()), span)
                database.targets[name] = replace(target, way=replace(target.way, recipe=recipe))
            else:
                database.targets[name] = _begun(target, current, span)
        if current.kind == "pattern":
            rule = database.patterns[-1]
            rule = replace(rule, way=replace(rule.way, recipe=(*(rule.way.recipe or ()), span)))
            database.patterns = (*database.patterns[:-1], rule)
        elif current.kind == "default":
            way = database.default or Way()
            database.default = replace(way, recipe=(*(way.recipe or ()), span))
        self._current = replace(current, begun=True)

    def _rule(self, span: Span) -> None:
        text = span.text
        colon = next((i for i, c in outside_references(text) if c == ":"), None)
        if colon is None:
            value = self.expansion().value(collapsed(text), span)
            if value.text is None or value.text.strip():
                if value.text is not None and not re.search(r"[:=]|\binclude\b", value.text):
                    raise MakeError("missing separator", span)
                self.evaluate(value, span)
            return
        double = text[colon : colon + 2] == "::"
        head = (
            text[:colon].rstrip(" \t").removesuffix("&") if text[:colon].rstrip(" \t").endswith("&") else text[:colon]
        )
        names = words_of(self.expansion().value(collapsed(head), span))
        rest = span.file.span(span.start + colon + (2 if double else 1), span.end)
        if self._target_variable(names, rest):
            return
        semicolon = next((i for i, c in outside_references(rest.text) if c == ";"), None)
        inline = None
        if semicolon is not None:
            start = rest.start + semicolon + 1
            start += len(span.file.text[start : rest.end]) - len(span.file.text[start : rest.end].lstrip(" \t"))
            inline = span.file.span(start, rest.end)
            rest = span.file.span(rest.start, rest.start + semicolon)
        pattern = next((i for i, c in outside_references(rest.text) if c == ":"), None)
        listed = rest if pattern is None else rest.file.span(rest.start + pattern + 1, rest.end)
        normal, order_only = self._prerequisites(listed)
        if pattern is not None:
            static = self.expansion().value(collapsed(rest.text[:pattern]).strip(), span).text
            self._static(names, static, Way(prerequisites=normal, order_only=order_only), span)
        elif any("%" in n.marked for n in names):
            self._pattern(names, Way(prerequisites=normal, order_only=order_only), span)
        else:
            self._explicit(names, Way(prerequisites=normal, order_only=order_only), span, double=double)
        if inline is not None:
            self._line(inline)

    def _prerequisites(self, span: Span) -> tuple[tuple[Prerequisite, ...], tuple[Prerequisite, ...]]:
        found: tuple[list[Prerequisite], list[Prerequisite]] = ([], [])
        kind = 0
        for word in raw_words(span):
            if word.text == "|":
                kind = 1
                continue
            value = self.expansion().value(word.text, word)
            for name in words_of(value):
                if name.text == "|":
                    kind = 1
                else:
                    found[kind].extend(Prerequisite(name=_plain(n), span=word) for n in self._globbed(name, word))
        return tuple(found[0]), tuple(found[1])

    def _globbed(self, name: Value, span: Span) -> list[Value]:
        """The files that a word with `*` in it matches; the word itself where none does."""
        if name.text is None or not re.search(r"[*?]|\[.+\]", name.text):
            return [name]
        return words_of(self._host.wildcard(name.text, span)) or [name]

    def _target_variable(self, names: list[Value], rest: Span) -> bool:
        """`target: name = value`."""
        text, exported = collapsed(rest.text).strip(" \t"), False
        found = split_assignment(text)
        while found is None and text.split(None, 1)[:1] in (["export"], ["private"], ["override"]):
            exported = exported or text.startswith("export")
            text = text.split(None, 1)[1] if len(text.split(None, 1)) > 1 else ""
            found = split_assignment(text)
        if found is None:
            return False
        name, operator, value = found
        plain = self.expansion().value(name, rest).text
        if plain is None:
            self._report("the name of the variable that is set here is not known", rest)
            return True
        immediate = EMPTY if operator in ("=", "?=", "+=") else self.expansion().value(value, rest)
        if operator == "!=":
            immediate = self._host.shell(immediate, rest)
        assignment = TargetAssignment(
            name=plain, operator=operator, text=value, immediate=immediate, span=rest, exported=exported
        )
        for target in map(_plain, names):
            if target.text is not None and "%" in target.text:
                self.database.pattern_variables = (*self.database.pattern_variables, (target.text, assignment))
                continue
            before = self.database.targets.get(target) or Target(name=target, place=rest, bare=True)
            self.database.targets[target] = replace(before, variables=(*before.variables, assignment))
        return True

    def _explicit(self, names: list[Value], way: Way, span: Span, *, double: bool) -> None:
        database = self.database
        kept: list[Value] = []
        for name in map(_plain, names):
            if self._special(name, way, span):
                continue
            if database.goal is None and not re.match(r"\.[^/]*$", name.marked):
                database.goal = name
            before = database.targets.get(name) or Target(name=name, place=span)
            if double:
                after = replace(before, double=(*before.double, way))
            else:
                merged = replace(
                    before.way,
                    prerequisites=(*before.way.prerequisites, *way.prerequisites),
                    order_only=(*before.way.order_only, *way.order_only),
                    stem=way.stem if way.stem is not None else before.way.stem,
                )
                after = replace(before, way=merged)
            place = before.place if before.way.recipe is not None else span
            database.targets[name] = replace(after, bare=False, place=place)
            kept.append(name)
        if kept or self._current.kind == "none":
            kind = "double" if double else "target"
            self._current = _Current(kind=kind, names=tuple(kept), way=way, place=span)

    def _special(self, name: Value, way: Way, span: Span) -> bool:
        database = self.database
        listed = [p.name for p in way.prerequisites]
        match name.text:
            case ".PHONY":
                database.phony |= frozenset(listed)
            case ".IGNORE":
                database.ignoring = None if not listed else (database.ignoring or frozenset()) | frozenset(listed)
            case ".ONESHELL":
                database.one_shell = True
            case ".EXPORT_ALL_VARIABLES":
                database.exports_all = True
            case ".SECONDEXPANSION":
                database.second_expansion = True
            case ".DEFAULT":
                database.default = way
                self._current = _Current(kind="default", place=span)
                return True
            case text if text in _SPECIAL:
                pass
            case _:
                return False
        self._current = _Current(kind="special", place=span)
        return True

    def _pattern(self, names: list[Value], way: Way, span: Span) -> None:
        texts = tuple(n.text for n in map(_plain, names) if n.text is not None)
        if len(texts) < len(names):
            self._report("a pattern that is not known in full is not followed", span)
        self.database.patterns = (*self.database.patterns, PatternRule(targets=texts, way=way, place=span))
        self._current = _Current(kind="pattern", way=way, place=span)

    def _static(self, names: list[Value], pattern: str | None, way: Way, span: Span) -> None:
        """`targets: pattern: prerequisites`: a rule for each target."""
        if pattern is None or any(n.text is None for n in names):
            self._report("a static pattern that is not known in full is not followed", span)
            return
        for name in names:
            stem = matches(pattern, _plain(name).text or "")
            if stem is None:
                raise MakeError(f"target `{name}` doesn't match the target pattern", span)
            here = Way(
                prerequisites=tuple(_stemmed(p, stem) for p in way.prerequisites),
                order_only=tuple(_stemmed(p, stem) for p in way.order_only),
                stem=stem,
            )
            self._explicit([name], here, span, double=False)
        ways = tuple(map(_plain, names))
        self._current = _Current(kind="target", names=ways, way=Way(), place=span)


def _begun(target: Target, current: _Current, span: Span) -> Target:
    """`target` as its (latest) rule's recipe begins: that rule's prerequisites come first, an older recipe is forgotten."""
    own = current.way
    if own.prerequisites and target.way.prerequisites[-len(own.prerequisites) :] == own.prerequisites:
        rest = target.way.prerequisites[: -len(own.prerequisites)]
        way = replace(target.way, prerequisites=(*own.prerequisites, *rest), recipe=(span,))
    else:
        way = replace(target.way, recipe=(span,))
    return replace(target, way=way, place=current.place or target.place)


def joined(one: Database, other: Database, place: Span) -> Database:
    """What is known where either was read."""
    result = other.copy()
    for name in dict.fromkeys((*one.scope.names, *other.scope.names)):
        mine, theirs = one.scope.names.get(name), other.scope.names.get(name)
        if mine != theirs or (name in one.scope.names) != (name in other.scope.names):
            unknown = Value.unknown(f"make variable `{name}`, set at {place}", place)
            result.scope.names[name] = simple(unknown, "file", place)
    for target in dict.fromkeys((*one.targets, *other.targets)):
        known = one.targets.get(target), other.targets.get(target)
        if known[0] != known[1]:
            some = next(k for k in known if k is not None)
            result.targets[target] = replace(some, unsure=place)
    if one.patterns != other.patterns:
        unsure = tuple(replace(p, unsure=place) for p in one.patterns if p not in other.patterns)
        unsure += tuple(replace(p, unsure=place) if p not in one.patterns else p for p in other.patterns)
        result.patterns = unsure
    result.phony = one.phony & other.phony
    result.exports, result.hidden = one.exports & other.exports, one.hidden | other.hidden
    result.goal = one.goal if one.goal == other.goal else other.goal or one.goal
    result.files = tuple(dict.fromkeys((*one.files, *other.files)))
    return result


def _plain(name: Value) -> Value:
    """A file's name as make compares it: without `./` before it."""
    while name.marked.startswith("./") and len(name.marked) > 2:
        name = name.slice(2)
        while name.marked.startswith("/"):
            name = name.slice(1)
    return name


def _stemmed(prerequisite: Prerequisite, stem: str) -> Prerequisite:
    at = prerequisite.name.marked.find("%")
    if at < 0:
        return prerequisite
    name = prerequisite.name
    return replace(prerequisite, name=name.slice(0, at) + Value.of(stem) + name.slice(at + 1))


def _by_default(name: str, default: Value, span: Span) -> Value:
    """What `name ?= default` holds in an environment that isn't known."""
    shown = f" (`{default}` by default)" if default.parts else ""
    number = next((p.number for p in default.parts if isinstance(p, Unknown)), 0)
    return Value.unknown(f"make variable `{name}`{shown}", span, number)


def _compared(argument: str) -> tuple[str, str] | None:
    """The two sides of `ifeq`: `(a,b)`, `"a" "b"`, `'a' 'b'`."""
    text = argument.strip()
    if text.startswith("("):
        inner = text[1:]
        comma = next((i for i, c in outside_references(inner) if c == ","), None)
        depth, end = 0, None
        for at, character in outside_references(inner):
            if character == "(":
                depth += 1
            elif character == ")":
                if depth == 0:
                    end = at
                    break
                depth -= 1
        if comma is None or end is None or comma > end:
            return None
        return inner[:comma].rstrip(), inner[comma + 1 : end].strip()
    found = re.fullmatch(r"([\"'])(.*?)\1\s*([\"'])(.*?)\3.*", text, re.DOTALL)
    return (found[2], found[4]) if found else None


def _may_be_equal(one: Value, other: Value) -> bool:
    """Whether two values, not both known, could come to one text."""
    if one.text is not None:
        one, other = other, one
    if other.text is None:
        return True
    expression = "".join(".*" if c == "\0" else re.escape(c) for c in one.marked)
    return re.fullmatch(expression, other.text, re.DOTALL) is not None
