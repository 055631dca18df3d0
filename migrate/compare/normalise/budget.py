"""How much two contents may cost: bytes unpacked from them, and tokens told apart in them."""

import zlib
from dataclasses import dataclass

LIMIT = 1 << 30
FLOOR = 16 << 20
RATIO = 200  # text and logs come to 20 to 100; deflate's most is 1032, which only padding and bombs reach


@dataclass(slots=True, kw_only=True)
class Budget:
    """What is left for both sides together, at all levels. `unpacked` in bytes."""

    unpacked: int
    tokens: int = 100_000

    @classmethod
    def of(cls, size: int) -> "Budget":
        """For two contents of `size` bytes together."""
        return cls(unpacked=min(LIMIT, FLOOR + RATIO * size))


def inflate(data: bytes, start: int, end: int, budget: Budget) -> tuple[bytes, int] | None:
    """The deflate stream at `start` and where it ends. None where it is broken, isn't over at `end`, or is over budget."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    # in growing steps: zlib copies what it finds behind a stream, and a stream may be one of very many
    at, step = start, 1024
    while not engine.eof:
        if at >= end:
            return None
        chunk = data[at : min(at + step, end)]
        try:
            piece = engine.decompress(chunk, budget.unpacked + 1)
        except zlib.error:
            return None
        if len(piece) > budget.unpacked:
            budget.unpacked = 0
            return None
        budget.unpacked -= len(piece)
        pieces.append(piece)
        at += len(chunk) - len(engine.unused_data)
        step = min(2 * step, 1 << 20)
    return b"".join(pieces), at
