"""Submissions that attack: at import, at call and at exit. None gets out, none is misjudged as an internal error."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sandbox import Status
from tests.sandbox.support import SMALL, needs_linux, needs_root, processes_of

pytestmark = needs_linux

#: Tells a refusal by its exception's name; anything else is what was got.
TRY = """
import os, sys, ctypes, socket, signal, subprocess, threading, time, errno
def tried(action):
    try:
        return repr(action())
    except BaseException as problem:
        return "refused: " + type(problem).__name__
"""


def refused(run, action, **options):
    """Assert that the submission's expression `action` is refused by the system."""
    reply = run(f"{TRY}\ndef attack(**k): return tried(lambda: {action})", **options)
    assert reply.status is Status.RETURNED, reply
    assert str(reply.value).startswith("refused: "), reply.value


PROCESSES = [
    "os.fork()",
    "os.forkpty()",
    "subprocess.run(['/bin/true'])",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.execv('/bin/true', ['true'])",
    "os.execve('/proc/self/exe', ['python', '-c', ''], {})",
    "__import__('multiprocessing').Process(target=print).start()",
    "__import__('multiprocessing').get_context('spawn').Pool(1)",
]


@pytest.mark.parametrize("action", PROCESSES)
def test_no_process_can_be_started(run, action):
    refused(run, action)


SOCKETS = [
    "socket.socket()",
    "socket.socket(socket.AF_UNIX)",
    "socket.socket(socket.AF_INET6)",
    "socket.socket(socket.AF_NETLINK)",
    "socket.socketpair()",
    "socket.create_connection(('127.0.0.1', k['port']))",
    "__import__('urllib.request').request.urlopen('http://127.0.0.1:%d' % k['port'])",
]


@pytest.mark.parametrize("action", SOCKETS)
def test_no_socket_can_be_opened_not_even_to_this_machine(run, action):
    with socket.create_server(("127.0.0.1", 0)) as server:
        refused(run, action, port=server.getsockname()[1])


@pytest.mark.parametrize(
    "action",
    [
        "os.kill(k['grader'], 9)",
        "os.kill(k['zygote'], 9)",
        "os.kill(os.getppid(), 9)",
        "os.kill(k['grader'], 0)",
        "os.kill(-1, 9)",
        "os.kill(0, 9)",
        "os.killpg(os.getpgid(k['zygote']), 9)",
        "signal.pidfd_send_signal(os.pidfd_open(k['zygote']), 9)",
        "open(f\"/proc/{k['zygote']}/mem\", 'rb')",
        "open(f\"/proc/{k['zygote']}/environ\", 'rb').read()",
        "open(f\"/proc/{k['grader']}/environ\", 'rb').read()",
        "open(f\"/proc/{k['grader']}/maps\").read()",
        "os.listdir(f\"/proc/{k['grader']}/fd\")",
        "os.readlink(f\"/proc/{k['grader']}/cwd\")",
        "os.listdir(f'/proc/{os.getppid()}/cwd')",
        "os.sched_setaffinity(k['grader'], {0})",
        "os.setpriority(os.PRIO_PROCESS, k['grader'], 19)",
        "os.setuid(0)",
        "os.setresuid(0, 0, 0)",
        "os.setgroups([0])",
        "os.chroot('.')",
        "os.setsid()",
        "__import__('resource').prlimit(k['zygote'], 0, (1, 1))",
        "__import__('resource').setrlimit(__import__('resource').RLIMIT_AS, (-1, -1))",
        "__import__('fcntl').fcntl(0, __import__('fcntl').F_SETOWN, k['grader'])",
        "os.mkfifo('fifo')",
        "os.chown('.', 0, 0)",
        "os.memfd_create('m')",
        "os.unshare(0x10000000)" if hasattr(os, "unshare") else "os.setgid(0)",
    ],
)
def test_nobody_else_can_be_touched(run, sandbox, action):
    refused(run, action, grader=os.getpid(), zygote=sandbox.foreign()[0])


CALLS = {"ptrace attach": (101, 117, 16), "process_vm_readv": (310, 270, 0), "keyctl": (250, 219, 0), "bpf": (321, 280, 0),
         "mount": (165, 40, 0), "unshare": (272, 97, 0x10000000), "io_uring_setup": (425, 425, 8), "shmget": (29, 194, 0),
         "mq_open": (240, 180, 0), "personality": (135, 92, 0), "userfaultfd": (323, 282, 0), "perf_event_open": (298, 241, 0),
         "clone3": (435, 435, 0), "no such call": (5000, 5000, 0)}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_raw_calls_are_refused_with_a_plain_error(run, sandbox, name):
    intel, arm, first = CALLS[name]
    reply = run(
        f"""
        import ctypes, errno, os
        def attack(pid):
            number = {intel} if os.uname().machine == "x86_64" else {arm}
            libc = ctypes.CDLL(None, use_errno=True)
            return libc.syscall(number, {first}, pid, 0, 0, 0, 0), errno.errorcode[ctypes.get_errno()]
        """,
        pid=sandbox.foreign()[0],
    )
    assert reply.value in ((-1, "EPERM"), (-1, "ENOSYS"))


def test_another_abis_numbers_kill(run):
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has a second ABI")
    reply = run("import ctypes\ndef attack(): return ctypes.CDLL(None).syscall(0x40000000 + 39)")
    assert reply.status is Status.DIED
    assert "SIGSYS" in reply.detail


@needs_root
def test_files_of_the_graders_alone_are_unreadable(run, open_folder):
    canary = open_folder / "canary"
    canary.write_text("secret")
    canary.chmod(0o600)
    for path in (canary, "/etc/shadow", "/proc/1/environ"):
        refused(run, f"open({str(path)!r}).read()")


@needs_root
def test_other_trees_cannot_be_found(run, open_folder, sandbox):
    for folder in (open_folder, sandbox.folder, sandbox.folder / "runs"):
        refused(run, f"os.listdir({str(folder)!r})")


@needs_root
def test_the_trees_of_earlier_runs_are_not_in_a_workers_memory(sandbox, make_tree):
    """A worker inherits the zygote's memory, so nothing about a run may pass through the zygote."""
    earlier = make_tree("def attack(): pass")
    renamed = earlier.rename(earlier.with_name(f"tree-{os.urandom(16).hex()}"))
    sandbox.run(renamed, "calls.call", {"function": "attack"}, seed=1, limits=SMALL)
    scan = """
        import ctypes
        def attack(first, second):
            # The needle is never put together here, so every hit is somebody else's.
            first, second, found = first.encode(), second.encode(), 0
            for line in open("/proc/self/maps"):
                span, rights, *rest = line.split()
                if "w" not in rights or "[vvar" in line: continue
                low, high = (int(part, 16) for part in span.split("-"))
                for start in range(low, high, 1 << 20):
                    data = ctypes.string_at(start, min(high - start, 1 << 20))
                    at = data.find(first)
                    while at >= 0:
                        found += data[at + len(first):at + len(first) + len(second)] == second
                        at = data.find(first, at + 1)
            return found
        """

    def scan_for(name):
        call = {"function": "attack", "first": name[:-8], "second": name[-8:]}
        return sandbox.run(later, "calls.call", call, seed=1, limits=SMALL)

    later = make_tree(scan)
    later = later.rename(later.with_name(f"tree-{os.urandom(16).hex()}"))
    assert scan_for(renamed.name).value == 0
    assert scan_for(later.name).value > 0  # its own place a worker may know: the scan works


def test_the_environment_says_nothing(run, monkeypatch):
    monkeypatch.setenv("UPLOAD_TOKEN", "secret")
    reply = run("import os\ndef attack(): return dict(os.environ)")
    assert "UPLOAD_TOKEN" not in reply.value
    assert "secret" not in str(reply.value)
    reply = run(f"{TRY}\ndef attack(): return tried(lambda: open('/proc/self/environ', 'rb').read())")
    assert "secret" not in reply.value


def test_no_descriptor_of_ours_is_open(run):
    reply = run(
        """
        import os
        def attack():
            found = []
            for n in range(1024):
                try: os.fstat(n); found.append(n)
                except OSError: pass
            return found
        """
    )
    assert set(reply.value) <= {0, 1, 2, 3}


FLOODS = {
    "stdout": "import os\nblock = b'x' * 65536\nfor _ in range(16384): os.write(1, block)",
    "lines": "for i in range(200_000): print(i)",
    "stderr": "import sys\nfor _ in range(1000): sys.stderr.write('x' * 100000)",
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_output_is_drained_and_counted(run, name):
    body = FLOODS[name].replace("\n", "\n    ")
    reply = run(f"def attack():\n    {body}\n    return 'done'")
    assert (reply.status, reply.value) == (Status.RETURNED, "done")
    assert len(reply.output) == 1 << 16
    assert reply.output_dropped > 1_000_000


BOMBS = {
    "threads": "import threading, time\ndef attack():\n    while True: threading.Thread(target=time.sleep, args=(60,)).start()",
    "forks": "import os\ndef attack():\n    while True: os.fork()",
    "files": "def attack():\n    for i in range(10**9): open(str(i), 'w').close()",
    "folders": "import os\ndef attack():\n    while True: os.mkdir('d'); os.chdir('d')",
    "large files": "def attack():\n    for i in range(10**9): open(str(i), 'wb').write(bytes(8 << 20))",
    "a large file": "def attack():\n    f = open('f', 'wb')\n    while True: f.write(bytes(1 << 20)); f.flush()",
    "a sparse file": "import os\ndef attack(): os.truncate(os.open('f', os.O_CREAT | os.O_RDWR), 1 << 40)",
    "descriptors": "def attack():\n    files = []\n    while True: files.append(open('/dev/null'))",
    "symlinks": "import os\ndef attack():\n    for i in range(10**9): os.symlink('/', str(i))",
    "timers": "import ctypes\ndef attack():\n    l = ctypes.CDLL(None)\n    t = ctypes.c_int()\n    while l.timer_create(1, None, ctypes.byref(t)) == 0: pass\n    1 / 0",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_stopped_and_leave_nothing(run, sandbox, name):
    reply = run(BOMBS[name], limits=replace(SMALL, wall_seconds=60))
    assert reply.status in {Status.RAISED, Status.DIED, Status.OUT_OF_MEMORY, Status.OUT_OF_CPU}, reply
    assert list((sandbox.folder / "runs").iterdir()) == []


WEIRD = """
import os, sys
def attack():
    os.mkdir("closed"); open("closed/f", "w").close(); os.mkdir("closed/inner"); os.chmod("closed/inner", 0); os.chmod("closed", 0)
    for name in (b"\\xff\\xfe", b"\\n", b"-rf", b"..." , b" ", "\\u202e".encode(), b"x" * 255):
        open(name, "w").close()
        os.mkdir(name[:200] + b"-folder")
    os.symlink("/etc", "etc"); os.symlink(".", "loop"); os.symlink("nothing", "dangling"); os.symlink("closed", "closed-folder-link")
    os.link("-rf", "second")
    here = os.getcwd()
    for _ in range(15):
        os.mkdir("deep" * 10); os.chdir("deep" * 10)
    os.chdir(here)
    os.chmod(".", 0)
    return here
"""


def test_whatever_lies_in_scratch_is_wiped_and_nothing_else(run, sandbox):
    reply = run(WEIRD)
    assert reply.status is Status.RETURNED, reply
    assert not Path(reply.value).exists()
    assert list((sandbox.folder / "runs").iterdir()) == []
    assert Path("/etc").is_dir()


@needs_root
@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm", "/", "/etc", "/usr", str(Path.home())])
def test_nothing_stays_outside_of_scratch(run, place):
    name = f"{place}/holdout-left-{os.getpid()}"
    run(f"import os\nopen({name!r}, 'w').close()\ndef attack(): pass")
    run(f"import os\nos.makedirs({name!r} + '/deep')\ndef attack(): pass")
    assert not Path(name).exists()


@needs_root
def test_the_submission_cannot_be_changed(sandbox, make_tree):
    tree = make_tree(
        f"{TRY}\ndef attack(f): return [tried(lambda: open(f, 'a')), tried(lambda: os.unlink(f)), tried(lambda: os.chmod(f, 0o777))]"
    )
    file = tree / "submission" / "__init__.py"
    before = file.read_bytes()
    reply = sandbox.run(tree, "calls.call", {"function": "attack", "f": str(file)}, seed=1, limits=SMALL)
    assert all(said.startswith("refused") for said in reply.value)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


LATE = {
    "atexit": "import atexit, os\natexit.register(lambda: os.write(1, b'late'))",
    "a daemon thread": "import threading, time, os\nthreading.Thread(target=lambda: (time.sleep(0.3), os.write(1, b'late')), daemon=True).start()",
    "a thread": "import threading, time, os\nthreading.Thread(target=lambda: (time.sleep(0.3), os.write(1, b'late'))).start()",
    "a finaliser": "import weakref, os\nclass C: pass\nc = C(); weakref.finalize(c, os.write, 1, b'late')",
    "a timer": "import signal, os\nsignal.signal(signal.SIGALRM, lambda *_: os.write(1, b'late')); signal.setitimer(signal.ITIMER_REAL, 0.5)",
    "a del": "import os\nclass C:\n    def __del__(self): os.write(1, b'late')\nc = C()",
}


@pytest.mark.parametrize("name", LATE)
def test_nothing_runs_after_the_reply(run, name):
    reply = run(f"{LATE[name]}\ndef attack(): return 1")
    assert (reply.status, reply.value) == (Status.RETURNED, 1)
    assert "late" not in reply.output


@needs_root
def test_no_process_of_a_workers_user_is_left(run):
    text = "import os, threading, time\ndef attack():\n    threading.Thread(target=time.sleep, args=(60,)).start()\n    return os.getuid()"
    user = run(text).value
    assert user >= 20_000
    assert processes_of(user) == []


@needs_root
def test_every_worker_has_a_user_of_its_own(run):
    users = [
        run("import os\ndef attack(): return list(os.getresuid()) + list(os.getresgid()) + os.getgroups()").value
        for _ in range(3)
    ]
    assert all(len(set(identities)) == 1 for identities in users)
    assert len({identities[0] for identities in users}) == 3


PATCHES = {
    "json": "import json\njson.dumps = json.loads = lambda *a, **k: 1 / 0",
    "builtins": "import builtins\nbuiltins.len = builtins.isinstance = builtins.open = lambda *a: 1 / 0",
    "numpy": "import numpy\nnumpy.asarray = numpy.ndarray = None",
    "torch": "import torch\ntorch.Tensor.detach = torch.Tensor.cpu = None",
    "os": "import os\nos.write = os._exit = lambda *a: 1 / 0",
    "the codec": "from harness.sandbox import codec, frames\ncodec.encode = frames.write = frames.pack = None",
    "streams": "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = None",
    "everything": "import sys\nfor m in list(sys.modules.values()):\n    for n in list(vars(m)):\n        if n[:2] != '__' and m.__name__ not in ('sys', 'submission'):\n            try: setattr(m, n, None)\n            except BaseException: pass",
    "modules": "import sys\nsys.modules.clear()",
    "trace": "import sys\nsys.settrace(lambda *a: 1 / 0); sys.setprofile(lambda *a: 1 / 0)",
    "a hook that exits": "import sys, os\nsys.settrace(lambda *a: os._exit(0))",
}


@pytest.mark.parametrize("name", PATCHES)
def test_patching_everything_hurts_the_worker_alone(run, name):
    reply = run(f"{PATCHES[name]}\ndef attack(): return 'value'")
    assert reply.status in set(Status) - {Status.TIMED_OUT}, reply
    assert reply.value in (None, "value")
    assert run("def attack(): return 1").value == 1


def test_an_interrupted_run_leaves_no_worker(run, sandbox):
    import signal

    class Interrupted(Exception):
        pass

    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.4)
        with pytest.raises(Interrupted):
            run("import time\ndef attack(): time.sleep(60)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    deadline = time.monotonic() + 10
    children = Path(f"/proc/{sandbox.foreign()[0]}/task/{sandbox.foreign()[0]}/children")
    while children.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children.read_text() == ""
    assert run("def attack(): return 1").value == 1
    with contextlib.suppress(FileNotFoundError):
        assert list((sandbox.folder / "runs").iterdir()) == []
