"""What a format asks of the rest: whether two contents that it holds are equal."""

from collections.abc import Callable

# the normalisers that these two need, or None
Inside = Callable[[bytes, bytes], frozenset[str] | None]


class NotPlainError(Exception):
    """Something in an archive isn't understood to the last byte."""


def needed_by_all(pairs: list[tuple[bytes, bytes]], inside: Inside) -> frozenset[str] | None:
    """What all pairs need together; None where any of them differs."""
    needed: frozenset[str] = frozenset()
    for legacy, migrated in pairs:
        found = frozenset[str]() if legacy == migrated else inside(legacy, migrated)
        if found is None:
            return None
        needed |= found
    return needed
