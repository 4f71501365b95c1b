"""The seam between the Sandbox and the ways to run a worker."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.sandbox import codec, frames
from harness.sandbox.model import Limits, Reply
from harness.sandbox.probe_call import CALL_NONCE, ProbeCall


class BackendLostError(Exception):
    """The child side died or does not answer; the run in flight is lost, another attempt may succeed."""


class WorkerLostError(Exception):
    """A worker was killed, and neither by us nor by its own code: the next one need not be."""


class DiskFilledError(Exception):
    """A worker was ended for filling the disk, and when it was gone the disk was as full: somebody else did it."""


@dataclass(frozen=True)
class Order:
    """One run as the caller wants it; `arguments` is the encoded mapping."""

    tree: Path
    probe: str
    seed: int
    load: bool
    limits: Limits
    arguments: tuple[bytes, list[bytes]]
    suspicious: bool = True
    """Whether to take what is missing on the disk for the worker's, if nothing with a name explains it."""

    def call(self, scratch: Path, uid: int | None, layers: tuple[str, ...], *, strict: bool) -> ProbeCall:
        """The order as a worker gets it, with a fresh nonce."""
        return ProbeCall(
            tree=str(self.tree),
            probe=self.probe,
            seed=self.seed,
            load=self.load,
            scratch=str(scratch),
            nonce=secrets.token_hex(frames.NONCE_BYTES),
            uid=uid,
            layers=layers,
            strict=strict,
            limits=self.limits,
        )

    def shortened(self, seconds: float) -> Order:
        """The order for another attempt, after one that took `seconds` of its time; a second is always left."""
        left = max(self.limits.wall_seconds - seconds, min(self.limits.wall_seconds, 1.0))
        return replace(self, limits=replace(self.limits, wall_seconds=left))

    def pieces(self, call: ProbeCall) -> list[bytes]:
        """What goes into the request pipe: the call, then the arguments."""
        told = frames.pack(CALL_NONCE, *codec.encode(call.to_dict()))
        return [*told, *frames.pack(bytes.fromhex(call.nonce), *self.arguments)]


class Backend(Protocol):
    """Runs orders, one at a time."""

    kind: str

    def run(self, order: Order) -> Reply:
        """Run it to its end.

        Raises:
            BackendLostError: try again after `restart`.
            WorkerLostError: try again.
            DiskFilledError: try again, and suspect nothing.
            SandboxError: trying again would not help.
        """

    def restart(self) -> None:
        """Start the child side anew; raises as `run`."""

    def facts(self) -> Mapping[str, str | bool | int]:
        """What is known of this way of running: `backend`, `modules`, and each layer that the last worker reached."""

    def processes(self) -> tuple[int, ...]:
        """Process IDs of the child side's own processes."""

    def close(self) -> None:
        """End everything that was started."""
