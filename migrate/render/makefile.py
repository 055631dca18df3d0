"""A Makefile without the commands that go: recipe lines, rules that only made what is no longer made, and the prerequisites
that name it. All else stays as it is written."""

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from migrate.drivers.makefile import Node, Recipe, Rule, outside_references, raw_words, read_makefile, walk
from migrate.render.lines import Cut, blank_lines, joined, merged
from migrate.source import Edit, SourceFile, Span, apply_edits

_PREFIX = re.compile(r"[ \t@+-]*")
_BETWEEN = re.compile(r"(?:[ \t;]|\\\r?\n)*")


def render_makefile(
    source: SourceFile, cuts: Sequence[Cut], edits: Sequence[Edit], gone: Iterable[PurePosixPath]
) -> str:
    """`gone` are files, relative to the repository's root, that are no longer there or no longer made."""
    nodes = tuple(walk(read_makefile(source)))
    names = {posixpath.relpath(p, source.path.parent) for p in gone}
    removed: set[Span] = set()
    made: list[Edit] = []
    for node in nodes:
        if isinstance(node, Recipe):
            mine = [c for c in cuts if node.span.start <= c.start and c.end <= node.span.end]
            if mine and _is_empty(node.span, mine):
                removed.add(node.span)
            else:
                made += _within(node.span, mine)
    lines = _lines(source, nodes, removed)
    default = True
    for rule, recipe in _rules(nodes):
        head, listed = _header(rule.span)
        kept = [r for r in recipe if r.span not in removed and not _is_comment(r.span)]
        first, default = default, default and all(w.text.startswith(".") or "%" in w.text for w in head)
        goal = first and not default  # what `make` alone makes stays the same target
        if not goal and recipe and not kept and any(r.span in removed for r in recipe) and _only_made(head, names):
            lines |= set(range(_line(source, rule.span.start), _line(source, rule.span.end) + 1))
            continue
        for word in listed:
            if word.text.removeprefix("./") in names:
                made.append(
                    Edit(span=source.span(_blank_before(source, word.start, rule.span.start), word.end), text="")
                )
    lines |= blank_lines(source, lines)
    whole = [Edit(span=source.span(*source.line_bounds(n)), text="") for n in sorted(lines)]
    inside = [
        e for e in (*made, *edits) if not any(w.span.start <= e.span.start and e.span.end <= w.span.end for w in whole)
    ]
    return apply_edits(source, merged([*inside, *whole]))


def _is_empty(recipe: Span, cuts: Sequence[Cut]) -> bool:
    """Whether nothing of a recipe line is left."""
    rest, at = "", recipe.start
    for cut in sorted(cuts, key=lambda c: c.start):
        rest += recipe.file.text[at : max(at, cut.start)]
        at = max(at, cut.end)
    rest += recipe.file.text[at : recipe.end]
    prefix = _PREFIX.match(rest)
    return not re.sub(r"#.*", "", rest[prefix.end() if prefix else 0 :]).strip(" \t\r\n;\\")


def _within(recipe: Span, cuts: Sequence[Cut]) -> list[Edit]:
    """Cuts of statements beside others: up to the next statement, or from behind the one before."""
    text, found = recipe.file.text, []
    for cut in joined(text, cuts, _BETWEEN):
        following = re.compile(r"(?:[ \t]|\\\r?\n)*").match(text, cut.end, recipe.end)
        end = following.end() if following else cut.end
        start = cut.start
        if end == recipe.end or text[end] == "#":
            before = text[recipe.start : start]
            start = recipe.start + len(re.sub(r"(?:[ \t;]|\\\r?\n)*$", "", before))
            end = cut.end if end == recipe.end else end
            end = recipe.end if not text[cut.end : recipe.end].strip(" \t\\\r\n") else end
        found.append(Edit(span=recipe.file.span(start, end), text=""))
    return found


def _lines(source: SourceFile, nodes: Sequence[Node], removed: set[Span]) -> set[int]:
    """The lines of the recipes that go, with the comments over them that speak of nothing else."""
    lines = {n for s in removed for n in range(_line(source, s.start), _line(source, s.end) + 1)}
    recipes = {_line(source, n.span.start): n for n in nodes if isinstance(n, Recipe)}
    number = 1
    while number <= source.line_count:
        if not _comment_line(source.line(number)):
            number += 1
            continue
        first = number
        while number <= source.line_count and _comment_line(source.line(number)):
            number += 1
        block = []
        at = number
        while at in recipes and not _comment_line(source.line(at)):
            block.append(recipes[at].span)
            at = _line(source, recipes[at].span.end) + 1
        if block and all(s in removed for s in block) and source.line(first).startswith("\t"):
            lines |= set(range(first, number))
    return lines


def _comment_line(line: str) -> bool:
    return line.lstrip("\t @").startswith("#")


def _is_comment(span: Span) -> bool:
    return _comment_line(span.text) or not span.text.strip()


def _rules(nodes: Sequence[Node]) -> list[tuple[Rule, list[Recipe]]]:
    found: list[tuple[Rule, list[Recipe]]] = []
    for node in nodes:
        if isinstance(node, Rule):
            found.append((node, []))
        elif isinstance(node, Recipe) and found:
            found[-1][1].append(node)
    return found


def _header(span: Span) -> tuple[list[Span], list[Span]]:
    """The words before a rule's colon, and those behind it."""
    colon = next((i for i, c in outside_references(span.text) if c == ":"), None)
    if colon is None:
        return [], []
    end = next((i for i, c in outside_references(span.text) if c == ";"), span.end - span.start)
    head = span.file.span(span.start, span.start + colon)
    rest = span.file.span(span.start + colon + 1, span.start + max(end, colon + 1))
    return raw_words(head), raw_words(rest)


def _only_made(head: Sequence[Span], names: set[str]) -> bool:
    """Whether a rule made nothing but what is no longer made."""
    return bool(head) and all(
        w.text.removeprefix("./") in names
        or ("%" in w.text and any(_matches(w.text.removeprefix("./"), n) for n in names))
        for w in head
    )


def _matches(pattern: str, name: str) -> bool:
    head, _, tail = pattern.partition("%")
    return len(name) > len(head) + len(tail) and name.startswith(head) and name.endswith(tail)


def _blank_before(source: SourceFile, start: int, bound: int) -> int:
    """Where the blanks (and continuations) before a word begin."""
    before = source.text[bound:start]
    return bound + len(re.sub(r"(?:[ \t]|\\\r?\n)*$", "", before))


def _line(source: SourceFile, offset: int) -> int:
    return source.position(offset).line
