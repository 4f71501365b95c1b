"""One run's three pipes, served by one loop with one deadline. Never blocks on a worker, whatever it does."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox import codec
from harness.sandbox.frames import Reader
from harness.sandbox.values import Caps, CodecError, Value

READY_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_DRAIN_SECONDS = 1.0
_CHUNK = 1 << 16
_READY_CAPS = Caps(header_bytes=1 << 14, body_bytes=1 << 14)


@dataclass
class Transcript:
    """What came through the pipes, and how it ended. `end` is one of the words below."""

    end: str = "open"
    """replied | closed (pipe ended without a whole reply) | malformed | late | too much (disk)"""
    reason: str = ""
    ready: dict[str, Any] | None = None
    """The worker's report on itself from before student code ran; None where it never came."""
    value: Value = None
    output: bytearray = field(default_factory=bytearray)
    output_dropped: int = 0
    started: float = 0.0
    seconds: float = 0.0


class Exchange:
    """Serves the near ends of one worker's pipes. The descriptors become its own; `close` closes them."""

    def __init__(self, request: int, reply: int, output: int, nonce: bytes, caps: Caps) -> None:
        self._request, self._reply, self._output = request, reply, output
        for descriptor in (request, reply, output):
            os.set_blocking(descriptor, False)
        self._nonce = nonce
        self._caps = caps
        self._reader = Reader(nonce, _READY_CAPS)
        self._selector = selectors.DefaultSelector()
        self._selector.register(reply, selectors.EVENT_READ, self._on_reply)
        self._selector.register(output, selectors.EVENT_READ, self._on_output)
        self._selector.register(request, selectors.EVENT_WRITE, self._on_request)
        self.transcript = Transcript(started=time.monotonic())

    def run(self, pieces: Sequence[bytes], wall: float, keep: int, look: Callable[[], str]) -> Transcript:
        """Until a reply, an end, or a limit. `look` is called some times a second; a sentence from it ends the run.

        `wall` seconds count from the worker's "ready"; `keep` is how many bytes of output to keep.
        """
        self._pending = [memoryview(piece) for piece in pieces if piece]
        self._keep = keep
        self._wall = wall
        self._deadline = time.monotonic() + READY_SECONDS
        next_look = time.monotonic() + _LOOK_SECONDS
        while self.transcript.end == "open":
            now = time.monotonic()
            if now >= self._deadline:
                self._finish("late")
                break
            if now >= next_look:
                next_look = now + _LOOK_SECONDS
                if complaint := look():
                    self._finish("too much", complaint)
            self._serve(min(self._deadline, next_look) - now)
        self.transcript.seconds = time.monotonic() - self.transcript.started
        return self.transcript

    def drain(self) -> None:
        """Take what output is left once the worker is gone."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._output in self._selector.get_map() and time.monotonic() < deadline:
            if not self._serve_output(deadline - time.monotonic()):
                break

    def close(self) -> None:
        """Close the near ends."""
        self._selector.close()
        for descriptor in (self._request, self._reply, self._output):
            if descriptor >= 0:
                os.close(descriptor)
        self._request = self._reply = self._output = -1

    def _serve(self, seconds: float) -> None:
        for key, _ in self._selector.select(max(seconds, 0)):
            if self.transcript.end == "open":
                key.data()

    def _serve_output(self, seconds: float) -> bool:
        ready = [key for key, _ in self._selector.select(max(seconds, 0)) if key.fd == self._output]
        for key in ready:
            key.data()
        return bool(ready)

    def _finish(self, end: str, reason: str = "") -> None:
        self.transcript.end, self.transcript.reason = end, reason
        for descriptor in (self._reply, self._request):
            if descriptor >= 0 and descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)

    def _on_reply(self) -> None:
        try:
            if self._reader.step(self._reply):
                self._on_message(codec.decode(self._reader.header, self._reader.body, self._caps))
        except EOFError:
            self._finish("closed")
        except CodecError as problem:
            self._finish("malformed", str(problem))

    def _on_message(self, value: Value) -> None:
        if self.transcript.ready is not None:
            self.transcript.value = value
            self._finish("replied")
            return
        self.transcript.ready = dict(value) if isinstance(value, dict) else {}
        self.transcript.started = time.monotonic()
        self._deadline = self.transcript.started + self._wall
        self._reader = Reader(self._nonce, self._caps)
        if "ready" not in self.transcript.ready:
            self._finish("replied")

    def _on_request(self) -> None:
        try:
            while self._pending:
                written = os.write(self._request, self._pending[0][:_CHUNK])
                self._pending[0] = self._pending[0][written:]
                if not self._pending[0]:
                    self._pending.pop(0)
        except BlockingIOError:
            return
        except BrokenPipeError:
            pass  # the reply pipe will say what happened
        self._selector.unregister(self._request)
        os.close(self._request)
        self._request = -1

    def _on_output(self) -> None:
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(self._output)
            return
        kept = data[: max(0, self._keep - len(self.transcript.output))]
        self.transcript.output += kept
        self.transcript.output_dropped += len(data) - len(kept)
