"""What the readers of drivers raise."""

from migrate.source import Span


class NotReadError(Exception):
    """A driver's text is not what its name says; `span` is where that shows."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
