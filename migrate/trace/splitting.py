"""Field splitting at $IFS (Bash manual, 3.5.7). Pure."""

import re

from migrate.trace.values import EMPTY, Text, Value

_BLANKS = " \t\n"


def split(value: Value, separators: Value) -> list[Value | None]:
    """`value` cut at separators. Between two entries a field ends; None stands for nothing before or behind a cut."""
    text = separators.text
    if text is None:
        return [Value(parts=value.parts)] if value.parts else [None]
    blanks = "".join(c for c in text if c in _BLANKS)
    others = "".join(c for c in text if c not in _BLANKS)
    blank, other = f"[{re.escape(blanks)}]" if blanks else "(?!)", f"[{re.escape(others)}]" if others else "(?!)"
    cut = re.compile(f"{blank}*{other}{blank}*|{blank}+")
    hard = re.compile(other)
    chunks: list[Value | None] = [None]
    for part in value.parts:
        if not isinstance(part, Text):
            chunks[-1] = (chunks[-1] or EMPTY) + Value(parts=(part,))
            continue
        at = 0
        for match in cut.finditer(part.text):
            _add(chunks, part.text[at : match.start()])
            if hard.search(match[0]) and chunks[-1] is None:
                chunks[-1] = EMPTY  # a separator that is no blank ends a field even where it is empty
            chunks.append(None)
            at = match.end()
        _add(chunks, part.text[at:])
    return chunks


def _add(chunks: list[Value | None], text: str) -> None:
    if text:
        chunks[-1] = (chunks[-1] or EMPTY) + Value.of(text)
