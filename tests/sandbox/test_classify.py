"""From the kernel's account and the pipes' to a status: the cases that are hard to bring about, by hand."""

from __future__ import annotations

import errno
import signal

import pytest

from harness.sandbox import Limits, Status
from harness.sandbox.classify import WorkerExit, classify, source_line
from harness.sandbox.exchange import Transcript
from harness.sandbox.hardening import attempt, resource_limits

LIMITS = Limits(cpu_seconds=10, memory_bytes=400 << 20)
EXITED_7 = 7 << 8


def status(tmp_path, *, end="closed", wait=signal.SIGKILL, killed=False, cpu=0.1, own=10 << 20, output=b""):
    transcript = Transcript(end=end, output=bytearray(output), seconds=1.0)
    ended = WorkerExit(int(wait), killed, cpu, (200 << 20) + own, 200 << 20)
    return classify(transcript, ended, LIMITS, tmp_path).status


def test_a_kill_that_nobody_ordered_at_much_memory_was_the_memory_killer(tmp_path):
    assert status(tmp_path, own=350 << 20) is Status.OUT_OF_MEMORY
    assert status(tmp_path, own=20 << 20) is Status.DIED


def test_a_kill_at_the_cpu_limit_was_the_limit(tmp_path):
    assert status(tmp_path, cpu=10.9) is Status.OUT_OF_CPU
    assert status(tmp_path, wait=signal.SIGXCPU) is Status.OUT_OF_CPU


def test_an_abort_that_speaks_of_memory_is_out_of_memory(tmp_path):
    said = b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n"
    assert status(tmp_path, wait=signal.SIGABRT, output=said) is Status.OUT_OF_MEMORY
    assert status(tmp_path, wait=signal.SIGABRT, output=b"assertion failed") is Status.DIED


def test_other_ends(tmp_path):
    assert status(tmp_path, wait=EXITED_7) is Status.DIED
    assert status(tmp_path, wait=signal.SIGSEGV) is Status.DIED
    assert status(tmp_path, end="late") is Status.TIMED_OUT
    assert status(tmp_path, end="too much") is Status.DIED
    assert status(tmp_path, end="malformed") is Status.BAD_REPLY
    assert status(tmp_path, killed=True) is Status.BAD_REPLY


def test_an_unknown_signal_has_a_number(tmp_path):
    transcript = Transcript(end="closed", seconds=1.0)
    assert "signal 63" in classify(transcript, WorkerExit(63, False, 0, 0), LIMITS, tmp_path).detail


def test_lines_come_from_regular_files_of_the_tree_only(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.py").write_text("one\n  two  \n" + "x" * 500)
    (tmp_path / "outside.py").write_text("secret")
    (tree / "link.py").symlink_to(tmp_path / "outside.py")
    assert source_line(tree, "a.py", 2) == "two"
    assert len(source_line(tree, "a.py", 3)) == 200
    for file, line in [("a.py", 0), ("a.py", 9), ("link.py", 1), ("../outside.py", 1), ("", 1), (".", 1), ("b.py", 1)]:
        assert source_line(tree, file, line) == ""


def test_a_layer_that_cannot_be_had_is_a_fault_only_where_it_is_required():
    def missing() -> int:
        raise OSError(errno.ENOSYS, "no such call here")

    assert attempt(lambda: 218, strict=True) == 218
    assert attempt(missing, strict=False) is False
    with pytest.raises(OSError, match="no such call"):
        attempt(missing, strict=True)


def test_limits_are_on_top_of_what_every_worker_starts_with():
    from harness.sandbox.hardening import Baseline

    base = Baseline(address_space=1000, data=500, resident=300, tasks=40)
    alone = resource_limits(LIMITS, base, alone=True)
    assert alone["AS"] == (1000 + (400 << 20),) * 2
    assert alone["DATA"] == (500 + (400 << 20),) * 2
    assert alone["NPROC"] == (32, 32)
    assert alone["CPU"] == (10, 11)
    assert resource_limits(LIMITS, base, alone=False)["NPROC"][0] > 40 + 32
    assert "AS" not in resource_limits(LIMITS, None, alone=False)
