"""The keyed stream: repeatable by its key, fair, and separate by purpose."""

import collections

import pytest

from harness.release.keys import master_secret
from harness.stream import KeyedStream

SECRET = master_secret(b"a key for tests only")


def test_known_answers_hold_on_every_machine_and_python() -> None:
    stream = KeyedStream(SECRET, "known answer")
    assert SECRET.hex() == "f2f2ce9a836bbaeac03c3a88901040d6e0a3847e2299c7cc6b5d13b083081ba4"
    assert [stream.word() for _ in range(9)][::4] == [8283031965448463573, 9780204580939199984, 2582968873859388585]
    assert [stream.below(1000) for _ in range(8)] == [160, 181, 320, 761, 326, 644, 576, 827]


def test_known_shuffle() -> None:
    items = list("ABCDEFGHIJ")
    KeyedStream(SECRET, "shuffle").shuffle(items)
    assert "".join(items) == "IGBHFJDACE"


def test_two_keys_or_two_purposes_share_no_words() -> None:
    other_key = KeyedStream(master_secret(b"another key for tests"), "names")
    streams = [KeyedStream(SECRET, "names"), KeyedStream(SECRET, "names "), KeyedStream(SECRET, "order"), other_key]
    words = [stream.word() for stream in streams for _ in range(50)]
    assert len(set(words)) == len(words)


def test_numbers_below_a_bound_are_even() -> None:
    stream = KeyedStream(SECRET, "even")
    counts = collections.Counter(stream.below(7) for _ in range(7000))
    # Each count is binomial(7000, 1/7), deviation 29; the draws are fixed by the key, so this cannot flicker.
    assert set(counts) == set(range(7))
    assert all(abs(count - 1000) < 150 for count in counts.values())


def test_weights_are_respected_and_zero_weights_never_drawn() -> None:
    stream = KeyedStream(SECRET, "weights")
    counts = collections.Counter(stream.weighted("abc", (1, 0, 3)) for _ in range(4000))
    assert counts["b"] == 0
    assert counts["c"] == pytest.approx(3000, abs=140)


def test_a_bound_of_two_to_the_64_is_legal() -> None:
    assert 0 <= KeyedStream(SECRET, "wide").below(1 << 64) < 1 << 64
