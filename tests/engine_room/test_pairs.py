"""Two images read by turns, held against both read whole: 300 generated pairs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import pytest

from migrate.compare.rootfs import compare_files
from migrate.engine.client import EngineClient
from migrate.engine.snapshot import OutOfOrderError, read_pair, read_tar, unlike, without_equal
from tests.engine_room.trees import chunks, mutated, place, seeded, stream, tree

PAIRS = 300


class Streams:
    """An engine that has two images, and nothing else."""

    def __init__(self, **images: bytes) -> None:
        self._images = images
        self.exports = 0

    def container(self, image: str, _name: str) -> AbstractContextManager[str]:
        return nullcontext(image)

    def export(self, container: str) -> Iterator[bytes]:
        self.exports += 1
        yield from chunks(self._images[container])


def pair(engine: Streams) -> tuple[Any, Any]:
    return read_pair(cast("EngineClient", engine), "a", "b", ("x", "y"))


@pytest.mark.parametrize("decade", range(PAIRS // 10))
def test_by_turns_is_as_both_read_whole(decade: int) -> None:
    for seed in range(10 * decade, 10 * decade + 10):
        rng = seeded(seed)
        legacy = tree(rng)
        one, other = stream(legacy, rng), stream(mutated(rng, legacy), rng)
        whole = read_tar(chunks(one)), read_tar(chunks(other))
        found = unlike(chunks(one, rng), chunks(other, rng))
        assert found == without_equal(*whole)
        assert compare_files(*found) == compare_files(*whole)


def test_some_of_the_pairs_differ_and_some_do_not() -> None:
    counts = []
    for seed in range(PAIRS):
        rng = seeded(seed)
        legacy = tree(rng)
        counts.append(
            len(compare_files(*unlike(chunks(stream(legacy, rng)), chunks(stream(mutated(rng, legacy), rng)))))
        )
    assert counts.count(0) > PAIRS // 20
    assert len([n for n in counts if n > 2]) > PAIRS // 5


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_a_stream_means_nothing(seed: int) -> None:
    """Hard links too: whichever of the names comes first brings the file."""
    rng = seeded(seed)
    nodes = tree(rng)
    order = sorted(nodes, key=place)
    rng.shuffle(order)
    straight, shuffled = stream(nodes, rng), stream(nodes, rng, order)
    assert read_tar(chunks(straight)) == read_tar(chunks(shuffled))
    with pytest.raises(OutOfOrderError):
        unlike(chunks(straight), chunks(shuffled))
    engine = Streams(a=straight, b=shuffled)
    assert pair(engine) == ({}, {})
    assert engine.exports == 4


def _twice(data: bytes) -> bytes:
    return data[: len(data.rstrip(b"\0")) + -len(data.rstrip(b"\0")) % 512] + data


BROKEN: dict[str, Callable[[bytes], bytes]] = {"a name that comes twice": _twice}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_walk_brings_is_read_whole(name: str) -> None:
    rng = seeded(1)
    data = stream(tree(rng), rng)
    with pytest.raises(OutOfOrderError):
        unlike(chunks(data), chunks(BROKEN[name](data)))
    assert pair(Streams(a=data, b=BROKEN[name](data))) == ({}, {})


def test_equal_images_are_read_once() -> None:
    rng = seeded(9)
    data = stream(tree(rng), rng)
    engine = Streams(a=data, b=data)
    assert pair(engine) == ({}, {})
    assert engine.exports == 2
