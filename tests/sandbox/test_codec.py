"""The codec carries what it promises, refuses the rest, and survives every byte string."""

from __future__ import annotations

import contextlib
import json
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.sandbox import codec
from harness.sandbox.values import DTYPES, Caps, CodecError

SMALL = Caps(header_bytes=4096, body_bytes=4096, containers=100, depth=6)


def round_trip(value):
    header, buffers = codec.encode(value)
    return codec.decode(header, bytearray(b"".join(buffers)))


def same(left, right) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(map(repr, left)) == list(map(repr, right)) and all(same(left[key], right[key]) for key in left)
    return repr(left) == repr(right)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**39), 10**39),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
)
arrays = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: hnp.arrays(np.dtype(name), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=80) | st.integers(-9, 9), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(values)
@settings(max_examples=300, deadline=None)
def test_every_value_comes_back_as_it_was(value):
    assert same(value, round_trip(value))


def test_infinities_and_signed_zero_survive():
    assert same([math.inf, -math.inf, -0.0, 5e-324], round_trip([math.inf, -math.inf, -0.0, 5e-324]))


def test_arrays_that_are_not_contiguous_or_not_native_cross_by_value():
    array = np.arange(24).reshape(4, 6)[::2, ::-3]
    assert (round_trip(array) == array).all()
    assert (round_trip(array.astype(">i4")) == array).all()


def test_arrays_come_back_writable():
    array = round_trip([np.zeros(3), np.ones(2)])[1]
    array[0] = 7
    assert array.tolist() == [7, 1]


def test_arrays_come_back_aligned():
    arrays = round_trip([np.ones(1, np.int8), np.ones(3, np.float64), np.ones(1, np.int8), np.ones(2, np.int64)])
    assert all(array.flags.aligned for array in arrays)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"bytes", "bytes cannot cross"),
        ({1, 2}, "set cannot cross"),
        (object(), "object cannot cross"),
        (1j, "complex cannot cross"),
        (np.array([None]), "array of object"),
        (np.array(["text"]), "cannot cross"),
        (np.array([1j]), "complex"),
        (np.float32, "type cannot cross"),
        (10**41, "digits"),
        ({(1, 2): 3}, "keys"),
        ("\ud800", "surrogates"),
        ([[[[[[[[1]]]]]]]], "deep"),
        ([[]] * 200, "more than 100"),
        (list(range(3000)), "bytes of numbers"),
        (np.zeros(5000, np.int8), "5000 bytes"),
        (["x" * 1000] * 5, "more than 4096 bytes"),
    ],
)
def test_encoding_refuses_with_a_reason(value, said):
    with pytest.raises(CodecError, match=said):
        codec.encode(value, SMALL)


class LyingString(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no")

    def isascii(self):
        return True

    def encode(self, *_):
        return b"forged"


class LyingList(list):
    def __iter__(self):
        return iter(["forged"])

    def __getitem__(self, index):
        return "forged"


class LyingDict(dict):
    def items(self):
        return [("forged", 1)]


class LyingNumber(int):
    def __int__(self):
        return 99


def test_subclasses_are_sent_as_what_they_hold():
    value = {"s": LyingString("é"), "l": LyingList([1, 2]), "d": LyingDict(a=1), "n": LyingNumber(3)}
    assert same(round_trip(value), {"s": "é", "l": [1, 2], "d": {"a": 1}, "n": 3})


def test_a_class_that_claims_to_be_a_list_is_not_one():
    class Claims:
        __class__ = list  # type: ignore[assignment]

    with pytest.raises(CodecError, match="Claims cannot cross"):
        codec.encode(Claims())


HEADERS = [
    b"",
    b"nul",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"1" * 60,
    b"[" * 3000,
    b'{"t":' * 500 + b"[]" + b"}" * 500,
    b"{}",
    b'{"t":[],"t":[]}',
    b'{"t":[],"l":[]}',
    b'{"x":[]}',
    b'{"t":{"t":[]}}',
    b'{"f":"Nan"}',
    b'{"f":1}',
    b'{"s":-1}',
    b'{"s":1}',
    b'{"s":true}',
    b'{"d":[["a"]]}',
    b'{"d":[["a",1],["a",2]]}',
    b'{"d":[[1,1],[true,2]]}',
    b'{"d":[[[1],2]]}',
    b'{"d":[[{"a":["|b1",[0]]},2]]}',
    b'{"a":["<f4",[1]]}',
    b'{"a":["<f4",[-1]]}',
    b'{"a":["<f4",[1.0]]}',
    b'{"a":["<f4",[true]]}',
    b'{"a":["<f4",[0,2147483647,2147483647,2147483647]]}',
    b'{"a":["<f4",[4294967296]]}',
    b'{"a":["|O",[0]]}',
    b'{"a":["<U1",[0]]}',
    b'{"a":[[],[0]]}',
    b'{"a":["<f4",0]}',
    b'{"a":["<f4",[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]}',
    b'{"a":["<f4"]}',
    b'"\\ud800"',
    b'"\xc3\xa9"',
    b'"\xff"',
    b"[1,2",
    b"[1] 2",
    b"\xef\xbb\xbf1",
]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:30].decode("latin-1"))
def test_malformed_headers_are_refused(header):
    with pytest.raises(CodecError):
        codec.decode(header, b"")


def test_every_malformed_header_has_a_well_formed_relative():
    """So that the test above fails for the reasons it lists, and not for one that all of them share."""
    relatives = [
        b"null",
        b"1e300",
        b'{"t":[]}',
        b'{"d":[["a",1],["b",2]]}',
        b'{"a":["<f4",[0,5]]}',
        b'{"f":"nan"}',
        b'"a"',
    ]
    for header in relatives:
        codec.decode(header, b"")


def test_a_body_must_be_used_up():
    with pytest.raises(CodecError, match="longer"):
        codec.decode(b"1", b"x")


def test_a_boolean_array_holds_nothing_but_zero_and_one():
    with pytest.raises(CodecError, match="neither"):
        codec.decode(b'{"a":["|b1",[3]]}', b"\x00\x01\x02")


def test_containers_are_counted_before_they_are_made():
    caps = Caps(containers=1000)
    tracemalloc.start()
    with pytest.raises(CodecError):
        codec.decode(b"[" + b"[]," * 400_000 + b"[]]", b"", caps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@given(st.binary(max_size=200), st.binary(max_size=100))
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_a_value_or_a_codec_error(header, body):
    with contextlib.suppress(CodecError):
        codec.decode(header, body, SMALL)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("tdfsax"), inner, max_size=2),
    max_leaves=15,
)


@given(json_like, st.binary(max_size=100))
@settings(max_examples=400, deadline=None)
def test_any_json_gives_a_value_or_a_codec_error(node, body):
    with contextlib.suppress(CodecError):
        codec.decode(json.dumps(node).encode(), body, SMALL)


@given(values, st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_message_gives_a_value_or_a_codec_error(value, data):
    header, buffers = codec.encode(value)
    whole = bytearray(header + b"".join(buffers))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CodecError):
        codec.decode(whole[: len(header)], whole[len(header) :])


def test_a_float_array_with_any_bits_is_just_an_array():
    bits = struct.pack("<II", 0x7F800001, 0xFFFFFFFF)
    assert np.isnan(np.asarray(codec.decode(b'{"a":["<f4",[2]]}', bits))).all()
