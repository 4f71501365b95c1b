"""What a worker reads of the submission leaves no trace for the next, and the files' times do not tell when they were staged."""

from __future__ import annotations

import os
import time

import pytest

from harness.sandbox import times
from tests.sandbox.support import SMALL, needs_linux

pytestmark = needs_linux

LOOK = """
import os
HERE = os.path.dirname(__file__)
def seen():
    paths = [HERE, os.path.dirname(HERE), *(os.path.join(HERE, name) for name in sorted(os.listdir(HERE)))]
    return {os.path.basename(path): (os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns, os.stat(path).st_ctime) for path in paths}
FIRST = {path: times for path, times in ((name, os.stat(os.path.join(HERE, name))) for name in ("a.py", "b.py", "c.py"))}
FIRST = {name: (found.st_atime_ns, found.st_mtime_ns, found.st_ctime) for name, found in FIRST.items()}
def attack(read):
    before = FIRST
    for name in read:
        open(os.path.join(HERE, name)).read()
    return {"before": before, "after": seen()}
"""


@pytest.fixture
def tree(make_tree):
    return make_tree(LOOK, a="A = 1\n", b="B = 1\n", c="C = 1\n")


@pytest.fixture
def ask(sandbox, tree):

    def ask(*read):
        arguments = {"function": "attack", "read": list(read)}
        return sandbox.run(tree, "calls.call", arguments, seed=1, limits=SMALL).value

    return ask


def times_of_access(found):
    return {name: times[0] for name, times in found.items()}


def test_reading_leaves_a_trace_here_and_the_next_worker_sees_none(ask):
    first = ask("a.py", "c.py")
    if times_of_access(first["after"])["a.py"] == times.CONSTANT * 10**9:
        pytest.skip("this file system keeps no times of access")
    assert set(times_of_access(ask("b.py")["before"]).values()) == {times.CONSTANT * 10**9}
    assert set(times_of_access(ask()["before"]).values()) == {times.CONSTANT * 10**9}


def test_times_do_not_say_when_a_file_was_staged(ask, tree):
    package = tree / "submission"
    staged = {path.name: path.stat().st_ctime for path in package.iterdir()}
    time.sleep(0.1)
    begun = time.time() - 0.05  # the kernel's clock for files is coarse
    for name, (_, modified, changed) in ask()["before"].items():
        assert modified == times.CONSTANT * 10**9
        assert changed >= begun > staged[name]


def test_folders_links_and_what_they_lead_to(tmp_path):
    outside = tmp_path / "outside"
    outside.touch()
    kept = outside.stat().st_mtime_ns
    tree = tmp_path / "tree"
    (tree / "submission").mkdir(parents=True)
    (tree / "submission" / "link").symlink_to(outside)
    times.reset(tree)
    for path in (tree, tree / "submission", tree / "submission" / "link"):
        found = path.lstat()
        assert (found.st_atime, found.st_mtime) == (times.CONSTANT, times.CONSTANT)
    assert outside.stat().st_mtime_ns == kept


def test_a_tree_that_is_not_ours_is_passed_over(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    times.reset(tmp_path)
