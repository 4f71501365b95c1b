"""The stand-in for Gradescope's container is as tight as Docker's default, or none of these tests says anything."""

import re

import pytest

from tests.container import layout
from tests.container.engine import Machine, Task, empty
from tests.container.trials import Laboratory

pytestmark = pytest.mark.container

DOCKER_CAPABILITIES = "00000000a80425fb"
WHOLE = Machine()
LANDLOCK_VERSION = (
    "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
    "print('landlock', libc.syscall(444, None, 0, 1), ctypes.get_errno())"
)


def printed(laboratory: Laboratory, command: str, machine: Machine = WHOLE) -> str:
    files = laboratory.state / "run.tar"
    layout.run_files(empty(laboratory.state / "upload"), laboratory.secrets, files)
    task = Task(files, ("bash", "-c", command))
    return laboratory.engine.run(laboratory.image, task, machine, empty(laboratory.state / "out") / "autograder")


def test_root_has_dockers_capabilities_and_a_filter(laboratory):
    status = printed(laboratory, "cat /proc/self/status")
    assert re.search(r"CapBnd:\s*" + DOCKER_CAPABILITIES, status)
    assert re.search(r"CapEff:\s*" + DOCKER_CAPABILITIES, status)
    assert re.search(r"Seccomp:\s*2", status)
    assert re.search(r"NoNewPrivs:\s*0", status)


@pytest.mark.parametrize("command", ["unshare --user true", "unshare --mount true", "mount -t tmpfs none /mnt"])
def test_namespaces_and_mounts_are_denied(laboratory, command):
    assert "denied" in printed(laboratory, f"{command} 2>/dev/null && echo allowed || echo denied").split()


def test_landlock_can_be_hidden(laboratory):
    hidden = printed(laboratory, f'python3 -c "{LANDLOCK_VERSION}"', Machine(landlock=False))
    assert "landlock -1 38" in hidden


def test_the_stand_in_sees_what_is_left_behind_and_what_leaked(laboratory):
    guilty = "cp /root/secrets.json /tmp/loot; setsid sleep 60 & echo '{}' > /autograder/results/results.json"
    folder = empty(laboratory.state / "upload")
    trial = laboratory.run("guilty", folder, WHOLE, ("/bin/bash", "-c", guilty))
    assert trial.seen["written"] == ["/tmp/loot"]
    assert len(trial.seen["leaks"]) == len(laboratory.secrets.by_name())
    assert [process for process in trial.seen["survivors"] if "sleep" in process]


def test_limits_of_memory_and_processor_hold(laboratory):
    if not laboratory.engine.limits:
        pytest.skip("this engine has no limits of memory and processor")
    shown = printed(
        laboratory,
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
        " /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null; true",
        Machine(memory_mib=768, cpus=0.5),
    )
    assert str(768 << 20) in shown.split()
    assert "50000" in shown.split()
