"""How a reader says that a script can't be read, and where; `read_script` makes a diagnostic of it."""


class RefusalError(Exception):
    """`start` and `end` are character offsets into the script, None where no place is to blame."""

    def __init__(
        self,
        message: str,
        *,
        start: int | None = None,
        end: int | None = None,
        notes: tuple[str, ...] = (),
        help_text: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.notes = notes
        self.help_text = help_text
