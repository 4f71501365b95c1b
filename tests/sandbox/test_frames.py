"""Messages on pipes: sizes are checked before memory is spent, other bytes are told from ours."""

from __future__ import annotations

import os
import struct

import pytest

from harness.sandbox import frames
from harness.sandbox.values import Caps, CodecError

NONCE = bytes(range(16))
CAPS = Caps(header_bytes=100, body_bytes=1000)


@pytest.fixture
def pipe():
    near, far = os.pipe()
    yield near, far
    os.close(near)
    os.close(far)


def test_a_message_arrives_whole_however_it_is_cut(pipe):
    near, far = pipe
    reader = frames.Reader(NONCE, CAPS)
    message = b"".join(frames.pack(NONCE, b"header", [b"body", b"", b"!" * 20]))
    for index in range(len(message)):
        os.write(far, message[index : index + 1])
        assert reader.step(near) is (index == len(message) - 1)
    assert reader.header + reader.body == b"headerbody" + b"!" * 20


def test_an_empty_body_ends_with_the_header(pipe):
    near, far = pipe
    frames.write(far, frames.pack(NONCE, b"header", []))
    assert frames.read(near, NONCE, CAPS) == (b"header", b"")


def test_two_messages_in_a_row_stay_apart(pipe):
    near, far = pipe
    frames.write(far, frames.pack(NONCE, b"one", [b"1"]) + frames.pack(NONCE, b"two", [b"2"]))
    assert frames.read(near, NONCE, CAPS) == (b"one", b"1")
    assert frames.read(near, NONCE, CAPS) == (b"two", b"2")


@pytest.mark.parametrize(
    "start",
    [
        b"garbage!" * 4,
        frames.PREFIX.pack(frames.MAGIC, bytes(16), 1, 1),
        frames.PREFIX.pack(b"HLD0", NONCE, 1, 1),
        frames.PREFIX.pack(frames.MAGIC, NONCE, 101, 0),
        frames.PREFIX.pack(frames.MAGIC, NONCE, 0, 1001),
        struct.pack("<4s16sIQ", frames.MAGIC, NONCE, 2**32 - 1, 2**64 - 1),
    ],
)
def test_other_bytes_and_large_lengths_are_refused_at_the_prefix(pipe, start):
    near, far = pipe
    os.write(far, start)
    with pytest.raises(CodecError):
        frames.read(near, NONCE, CAPS)


def test_the_end_before_the_end_is_told():
    near, far = os.pipe()
    os.write(far, b"".join(frames.pack(NONCE, b"header", [b"body"]))[:-1])
    os.close(far)
    with pytest.raises(EOFError):
        frames.read(near, NONCE, CAPS)
    os.close(near)


def test_nothing_to_read_is_no_end(pipe):
    near, _ = pipe
    os.set_blocking(near, False)
    assert frames.Reader(NONCE, CAPS).step(near) is False
