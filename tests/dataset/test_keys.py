"""The key file: read when it can keep a secret, refused with a way out otherwise."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.release.keys import DEMO_KEY, MAKE_A_KEY, fingerprint, read_key

GOOD = b"8f1f0a9b2cc34d5e6f70819223344556"


def test_surrounding_white_space_is_no_part_of_the_key(tmp_path: Path) -> None:
    path = tmp_path / "term.key"
    path.write_bytes(b"\n  " + GOOD + b" \r\n")
    assert read_key(path) == GOOD


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "has 0 bytes"),
        (b"short\n", "has 5 bytes"),
        (b"0123456789abcde      ", "has 15 bytes"),
        (b"a" * 64, "can be guessed"),
        (DEMO_KEY + b"\n", "public demo key"),
    ],
)
def test_a_weak_key_is_refused_with_the_command_that_makes_a_good_one(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "term.key"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=complaint) as refused:
        read_key(path)
    assert str(path) in str(refused.value)
    assert MAKE_A_KEY in str(refused.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.key: cannot read"):
        read_key(tmp_path / "nowhere.key")


def test_the_suggested_command_makes_a_key_that_is_accepted(tmp_path: Path) -> None:
    code = MAKE_A_KEY.split('"')[1]
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    (tmp_path / "term.key").write_bytes(made)
    assert len(read_key(tmp_path / "term.key")) == 64


def test_the_fingerprint_tells_keys_apart_and_is_short() -> None:
    prints = {fingerprint(bytes([number]) * 16) for number in range(20)}
    assert len(prints) == 20
    assert all(len(text) == 12 and int(text, 16) >= 0 for text in prints)
    assert fingerprint(GOOD) == fingerprint(GOOD)
