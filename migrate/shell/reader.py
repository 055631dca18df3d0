"""Shell text → tree, through bashlex where the guard trusts it, else through shfmt. Input: a script; output: its tree or
the one diagnostic that says why there is none. Raises nothing, whatever the text.
"""

from migrate import rules
from migrate.diagnostics import Diagnostic, Label
from migrate.shell import bashlex_reader, shfmt_reader
from migrate.shell.refusal import RefusalError
from migrate.shell.syntax import Script
from migrate.source import SourceFile

MAX_BYTES = 256 * 1024


def read_script(source: SourceFile) -> tuple[Script | None, tuple[Diagnostic, ...]]:
    """The tree, or None with SCRIPT_UNREADABLE or SCRIPT_TOO_LARGE. A byte that isn't UTF-8 counts three."""
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
        return None, (_diagnostic(source, refusal),)


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
