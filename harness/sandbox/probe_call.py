"""What a worker is told to do, as it travels from the grader to the zygote."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from harness.sandbox.model import Limits
from harness.sandbox.values import Caps

#: The package in a tree that holds the student's files.
PACKAGE = "submission"

#: The layers of a worker's isolation that can be left out, to learn what each of them alone holds.
LAYERS = ("uid", "rlimits", "landlock", "seccomp")


@dataclass(frozen=True)
class ProbeCall:
    """One run."""

    tree: str
    """Folder that holds `submission/`."""
    probe: str
    """`topic.function`."""
    seed: int
    load: bool
    """Whether to import the submission and hand its module to the probe, or its folder's path."""
    scratch: str
    nonce: str
    """Hexadecimal; marks this run's messages."""
    uid: int | None
    """User and group ID to take on; None keeps ours."""
    layers: tuple[str, ...]
    strict: bool
    """Whether a layer that this machine does not offer is a fault; else the worker does without and says so."""
    limits: Limits

    def to_dict(self) -> dict[str, Any]:
        """The call in JSON's types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> ProbeCall:
        """The call that `to_dict` made."""
        return cls(**{**raw, "layers": tuple(raw["layers"]), "limits": Limits(**raw["limits"])})

    def reply_caps(self) -> Caps:
        """How large the reply may get."""
        return Caps(body_bytes=self.limits.reply_bytes)


#: Marks the call itself where it travels through a pipe, before it has told its nonce.
CALL_NONCE = bytes(16)

#: Arguments come from the grader: larger than any reply may be, and still bounded.
ARGUMENT_CAPS = Caps(body_bytes=1 << 28)
