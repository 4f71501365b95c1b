"""The worker's system call filter: an allow-list.

What is not named here fails with EPERM, or with ENOSYS where libraries then fall back as on a kernel without the call.

Assembled here (`bpf`), not by a library: libseccomp's own Python binding is not on PyPI, the distributions' packages of
it serve the system's Python and not a virtual environment, and the wrapper that PyPI has (pyseccomp) needs the system's
libseccomp, which a student's machine may lack. Here every call number can also be asked of every machine's filter.

Allowed: memory, files (Landlock and file modes say which), clocks, threads, signals to oneself. Not allowed, by not
being named: new processes, exec, sockets, other processes' memory, namespaces, mounts, keys, BPF, io_uring, shared
memory segments, message queues, changes of identity or priority, and every call that a later kernel will add. Nor what
takes space that no resource limit counts: fallocate(2) passes the limit on file sizes, a lock on a range of bytes is
memory of the kernel's (RLIMIT_LOCKS has had no effect since Linux 2.4.25).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from harness.sandbox import system
from harness.sandbox.bpf import (
    ALLOW,
    ARCHITECTURE_AT,
    ERRNO,
    INSTRUCTION_BYTES,
    JUMP_AT_LEAST,
    JUMP_EQUAL,
    JUMP_GREATER,
    JUMP_SET,
    KILL_PROCESS,
    LOAD,
    NUMBER_AT,
    RETURN,
    Instruction,
    argument_at,
    assemble,
)
from harness.sandbox.syscalls import AARCH64, X86_64


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _names("""
    brk madvise mmap mprotect mremap msync munmap
    access chdir close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
    fchdir fdatasync fgetxattr flistxattr flock fstat fstatfs fsync ftruncate getcwd getdents
    getdents64 getxattr lgetxattr link linkat listxattr llistxattr lseek lstat mkdir mkdirat newfstatat open openat
    pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2
    rmdir sendfile stat statfs statx symlink symlinkat sync_file_range truncate umask unlink unlinkat write
    writev
    epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 pipe pipe2 poll ppoll
    pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime
    clock_getres clock_gettime clock_nanosleep gettimeofday nanosleep time times
    alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_settime
    exit exit_group futex get_robust_list membarrier restart_syscall rseq sched_yield set_robust_list set_tid_address
    pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack
    getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
    getrlimit getrusage getsid gettid getuid sched_get_priority_max sched_get_priority_min sched_getaffinity
    sched_getparam sched_getscheduler setrlimit sysinfo uname wait4 waitid
""")

#: Allowed for a user who owns nothing else. Landlock has no right for modes and times: whoever shares our user could
#: change those of all our files.
OWNERS = _names("chmod fchmod fchmodat futimesat utime utimensat utimes")

#: Allowed for some arguments only.
CHECKED = _names("clone fcntl ioctl kill prctl prlimit64 tgkill")

#: Libraries probe for these and do without: "not there" is the honest answer, "not permitted" confuses some.
ABSENT = _names("""
    clone3 openat2 memfd_create memfd_secret io_uring_setup io_uring_enter io_uring_register futex_waitv
    landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open pkey_alloc pkey_free pkey_mprotect
    process_madvise process_mrelease set_mempolicy_home_node userfaultfd
""")

#: Not on this file system, as the C library hears it: posix_fallocate then writes, and meets the limits.
UNSUPPORTED = _names("fallocate")

CLONE_THREAD = 0x00010000
#: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, and CLONE_PTRACE.
CLONE_REFUSED = 0x7E022000

#: Duplicate, flags, questions about locks, a pipe's size. Not F_SETOWN or F_SETSIG, which send any signal to any
#: process of the same user.
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 36, 1030, 1032)
#: F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW: "no locks available", as on some network file systems. flock(2) is
#: left: it holds one lock per descriptor.
FCNTL_LOCKS = (6, 7, 37, 38)
#: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: is it a terminal, how wide, inherit it or not.
IOCTL_REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
#: PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_SET_VMA: names and questions.
PRCTL_OPTIONS = (15, 16, 3, 21, 39, 0x53564D41)

_SET_MODE_FILTER = 1

#: Stands for a process ID in a program, and is no other number in it.
_PID_MARK = b"\xfd\xfe\xfd\xfe"


@dataclass(frozen=True)
class Architecture:
    """What a filter must know of a machine."""

    audit: int
    """Its AUDIT_ARCH number."""
    table: Mapping[str, int]
    second_abi_at: int | None
    """Numbers from here on belong to another ABI of the same architecture (x32)."""


ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, X86_64, 0x40000000),
    "aarch64": Architecture(0xC00000B7, AARCH64, None),
}


def here() -> Architecture | None:
    """This machine's architecture, None where no table is at hand."""
    return ARCHITECTURES.get(platform.machine())


def build(architecture: Architecture, own_pid: int, *, shares_user: bool) -> list[Instruction]:
    """The filter for the process `own_pid`; `shares_user` where its user owns files that are not the worker's."""
    table = architecture.table
    return [
        *_guard(architecture),
        *_checked_calls(table, own_pid),
        *_answer(table, ALLOWED if shares_user else ALLOWED | OWNERS, ALLOW),
        *_answer(table, UNSUPPORTED, ERRNO | errno.EOPNOTSUPP),
        *_absent_calls(table),
        Instruction(RETURN, ERRNO | errno.EPERM),
    ]


def install(*, shares_user: bool) -> int:
    """Filter this process and all its threads from now on; the number of instructions. See `build`.

    Raises:
        OSError: no filter for this architecture, or the kernel refuses it.
    """
    architecture = here()
    if architecture is None:
        raise OSError(errno.ENOSYS, f"no system call table for {platform.machine()}")
    program = filter_for(os.getpid(), platform.machine(), shares_user=shares_user)
    length = len(program) // INSTRUCTION_BYTES
    buffer = ctypes.create_string_buffer(program)
    descriptor = struct.pack("HxxxxxxQ", length, ctypes.addressof(buffer))
    system.syscall(architecture.table["seccomp"], _SET_MODE_FILTER, 0, descriptor, what="seccomp")
    return length


def filter_for(own_pid: int, machine: str, *, shares_user: bool) -> bytes:
    """The program of `build` as the kernel takes it."""
    return _template(machine, shares_user=shares_user).replace(_PID_MARK, struct.pack("=I", own_pid))


def prepare() -> None:
    """Do once, in the process that workers are forked from, what is the same for all of them."""
    for shares_user in (False, True):
        if here() is not None:
            _template(platform.machine(), shares_user=shares_user)


@cache
def _template(machine: str, *, shares_user: bool) -> bytes:
    return assemble(build(ARCHITECTURES[machine], struct.unpack("=I", _PID_MARK)[0], shares_user=shares_user))


def _guard(architecture: Architecture) -> list[Instruction]:
    """Another architecture's numbers mean other calls: kill. Leaves the call's number in the register."""
    steps = [
        Instruction(LOAD, ARCHITECTURE_AT),
        Instruction(JUMP_EQUAL, architecture.audit, 1, 0),
        Instruction(RETURN, KILL_PROCESS),
        Instruction(LOAD, NUMBER_AT),
    ]
    if architecture.second_abi_at is not None:
        steps += [Instruction(JUMP_AT_LEAST, architecture.second_abi_at, 0, 1), Instruction(RETURN, KILL_PROCESS)]
    return steps


def _checked_calls(table: Mapping[str, int], own_pid: int) -> list[Instruction]:
    locks = dict.fromkeys(FCNTL_LOCKS, ERRNO | errno.ENOLCK)
    return [
        *_thread_only(table["clone"]),
        *_by_argument(table["fcntl"], 1, {**dict.fromkeys(FCNTL_COMMANDS, ALLOW), **locks}),
        *_by_argument(table["ioctl"], 1, dict.fromkeys(IOCTL_REQUESTS, ALLOW)),
        *_by_argument(table["prctl"], 0, dict.fromkeys(PRCTL_OPTIONS, ALLOW)),
        *_by_argument(table["kill"], 0, {own_pid: ALLOW}),
        *_by_argument(table["tgkill"], 0, {own_pid: ALLOW}),
        *_by_argument(table["prlimit64"], 0, {0: ALLOW, own_pid: ALLOW}),
    ]


def _thread_only(number: int) -> list[Instruction]:
    """clone(2) for a thread of this process; anything else is a new process or namespace."""
    return [
        Instruction(JUMP_EQUAL, number, 0, 5),
        Instruction(LOAD, argument_at(0)),
        Instruction(JUMP_SET, CLONE_REFUSED, 2, 0),
        Instruction(JUMP_SET, CLONE_THREAD, 0, 1),
        Instruction(RETURN, ALLOW),
        Instruction(RETURN, ERRNO | errno.EPERM),
    ]


def _by_argument(number: int, argument: int, answers: Mapping[int, int]) -> list[Instruction]:
    """The answer to call `number` by the low half of its argument; EPERM to every other value."""
    tests = []
    for value, answer in answers.items():
        tests += [Instruction(JUMP_EQUAL, value, 0, 1), Instruction(RETURN, answer)]
    return [
        Instruction(JUMP_EQUAL, number, 0, len(tests) + 2),
        Instruction(LOAD, argument_at(argument)),
        *tests,
        Instruction(RETURN, ERRNO | errno.EPERM),
    ]


def _answer(table: Mapping[str, int], names: Iterable[str], answer: int) -> list[Instruction]:
    """`answer` to every one of these calls that this architecture has."""
    steps = []
    for low, high in ranges(table[name] for name in names if name in table):
        if low == high:
            steps += [Instruction(JUMP_EQUAL, low, 0, 1), Instruction(RETURN, answer)]
        else:
            steps += [
                Instruction(JUMP_AT_LEAST, low, 0, 2),
                Instruction(JUMP_GREATER, high, 1, 0),
                Instruction(RETURN, answer),
            ]
    return steps


def _absent_calls(table: Mapping[str, int]) -> list[Instruction]:
    """ENOSYS for calls that libraries probe for, and for numbers that no kernel of our headers' time knew."""
    beyond = [Instruction(JUMP_GREATER, max(table.values()), 0, 1), Instruction(RETURN, ERRNO | errno.ENOSYS)]
    return [*beyond, *_answer(table, ABSENT, ERRNO | errno.ENOSYS)]


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The numbers as sorted, closed, disjoint ranges."""
    result: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if result and result[-1][1] == number - 1:
            result[-1] = (result[-1][0], number)
        else:
            result.append((number, number))
    return result
