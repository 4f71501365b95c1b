"""Where the random numbers of a run come from, and who may know them.

Hidden graded tests draw from the run's seed: an HMAC of the upload's digest under the secret of the release. So one
upload is always judged alike, and nobody without the secret can try an upload at home. Basic graded tests draw from the
digest itself: students repeat them on their own machines, and their inputs are public.

From either seed three streams follow for each graded test, and no one of them tells another: what a graded test draws
before it asks a worker, what it draws when the reply is in, and what the workers' own streams start from.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from harness.assignment import ROOT
from harness.errors import InternalError

#: Lies beside a released grader, and in nothing that students get.
SECRET = "seeds.secret"  # noqa: S105 - its name, not what it holds

#: In a checkout. Public on purpose: whoever has this code can work out every seed of a grade there.
DEMO_SECRET = b"holdout demonstration secret, known to everyone"

Stream = Literal["inputs", "unseen", "workers"]

_LABEL = b"holdout: seed of a run\0"
_DIGITS = 32
_PUBLIC_DIGITS = 16


@dataclass(frozen=True)
class Seeds:
    """The seeds of one run, by the kind of graded test."""

    hidden: str
    basic: str

    @classmethod
    def of(cls, digest: str, secret: bytes, given: str | None = None) -> Seeds:
        """Those of the upload with this digest; `given` stands for the hidden one, to repeat a run."""
        drawn = hmac.new(secret, _LABEL + digest.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
        return cls(hidden=given or drawn, basic=digest[:_PUBLIC_DIGITS])


def release_secret(root: Path = ROOT) -> bytes:
    """The secret of the release that this grader is part of; the public one in a checkout.

    Raises:
        InternalError: a released grader has none, or it cannot be read.
    """
    path = root / SECRET
    try:
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        if (root / "release.json").exists():
            raise InternalError(f"{path}: missing beside this grader; build the release again") from None
        return DEMO_SECRET
    except OSError as problem:
        raise InternalError(f"{path}: cannot be read ({problem.strerror}); build the release again") from problem
    if not secret:
        raise InternalError(f"{path}: is empty; build the release again")
    return secret


def seed_of(run_seed: str, test_id: str, stream: Stream = "inputs") -> int:
    """The seed of one stream of one graded test, from the run's: of 32 bits, as numpy and torch take."""
    label = f"{run_seed}:{test_id}" if stream == "inputs" else f"{run_seed}:{stream}:{test_id}"
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:4], "big")


def generator(run_seed: str, test_id: str, stream: Stream = "inputs") -> np.random.Generator:
    """The numbers of one stream of one graded test, from its beginning."""
    return np.random.default_rng(seed_of(run_seed, test_id, stream))
