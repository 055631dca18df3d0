"""Noise is what two legacy builds differ in, and not a byte more."""

import random
import struct

import pytest

from migrate.compare.noise import same_but_for, within_noise

WINDOW = (1_790_000_000.0, 1_790_000_600.0)


def check(legacy: bytes, again: bytes, migrated: bytes) -> bool:
    return within_noise(legacy, again, migrated, WINDOW)


def test_a_random_id_is_noise_and_the_text_around_it_is_not() -> None:
    legacy, again, migrated = (
        b"name = demo\nid = %s\nport = 80\n" % i for i in (b"a81fc0d2", b"77b1ce02", b"0d1f5a9e")
    )
    assert check(legacy, again, migrated)
    start, end = legacy.index(b"a81f"), legacy.index(b"a81f") + 8
    for place in range(len(migrated)):
        changed = bytearray(migrated)
        changed[place] = ord("Z") if changed[place] != ord("Z") else ord("Y")
        assert check(legacy, again, bytes(changed)) == (start <= place < end), place


def test_ids_of_other_lengths_go_word_by_word() -> None:
    legacy, again, migrated = (b"seed: %d\nport: 80\n" % n for n in (7, 1234, 55))
    assert check(legacy, again, migrated)
    assert not check(legacy, again, migrated.replace(b"80", b"81"))
    assert not check(legacy, again, migrated.replace(b"port", b"part"))
    assert not check(legacy, again, migrated + b"more\n")


def test_lines_in_a_random_order() -> None:
    longer = [b"alpha\nbe\ngamma\n", b"be\nalpha\ngamma\n", b"gamma\nbe\nalpha\n"]
    assert check(*longer)
    assert not check(longer[0], longer[1], b"gamma\nbe\nalphb\n")


def test_what_did_not_differ_excuses_nothing() -> None:
    assert not check(b"same", b"same", b"samE")
    assert check(b"same", b"other", b"same")


def test_a_length_that_differs_without_lines_excuses_nothing() -> None:
    """Of a key of another length each time, nothing can be told."""
    rng = random.Random(1)  # noqa: S311 -- the same bytes each time
    legacy, again, migrated = (rng.randbytes(n) for n in (100, 120, 110))
    assert not check(legacy, again, migrated)


@pytest.mark.parametrize("form", ["<I", ">I", "<Q", ">Q"])
def test_a_moment_of_which_more_bytes_changed_later(form: str) -> None:
    start = 1_790_000_000 | 0xFF
    made = [b"head" + struct.pack(form, start + n) + b"tail" for n in (0, -3, 5)]
    assert check(*made)
    far = b"head" + struct.pack(form, start + 90_000) + b"tail"
    assert not check(made[0], made[1], far)
    assert not check(made[0], made[1], made[2][:-1] + b"L")


def test_a_byte_changed_in_a_binary_with_a_random_run_is_found() -> None:
    rng = random.Random(7)  # noqa: S311 -- the same bytes each time
    code, more = rng.randbytes(5000), rng.randbytes(5000)
    legacy, again, migrated = (code + rng.randbytes(16) + more for _ in range(3))
    assert check(legacy, again, migrated)
    for place in [*range(0, 4900, 97), *range(5100, 10016, 97)]:
        changed = bytearray(migrated)
        changed[place] ^= 1
        assert not check(legacy, again, bytes(changed)), place


def test_names_of_a_kind() -> None:
    assert same_but_for("/tmp/tmp.x7Qa2b", "/tmp/tmp.8fJk3c", "/tmp/tmp.AAAA99")
    assert not same_but_for("/tmp/tmp.x7Qa2b", "/tmp/tmp.8fJk3c", "/tmp/tmp.AAAA999")
    assert not same_but_for("/tmp/tmp.x7Qa2b", "/tmp/tmp.8fJk3c", "/opt/tmp.AAAA99")
    assert not same_but_for("/tmp/tmp.x7Qa2b", "/tmp/tmp.8fJk3c", "/tmp/tmp-AAAA99")
