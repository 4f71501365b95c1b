"""Disk space is bounded: by the limit on each file, by looking at names, and by what is missing for files without names."""

from __future__ import annotations

import errno
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sandbox import Status, scratch
from harness.sandbox.scratch import DiskWatch
from tests.sandbox.support import SMALL, needs_linux

pytestmark = needs_linux

MIB = 1 << 20
KEEP_SIZE, PUNCH, COLLAPSE, ZERO, UNSHARE = 1, 3, 8, 16, 64


@pytest.fixture
def little_space(monkeypatch):
    monkeypatch.setattr(scratch, "HIDDEN_BYTES", 200 * MIB)


@pytest.mark.parametrize("mode", [0, KEEP_SIZE, PUNCH, COLLAPSE, ZERO, ZERO | KEEP_SIZE, UNSHARE])
def test_no_kind_of_fallocate_takes_space(run, mode):
    reply = run(
        """
        import ctypes, os, tempfile
        def attack(mode):
            libc = ctypes.CDLL(None, use_errno=True)
            with tempfile.TemporaryFile(dir=".") as file:
                done = libc.fallocate(file.fileno(), mode, ctypes.c_long(0), ctypes.c_long(1 << 30))
                return done, ctypes.get_errno(), os.fstat(file.fileno()).st_blocks
        """,
        mode=mode,
    )
    assert reply.value == (-1, errno.EOPNOTSUPP, 0)


def test_setting_space_aside_within_the_limits_works_as_on_any_disk(run):
    reply = run(
        """
        import os
        def attack():
            with open("file", "w+b") as file:
                os.posix_fallocate(file.fileno(), 0, 1 << 20)
                try:
                    os.posix_fallocate(file.fileno(), 0, 1 << 30)
                except OSError as problem:
                    return os.fstat(file.fileno()).st_size, problem.strerror
        """
    )
    assert reply.value == (SMALL.file_bytes, "File too large")


HIDING = """
import ctypes, os, time
libc = ctypes.CDLL(None)
def one(size):
    file = os.open("file", os.O_RDWR | os.O_CREAT)
    for _ in range(size): os.write(file, bytes(1 << 20))
    os.unlink("file")
    return file
def mapped(count):
    for _ in range(count):
        file = one(8)
        libc.mmap(None, ctypes.c_size_t(4096), 1, 1, file, ctypes.c_long(0))  # Python's would keep the descriptor
        os.close(file)
    time.sleep(100)
def opened(count):
    kept = [one(8) for _ in range(count)]
    time.sleep(100)
def replaced(count):
    kept = []
    for _ in range(count):
        file = os.open("file", os.O_RDWR | os.O_CREAT)
        for _ in range(8): os.write(file, bytes(1 << 20))
        kept.append(file)
        os.close(os.open("other", os.O_CREAT))
        os.rename("other", "file")
    time.sleep(100)
"""


@pytest.mark.parametrize(("how", "count"), [("mapped", 100), ("opened", 50), ("replaced", 50)])
def test_files_without_names_end_the_run(run, little_space, events, how, count):
    before = list(events)
    reply = run(HIDING, function=how, count=count, limits=replace(SMALL, wall_seconds=120, cpu_seconds=60))
    assert reply.status is Status.DIED, reply
    assert re.search(r"it wrote \d+ MiB into files that it had removed", reply.detail)
    assert events == before


def test_few_files_without_names_are_ordinary(run, little_space):
    reply = run(HIDING.replace("100", "0.5"), function="mapped", count=10)
    assert reply.status is Status.RETURNED


def test_a_disk_that_somebody_else_fills_is_not_the_submissions_doing(run, events, monkeypatch):
    """However long they go on: the worker that replaces the first is not suspected."""
    free = [10**12]

    def filling(_):
        free[0] -= 10**10
        return free[0]

    monkeypatch.setattr(scratch, "_free_bytes", filling)
    monkeypatch.setattr(scratch, "_RELEASE_SECONDS", 0.1)
    reply = run("import time\ndef attack(): time.sleep(0.5)")
    assert reply.status is Status.RETURNED
    assert "something else filled the disk while a worker for calls.call ran" in events[-1]


def test_half_of_a_small_disk_is_the_most(tmp_path, monkeypatch):
    free = iter([100 * MIB, 51 * MIB, 49 * MIB])
    monkeypatch.setattr(scratch, "_free_bytes", lambda _: next(free))
    watch = DiskWatch(tmp_path, replace(SMALL, scratch_bytes=MIB))
    assert watch.look() == ""
    assert watch.look() == "it wrote 51 MiB into files that it had removed"
    assert watch.suspects_hidden_files


def test_many_names_do_not_keep_the_disk_from_being_looked_at(tmp_path, monkeypatch):
    """Counting names pauses ten times as long as it took: time enough to fill any disk."""
    free = [4000 * MIB]
    monkeypatch.setattr(scratch, "_free_bytes", lambda _: free[0])
    watch = DiskWatch(tmp_path, SMALL)
    watch._pause_until = math.inf
    assert watch.look() == ""
    free[0] = 2000 * MIB
    assert "into files that it had removed" in watch.look()


def test_free_space_is_what_the_disk_says(tmp_path: Path):
    before = scratch._free_bytes(tmp_path)
    assert before > 0
    (tmp_path / "file").write_bytes(bytes(64 * MIB))
    assert scratch._free_bytes(tmp_path) < before


def test_a_database_in_a_file_works_without_locks(run):
    """The one honest program that asks for locks on ranges; what it must say is in docs/threat-model.md."""
    reply = run(
        """
        import sqlite3
        def attack():
            database = sqlite3.connect("file:data.db?nolock=1", uri=True)
            with database:
                database.execute("create table t (x)")
                database.execute("insert into t values (3)")
            return database.execute("select x from t").fetchone()[0]
        """
    )
    assert reply.value == 3, reply
