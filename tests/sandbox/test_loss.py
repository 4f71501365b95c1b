"""When the zygote or the grader dies, nothing hangs, nothing survives, and restarts are counted."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sandbox import Sandbox, SandboxError, Status, system
from harness.sandbox import sandbox as front
from harness.sandbox.backend import Order
from harness.sandbox.interpreter import module_path
from harness.sandbox.parent import Zygote
from tests.sandbox.support import PROBES, SMALL, needs_linux, needs_root, processes_of, runner, write_tree

pytestmark = needs_linux

NAP = "import time\ndef attack(seconds):\n    time.sleep(seconds)\n    return 'awake'"


@pytest.fixture
def own(open_folder):
    """A sandbox to break, and what it tells of."""
    told: list[str] = []
    with Sandbox(open_folder / "broken", probes=PROBES, on_event=told.append) as sandbox:
        yield sandbox, told


def gone(pid: int) -> bool:
    """Whether the process ends within a few seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_zygote_killed_before_and_during_runs_is_replaced(own, make_tree, monkeypatch):
    sandbox, told = own
    run = runner(sandbox, make_tree)
    assert run(NAP, seconds=0).value == "awake"
    os.kill(sandbox.foreign()[0], signal.SIGKILL)
    assert run(NAP, seconds=0).value == "awake"
    assert len(told) == 1
    assert told[0].startswith("restart 1 of at most 3: ")

    zygote = sandbox.foreign()[0]
    workers: list[int] = []

    def kill_while_it_runs():
        while not workers:
            workers.extend(children_of(zygote))
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(zygote, signal.SIGKILL)

    killer = threading.Thread(target=kill_while_it_runs)
    killer.start()
    assert run(NAP, seconds=0.5).value == "awake"
    killer.join()
    assert gone(workers[0])
    assert len(told) == 2

    monkeypatch.setattr(front, "MOST_RESTARTS", 2)
    os.kill(sandbox.foreign()[0], signal.SIGKILL)
    with pytest.raises(SandboxError, match="given up after 2 restarts"):
        run(NAP, seconds=0)
    assert list((sandbox.folder / "runs").iterdir()) == []


def test_a_zygote_that_stopped_answering_is_replaced(own, make_tree, monkeypatch):
    sandbox, told = own
    run = runner(sandbox, make_tree)
    assert run(NAP, seconds=0).value == "awake"
    zygote = sandbox.foreign()[0]
    sandbox._backend._zygote._control.settimeout(0.5)
    os.kill(zygote, signal.SIGSTOP)
    assert run(NAP, seconds=0).value == "awake"
    assert "does not answer" in told[0]
    assert gone(zygote)


@pytest.mark.parametrize("already_there", [True, False])
def test_a_zygote_ends_with_its_grader_also_while_it_preloads(open_folder, tmp_path, already_there):
    probes = tmp_path / "endless"
    probes.mkdir()
    (probes / "topic.py").write_text(f"import time\nopen({str(tmp_path / 'there')!r}, 'w').close()\ntime.sleep(3600)\n")
    zygote = Zygote.started(str(probes), module_path(), tmp_path / "log")
    while already_there and not (tmp_path / "there").exists():
        time.sleep(0.01)
    zygote._control.close()
    try:
        assert zygote._process.wait(60) != 0
    finally:
        zygote._process.kill()


@pytest.mark.parametrize("killed", [1, 2])
def test_a_worker_killed_before_it_is_ready_is_replaced_once(own, make_tree, monkeypatch, killed):
    sandbox, told = own
    fork = Zygote.fork
    victims: list[int] = []

    def fork_and_kill(zygote, descriptors):
        pid = fork(zygote, descriptors)
        if len(victims) < killed:
            victims.append(pid)
            os.kill(pid, signal.SIGKILL)
        return pid

    monkeypatch.setattr(Zygote, "fork", fork_and_kill)
    run = runner(sandbox, make_tree)
    if killed == 1:
        assert run(NAP, seconds=0).value == "awake"
    else:
        with pytest.raises(SandboxError, match=r"given up after 2 workers: .* killed before it was ready"):
            run(NAP, seconds=0)
        assert run(NAP, seconds=0).value == "awake"
    assert told == ["a worker for calls.call was killed before it was ready; another one is started"]
    assert list((sandbox.folder / "runs").iterdir()) == []


KILLED = """
import os, signal
def attack():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_the_memory_killer_took_is_no_fault_of_the_student(own, make_tree, monkeypatch):
    """The machine was too small then: within its own limit, a worker gets a MemoryError and no signal."""
    sandbox, told = own
    run = runner(sandbox, make_tree)
    monkeypatch.setattr(system, "memory_kills", lambda: 7)
    assert run(KILLED).status is Status.DIED
    monkeypatch.setattr(system, "memory_kills", itertools.count().__next__)
    assert run(NAP, seconds=0).value == "awake"
    with pytest.raises(SandboxError, match="given up after 2 workers: the machine ran out of memory"):
        run(KILLED)
    assert len(told) == 1


ONCE_KILLED = """
import os, signal
def attack(path):
    try:
        os.mkdir(path)
    except FileExistsError:
        return "again"
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("backend", ["fork", "spawn"])
def test_a_worker_killed_while_its_code_runs_is_replaced_once_and_then_believed(open_folder, make_tree, backend):
    """It may have been an administrator; a submission that kills itself does so again."""
    shared = open_folder / f"shared-{backend}"
    shared.mkdir()
    shared.chmod(0o777)
    told: list[str] = []
    without = ["landlock"] if backend == "fork" else []
    place = open_folder / f"killed-{backend}"
    with Sandbox(place, probes=PROBES, on_event=told.append, backend=backend, without=without) as sandbox:
        run = runner(sandbox, make_tree)
        assert run(ONCE_KILLED, path=str(shared / "been here")).value == "again"
        reply = run(KILLED)
    assert (reply.status, reply.killed) == (Status.DIED, True)
    assert told == []


def test_another_attempt_has_only_the_time_that_the_first_one_left(open_folder):
    order = Order(open_folder, "calls.call", 1, True, replace(SMALL, wall_seconds=20), (b"", []))
    assert order.shortened(15).limits == replace(SMALL, wall_seconds=5)
    assert order.shortened(30).limits == replace(SMALL, wall_seconds=1)


def test_the_memory_killers_count_is_read_in_both_forms(tmp_path):
    assert system.memory_kills(tmp_path) is None
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert system.memory_kills(tmp_path) == 3
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n")
    assert system.memory_kills(tmp_path) == 1


def test_the_limit_on_memory_is_read_in_both_forms(tmp_path):
    assert system.memory_limit(tmp_path) is None
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert system.memory_limit(tmp_path) == 9223372036854771712
    (tmp_path / "memory.max").write_text("805306368\n")
    assert system.memory_limit(tmp_path) == 768 << 20
    (tmp_path / "memory" / "memory.limit_in_bytes").unlink()
    (tmp_path / "memory.max").write_text("max\n")
    assert system.memory_limit(tmp_path) is None


DAEMON = """
import os, time
def attack(path):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for descriptor in range(64):
                try: os.close(descriptor)
                except OSError: pass
            time.sleep(300)
        os._exit(0)
    os.wait()
    if path:
        open(path, "w").write(str(os.getuid()))
        time.sleep(300)
    return os.getuid()
"""


@needs_root
@pytest.mark.slow
def test_without_the_filter_daemons_are_still_ended_with_their_worker(open_folder, make_tree):
    """Processes can be started only where the filter is missing; even then none outlives its run or its zygote."""
    place = open_folder / "daemons"
    with Sandbox(place, probes=PROBES, without=["seccomp", "landlock"]) as sandbox:
        run = runner(sandbox, make_tree)
        user = run(DAEMON, path="").value
        assert isinstance(user, int)
        assert processes_of(user) == []

        shared = open_folder / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        killer = threading.Thread(target=kill_once_written, args=(shared / "user", sandbox.foreign()[0]))
        killer.start()
        run(DAEMON, path=str(shared / "user"), limits=replace(SMALL, wall_seconds=5))
        killer.join()
        assert processes_of(int((shared / "user").read_text())) == []
        assert processes_of(int((shared / "first").read_text())) == []


def kill_once_written(path, zygote):
    while not path.exists() or not path.read_text():
        time.sleep(0.01)
    path.rename(path.with_name("first"))
    os.kill(zygote, signal.SIGKILL)


GRADER = """
import sys
from pathlib import Path
from harness.sandbox import Limits, Sandbox
tree, scratch, probes = map(Path, sys.argv[1:])
with Sandbox(scratch, probes=str(probes)) as sandbox:
    sandbox.start()
    sandbox.run(tree, "calls.call", {"function": "attack", "seconds": 0}, seed=1, limits=Limits())
    print(sandbox.foreign()[0], flush=True)
    sandbox.run(tree, "calls.call", {"function": "attack", "seconds": 60}, seed=1, limits=Limits())
"""


def test_nothing_outlives_a_grader_that_was_killed(open_folder):
    tree = write_tree(open_folder, NAP)
    arguments = [sys.executable, "-c", GRADER, str(tree), str(open_folder / "killed"), PROBES]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as grader:
        assert grader.stdout is not None
        zygote = int(grader.stdout.readline())
        while not children_of(zygote):
            time.sleep(0.01)
        worker = children_of(zygote)[0]
        grader.kill()
    assert gone(worker)
    assert gone(zygote)


def test_a_grader_whose_parent_ignores_the_end_of_children_works_all_the_same(open_folder):
    script = f"import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{GRADER.replace('60', '0')}"
    arguments = [sys.executable, "-c", script, str(write_tree(open_folder, NAP)), str(open_folder / "ignoring"), PROBES]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr


def test_probes_that_do_not_import_are_a_fault_that_shows_why(open_folder, make_tree):
    folder = open_folder / "bad_probes"
    folder.mkdir()
    (folder / "topic.py").write_text("import nothing_of_that_name\n")
    faulty = Sandbox(open_folder / "faulty", probes=str(folder))
    with pytest.raises(SandboxError, match="nothing_of_that_name"):
        faulty.run(make_tree(), "topic.f", {}, seed=1, limits=SMALL)
    faulty.close()


def test_close_removes_everything_and_a_later_run_starts_anew(open_folder, make_tree):
    scratch = open_folder / "closing"
    sandbox = Sandbox(scratch, probes=PROBES)
    assert runner(sandbox, make_tree)(NAP, seconds=0).status is Status.RETURNED
    zygote = sandbox.foreign()[0]
    sandbox.close()
    assert gone(zygote)
    assert list(scratch.iterdir()) == []
    assert sandbox.foreign() == ()
    sandbox.close()
