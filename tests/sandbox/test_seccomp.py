"""The filter, instruction by instruction: every call number of both architectures, asked of the program itself."""

from __future__ import annotations

import errno
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox import bpf, seccomp
from harness.sandbox.bpf import ALLOW, ERRNO, KILL_PROCESS, Call

ARCHITECTURES = sorted(seccomp.ARCHITECTURES)
OWN = 4242
REFUSED, ABSENT = ERRNO | errno.EPERM, ERRNO | errno.ENOSYS
UNSUPPORTED, NO_LOCKS = ERRNO | errno.EOPNOTSUPP, ERRNO | errno.ENOLCK


@pytest.fixture(params=ARCHITECTURES)
def architecture(request):
    return seccomp.ARCHITECTURES[request.param]


@pytest.fixture(params=[False, True], ids=["alone", "shared"])
def shares_user(request):
    """Whether the worker's user owns files that are not the worker's."""
    return request.param


@pytest.fixture
def ask(architecture, shares_user):
    """What the filter answers to a call, by name or number."""
    program = seccomp.build(architecture, OWN, shares_user=shares_user)

    def answer(call, *arguments, audit=architecture.audit):
        number = architecture.table[call] if isinstance(call, str) else call
        return bpf.run(program, Call(audit, number, arguments))

    return answer


def test_everything_that_is_not_named_is_denied(architecture, ask, shares_user):
    """Deny by default, for every number that a filter of this kind can be asked about below 2,000, and far beyond."""
    allowed = seccomp.ALLOWED | seccomp.CHECKED | (frozenset() if shares_user else seccomp.OWNERS)
    named = {architecture.table[name] for name in allowed if name in architecture.table}
    numbers = {*range(2000), 2**30 - 1, 2**31 - 1} - named
    answers = {number: ask(number, OWN) for number in numbers}
    assert {number for number, answer in answers.items() if answer == ALLOW} == set()
    assert set(answers.values()) <= {REFUSED, ABSENT, UNSUPPORTED, KILL_PROCESS}


def test_everything_that_is_named_is_allowed(architecture, ask):
    for name in seccomp.ALLOWED & architecture.table.keys():
        assert ask(name) == ALLOW, name


def test_every_name_is_a_call_of_some_architecture():
    known = set().union(*(architecture.table for architecture in seccomp.ARCHITECTURES.values()))
    # Newer than the headers of the tables, on purpose: absent either way.
    assert frozenset().union(*LISTS) - known == set()


LISTS = (seccomp.ALLOWED, seccomp.OWNERS, seccomp.CHECKED, seccomp.ABSENT, seccomp.UNSUPPORTED)


def test_no_call_is_in_two_lists():
    assert sum(map(len, LISTS)) == len(frozenset().union(*LISTS))


@pytest.mark.parametrize("number", [452, 463, 466, 469])
def test_later_ways_to_change_modes_and_attributes_are_absent(ask, number):
    """fchmodat2, setxattrat, removexattrat, file_setattr."""
    assert ask(number) == ABSENT


@pytest.mark.parametrize("name", sorted(seccomp.OWNERS))
def test_modes_and_times_are_for_users_who_own_nothing_else(architecture, ask, shares_user, name):
    if name in architecture.table:
        assert ask(name) == (REFUSED if shares_user else ALLOW)


def test_space_is_never_set_aside(ask):
    """KEEP_SIZE passes the limit on file sizes; the library's posix_fallocate writes where the call is not supported."""
    for mode in (0, 1, 3, 16):
        assert ask("fallocate", 5, mode, 0, 1 << 30) == UNSUPPORTED


@pytest.mark.parametrize("command", [6, 7, 37, 38])
def test_locks_on_ranges_are_not_to_be_had(ask, command):
    assert ask("fcntl", 5, command) == NO_LOCKS


@pytest.mark.parametrize("command", [5, 36])
def test_asking_for_locks_takes_no_memory(ask, command):
    assert ask("fcntl", 5, command) == ALLOW


DANGEROUS = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kcmp",
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "execve",
    "execveat",
    "unshare",
    "setns",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "keyctl",
    "add_key",
    "request_key",
    "open_by_handle_at",
    "mknodat",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setreuid",
    "socket",
    "socketpair",
    "connect",
    "bind",
    "accept",
    "sendto",
    "sendmsg",
    "recvmsg",
    "shmget",
    "shmat",
    "semget",
    "msgget",
    "mq_open",
    "personality",
    "sched_setaffinity",
    "setpgid",
    "setsid",
    "seccomp",
    "init_module",
    "kexec_load",
    "reboot",
    "swapon",
    "acct",
    "quotactl",
    "syslog",
    "settimeofday",
    "clock_settime",
    "fchown",
    "fchownat",
    "setxattr",
    "setpriority",
    "mlock",
    "memfd_create",
    "inotify_init1",
    "fanotify_init",
    "landlock_restrict_self",
    "process_madvise",
    "vmsplice",
    "fallocate",
    "lsetxattr",
    "removexattr",
]


@pytest.mark.parametrize("name", DANGEROUS)
def test_dangerous_calls_are_denied_by_name(ask, name):
    assert ask(name, OWN) in {REFUSED, ABSENT, UNSUPPORTED}


@pytest.mark.parametrize("name", ["fork", "vfork", "mknod", "uselib", "modify_ldt", "iopl", "ioperm"])
def test_dangerous_calls_of_intel_alone_are_denied(name):
    architecture = seccomp.ARCHITECTURES["x86_64"]
    program = seccomp.build(architecture, OWN, shares_user=False)
    assert bpf.run(program, Call(architecture.audit, architecture.table[name])) == REFUSED


THREAD = 0x3D0F00  # what glibc's pthread_create passes


def test_clone_makes_threads_only(ask):
    assert ask("clone", THREAD) == ALLOW
    assert ask("clone", 17) == REFUSED  # fork()
    assert ask("clone", 0x4111) == REFUSED  # vfork, posix_spawn
    for bit in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert ask("clone", THREAD | bit) == REFUSED
    assert ask("clone3", THREAD) == ABSENT  # its flags lie in memory, where a filter cannot look: libraries fall back


@pytest.mark.parametrize("name", ["kill", "tgkill"])
def test_signals_go_to_oneself_only(ask, name):
    assert ask(name, OWN, 9) == ALLOW
    for other in (0, 1, OWN + 1, -1, -OWN):
        assert ask(name, other, 9) == REFUSED


def test_limits_are_ones_own(ask):
    assert ask("prlimit64", 0) == ALLOW
    assert ask("prlimit64", OWN) == ALLOW
    assert ask("prlimit64", 1) == REFUSED


@pytest.mark.parametrize("command", [8, 10, 15, 1024, 1026, 1031, 1033])
def test_fcntl_sends_no_signals_and_takes_no_leases(ask, command):
    assert ask("fcntl", 0, command) == REFUSED
    assert ask("fcntl", 0, 1) == ALLOW


@pytest.mark.parametrize("request_number", [0x5412, 0x8901, 0x8902, 0x40086602, 0x5423, 0x541C])
def test_ioctl_does_nothing_but_ask(ask, request_number):
    assert ask("ioctl", 0, request_number) == REFUSED
    assert ask("ioctl", 0, 0x5401) == ALLOW


@pytest.mark.parametrize("option", [1, 4, 22, 36, 38, 24, 0x59616D61])
def test_prctl_loosens_nothing(ask, option):
    assert ask("prctl", option) == REFUSED
    assert ask("prctl", 15) == ALLOW


def test_the_high_half_of_an_argument_makes_no_difference_that_the_kernel_would_not_make(ask):
    assert ask("kill", (1 << 32) + OWN, 9) == ALLOW  # the kernel, too, sees a 32-bit process ID
    assert ask("kill", (OWN << 32) + 1, 9) == REFUSED


def test_other_architectures_and_abis_kill(architecture, ask):
    other = {0xC000003E, 0xC00000B7, 0x40000003} - {architecture.audit}
    for audit in other:
        assert ask("read", audit=audit) == KILL_PROCESS
    if architecture.second_abi_at is not None:
        assert ask(architecture.second_abi_at) == KILL_PROCESS
        assert ask(architecture.second_abi_at + 520) == KILL_PROCESS


def test_calls_of_later_kernels_are_absent(architecture, ask):
    assert ask(max(architecture.table.values()) + 1) == ABSENT


def test_jumps_stay_inside_and_the_end_is_a_return(architecture):
    program = seccomp.build(architecture, OWN, shares_user=False)
    assert len(program) < 4096
    for index, step in enumerate(program):
        if step.code not in (bpf.RETURN, bpf.LOAD):
            assert index + 1 + max(step.if_true, step.if_false) < len(program)
            assert max(step.if_true, step.if_false) < 256
    assert program[-1].code == bpf.RETURN


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_gets_an_answer(audit, number, arguments):
    for architecture in seccomp.ARCHITECTURES.values():
        answer = bpf.run(seccomp.build(architecture, OWN, shares_user=False), Call(audit, number, tuple(arguments)))
        assert answer in {ALLOW, REFUSED, ABSENT, UNSUPPORTED, NO_LOCKS, KILL_PROCESS}


@given(st.sets(st.integers(0, 60)))
def test_ranges_hold_exactly_their_numbers(numbers):
    found = seccomp.ranges(numbers)
    assert {number for low, high in found for number in range(low, high + 1)} == numbers
    assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(found))


def test_assembled_instructions_are_eight_bytes_each(architecture):
    program = seccomp.build(architecture, OWN, shares_user=False)
    code = bpf.assemble(program)
    assert len(code) == 8 * len(program)
    assert re.match(rb"\x20\x00\x00\x00\x04\x00\x00\x00", code)  # load the architecture first


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize("own_pid", [1, OWN, 1 << 22])
def test_what_the_kernel_is_given_is_the_program_that_is_asked_here(machine, shares_user, own_pid):
    program = seccomp.build(seccomp.ARCHITECTURES[machine], own_pid, shares_user=shares_user)
    assert seccomp.filter_for(own_pid, machine, shares_user=shares_user) == bpf.assemble(program)
