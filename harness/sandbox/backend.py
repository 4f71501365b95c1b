"""The seam between the front door and the ways to run a worker."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness.sandbox import codec, frames
from harness.sandbox.job import JOB_NONCE, Job
from harness.sandbox.model import Limits, Reply


class BackendLostError(Exception):
    """The far side died or does not answer; the run in flight is lost, another attempt may succeed."""


class WorkerLostError(Exception):
    """A worker was killed, and neither by us nor by its own code: the next one need not be."""


@dataclass(frozen=True)
class Order:
    """One run as the caller wants it; `arguments` is the encoded mapping."""

    tree: Path
    probe: str
    seed: int
    load: bool
    limits: Limits
    arguments: tuple[bytes, list[bytes]]

    def job(self, scratch: Path, uid: int | None, layers: tuple[str, ...], *, strict: bool) -> Job:
        """The order as a worker gets it, with a fresh nonce."""
        return Job(
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

    def pieces(self, job: Job) -> list[bytes]:
        """What goes into the request pipe: the job, then the arguments."""
        told = frames.pack(JOB_NONCE, *codec.encode(job.to_dict()))
        return [*told, *frames.pack(bytes.fromhex(job.nonce), *self.arguments)]


class Backend(Protocol):
    """Runs orders, one at a time."""

    kind: str

    def run(self, order: Order) -> Reply:
        """Run it to its end.

        Raises:
            BackendLostError: try again after `restart`.
            WorkerLostError: try again.
            SandboxError: trying again would not help.
        """

    def restart(self) -> None:
        """Start the far side anew; raises as `run`."""

    def facts(self) -> Mapping[str, str | bool | int]:
        """What is known of this way of running: `backend`, `modules`, and each layer that the last worker reached."""

    def processes(self) -> tuple[int, ...]:
        """Process IDs of the far side's own processes."""

    def close(self) -> None:
        """End everything that was started."""
