"""The tables of call numbers agree with kernel headers, and the script reads headers as the compiler would."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.sandbox.syscalls import AARCH64, X86_64

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_syscall_tables.py"


@pytest.fixture(scope="module")
def script():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def test_the_tables_agree_with_this_machines_headers():
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    if "install the kernel's headers" in done.stderr:
        pytest.skip("no kernel headers on this machine")
    assert done.returncode == 0, done.stdout


def test_known_numbers():
    assert [X86_64[name] for name in ("read", "clone", "ptrace", "openat", "seccomp", "clone3")] == [
        0,
        56,
        101,
        257,
        317,
        435,
    ]
    assert [AARCH64[name] for name in ("read", "clone", "ptrace", "openat", "seccomp", "clone3")] == [
        63,
        220,
        117,
        56,
        277,
        435,
    ]
    assert [AARCH64[name] for name in ("fcntl", "lseek", "mmap", "newfstatat", "fstat")] == [25, 62, 222, 79, 80]


@pytest.mark.parametrize("table", [X86_64, AARCH64])
def test_numbers_from_424_on_are_the_same_everywhere(table):
    assert {name: number for name, number in table.items() if number >= 424} == {
        name: number for name, number in X86_64.items() if number >= 424 and name in table
    }


@pytest.mark.parametrize("table", [X86_64, AARCH64])
def test_no_number_of_an_allowed_call_means_two_things(table):
    from harness.sandbox import seccomp

    twice = {number for number in table.values() if list(table.values()).count(number) > 1}
    answered = seccomp.ALLOWED | seccomp.OWNERS | seccomp.CHECKED | seccomp.UNSUPPORTED
    assert not [name for name in answered if table.get(name) in twice - {84}]
    # 84 on arm64 is sync_file_range under two names


def test_the_generic_table_is_read_for_64_bits(script):
    text = """
#define __NR_io_setup 0
#define __NR3264_fcntl 25
#define __NR_clock_gettime64 403
#define __NR_futex_time64 422
#define __NR_syscalls 451
#if __BITS_PER_LONG == 64 && !defined(__SYSCALL_COMPAT)
#define __NR_fcntl __NR3264_fcntl
#else
#define __NR_fcntl64 __NR3264_fcntl
#endif
"""
    assert script.aarch64(text) == {"io_setup": 0, "fcntl": 25, "clock_gettime64": 403}


def test_a_table_that_contradicts_the_headers_is_named(script):
    complaints = script.disagreements({"X86_64": {"read": 1, "write": 1}})
    assert complaints == ["syscalls.py: X86_64['read'] is 0, the headers say 1"]
