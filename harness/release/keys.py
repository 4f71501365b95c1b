"""The term's secret key: read it, and name it without giving it away."""

from __future__ import annotations

from hashlib import blake2b, pbkdf2_hmac
from pathlib import Path

from harness.errors import UsageError

#: Public on purpose: whoever has this code can regenerate the demo dataset and its answers. Never a term's key.
DEMO_KEY = b"holdout demonstration key, known to everyone"

MAKE_A_KEY = 'python -c "import secrets; print(secrets.token_hex(32))" > term.key'

_LEAST_BYTES = 16
#: Part of what decides the bytes: a key gives the same dataset as long as this stays as it is.
_LABEL = b"holdout world 1"
_STRETCHING = 50_000  # rounds: makes guessing a weak key against public data slow, and costs us some 20 ms
_LEAST_DIFFERENT = 6  # a random key of 16 hexadecimal digits has fewer about once in 20,000


def read_key(path: Path) -> bytes:
    """The key in the file `path`, without surrounding white space.

    Raises:
        UsageError: unreadable, shorter than 16 bytes, too uniform to be random, or the public demo key.
    """
    try:
        key = Path(path).read_bytes().strip()
    except OSError as problem:
        raise UsageError(f"{path}: cannot read the key ({problem.strerror}); make one: {MAKE_A_KEY}") from problem
    if len(key) < _LEAST_BYTES:
        raise UsageError(
            f"{path}: the key has {len(key)} bytes, at least {_LEAST_BYTES} are needed; make one: {MAKE_A_KEY}"
        )
    if len(set(key)) < _LEAST_DIFFERENT:
        raise UsageError(f"{path}: the key repeats a few characters and can be guessed; make one: {MAKE_A_KEY}")
    if key == DEMO_KEY:
        raise UsageError(f"{path}: this is the public demo key, which hides nothing; make one: {MAKE_A_KEY}")
    return key


def master_secret(key: bytes) -> bytes:
    """32 bytes from which every stream of the dataset that `key` stands for is derived."""
    return pbkdf2_hmac("sha256", key, _LABEL, _STRETCHING)


def fingerprint(key: bytes) -> str:
    """12 hexadecimal digits that tell keys apart and from which no key can be computed."""
    return blake2b(b"", key=master_secret(key), digest_size=6, person=b"holdout print").hexdigest()
