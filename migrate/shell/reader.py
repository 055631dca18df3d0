"""Shell text → tree, through bashlex where the guard trusts it, else through shfmt. Input: a script; output: its tree, and
a diagnostic for the part that neither reads. Raises nothing, whatever the text.
"""

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.shell import bashlex_reader, shfmt_reader
from migrate.shell.refusal import RefusalError
from migrate.shell.syntax import Script, Statement, Unreadable, placed
from migrate.source import SourceFile

MAX_BYTES = 256 * 1024
MAX_LINES = 20
"""Lines before a part that can't be read that are looked through for the end of the readable ones."""


def read_script(source: SourceFile) -> tuple[Script | None, tuple[Diagnostic, ...]]:
    """The tree, or None with SCRIPT_UNREADABLE or SCRIPT_TOO_LARGE. A byte that isn't UTF-8 counts three.

    Where a part can't be read, the lines before it are, and all from there on stands in the tree as Unreadable, with
    SCRIPT_UNREADABLE.
    """
    size = len(source.text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"the script is {size} bytes long; up to {MAX_BYTES} are read"
        label = Label(span=source.span(0, 0))
        return None, (Diagnostic(rule=rules.SCRIPT_TOO_LARGE, message=message, primary=label),)
    script = bashlex_reader.read(source)
    if script is not None:
        return script, ()
    try:
        return shfmt_reader.read(source), ()
    except RefusalError as refusal:
        return _without(source, refusal), (_diagnostic(source, refusal),)


def _without(source: SourceFile, refusal: RefusalError) -> Script | None:
    """The lines before the part that can't be read, and the rest as Unreadable: where that part ends, only who can read it
    knows (it may open a quote or a here-document). None where no line before it is left."""
    if refusal.start is None:
        return None
    line = source.position(refusal.start).line
    for first in range(line, max(1, line - MAX_LINES), -1):
        end = source.line_bounds(first)[0]
        text = source.text[:end]
        if text.endswith(("\\\n", "\\\r\n")) or not text.strip():
            continue
        before = _piece(source, end)
        if before is None:
            continue
        span = source.span(end, len(source.text))
        command = Unreadable(span=span, reason=refusal.message, told=True)
        rest = Statement(span=span, command=command, end=span.end)
        return Script(source=source, statements=(*before.statements, rest), comments=before.comments)
    return None


def _piece(source: SourceFile, end: int) -> Script | None:
    """The text up to `end` as a script, with its places in `source`."""
    piece = SourceFile(path=source.path, text=source.text[:end])
    script = bashlex_reader.read(piece)
    if script is None:
        try:
            script = shfmt_reader.read(piece)
        except RefusalError:
            return None
    return Script(
        source=source,
        statements=placed(script.statements, source),
        comments=placed(script.comments, source),
    )


def _diagnostic(source: SourceFile, refusal: RefusalError) -> Diagnostic:
    start = refusal.start if refusal.start is not None else 0
    end = refusal.end if refusal.end is not None else start
    return Diagnostic(
        rule=rules.SCRIPT_UNREADABLE,
        message=refusal.message,
        primary=Label(span=source.span(start, end)),
        notes=refusal.notes,
        help=refusal.help_text,
    )
