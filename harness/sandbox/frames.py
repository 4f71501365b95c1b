"""Messages on a pipe: magic, nonce, two lengths, header, body. Lengths are checked before anything is allocated.

The nonce tells this run's messages from stray bytes. It is no secret from the worker and proves nothing about values.
"""

from __future__ import annotations

import os
import struct
from typing import Any

from harness.sandbox.values import Caps, CodecError

MAGIC = b"HLD1"
NONCE_BYTES = 16
PREFIX = struct.Struct("<4s16sIQ")
_CHUNK = 1 << 20


def pack(nonce: bytes, header: bytes, buffers: list[bytes]) -> list[bytes]:
    """The pieces of one message, in the order in which to write them."""
    return [PREFIX.pack(MAGIC, nonce, len(header), sum(map(len, buffers))), header, *buffers]


def write(descriptor: int, pieces: list[bytes]) -> None:
    """Write all of `pieces` to a blocking descriptor."""
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view[:_CHUNK]) :]


class Reader:
    """Reads one message from a descriptor, blocking or not, as its bytes come.

    `step` is called whenever there is something to read; the message is complete when it returns True.
    """

    def __init__(self, nonce: bytes, caps: Caps) -> None:
        self._nonce = nonce
        self._caps = caps
        self._prefix = bytearray(PREFIX.size)
        self._pending = [memoryview(self._prefix)]
        self._sized = False
        self.header = bytearray()
        self.body = bytearray()

    def step(self, descriptor: int) -> bool:
        """Read once; True when the message is complete.

        Raises:
            EOFError: the other side closed before the end.
            CodecError: not our magic or nonce, or lengths beyond the caps.
        """
        try:
            count = (
                os.readv(descriptor, [self._pending[0][:_CHUNK]]) if hasattr(os, "readv") else self._read(descriptor)
            )
        except BlockingIOError:
            return False
        if count == 0:
            raise EOFError
        self._pending[0] = self._pending[0][count:]
        return self._advance()

    def _read(self, descriptor: int) -> int:
        data = os.read(descriptor, min(len(self._pending[0]), _CHUNK))
        self._pending[0][: len(data)] = data
        return len(data)

    def _advance(self) -> bool:
        while self._pending and not self._pending[0]:
            self._pending.pop(0)
            if not self._sized:
                self._size()
        return not self._pending

    def _size(self) -> None:
        magic, nonce, header_bytes, body_bytes = PREFIX.unpack(self._prefix)
        if magic != MAGIC or nonce != self._nonce:
            raise CodecError("bytes that are no message of this run")
        if header_bytes > self._caps.header_bytes or body_bytes > self._caps.body_bytes:
            raise CodecError(f"a message of {header_bytes + body_bytes} bytes, more than may cross")
        self.header, self.body = bytearray(header_bytes), bytearray(body_bytes)
        self._pending = [memoryview(self.header), memoryview(self.body)]
        self._sized = True


def read(descriptor: int, nonce: bytes, caps: Caps) -> tuple[Any, Any]:
    """The header and body of the next message of a blocking descriptor; raises as `Reader.step`."""
    reader = Reader(nonce, caps)
    while not reader.step(descriptor):
        pass
    return reader.header, reader.body
