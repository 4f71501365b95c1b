"""Classic BPF as seccomp uses it: a tiny assembler, and an interpreter so that a filter can be tested call by call.

A program is a list of `Instruction`; jumps count instructions to skip, as in the kernel.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_EQUAL = 0x15
JUMP_GREATER = 0x25
JUMP_AT_LEAST = 0x35
JUMP_SET = 0x45
RETURN = 0x06

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
KILL_PROCESS = 0x80000000

#: Of struct sock_filter.
INSTRUCTION_BYTES = 8

#: Offsets in struct seccomp_data.
NUMBER_AT = 0
ARCHITECTURE_AT = 4


def argument_at(index: int) -> int:
    """Offset of the low half of a call's argument (little-endian machines only)."""
    return 16 + 8 * index


@dataclass(frozen=True)
class Instruction:
    """One struct sock_filter."""

    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


@dataclass(frozen=True)
class Call:
    """One system call as a filter sees it."""

    architecture: int
    number: int
    arguments: tuple[int, ...] = ()


def assemble(program: Sequence[Instruction]) -> bytes:
    """The program as an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", step.code, step.if_true, step.if_false, step.value) for step in program)


def run(program: Sequence[Instruction], call: Call) -> int:
    """What the kernel would do with `call`: ALLOW, KILL_PROCESS, or ERRNO | number."""
    arguments = (*call.arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<IIQ6Q", call.number, call.architecture, 0, *(value % (1 << 64) for value in arguments))
    position, register = 0, 0
    while True:
        step = program[position]
        position += 1
        if step.code == RETURN:
            return step.value
        if step.code == LOAD:
            (register,) = struct.unpack_from("<I", data, step.value)
        else:
            position += step.if_true if _holds(step, register) else step.if_false


def _holds(step: Instruction, register: int) -> bool:
    if step.code == JUMP_EQUAL:
        return register == step.value
    if step.code == JUMP_GREATER:
        return register > step.value
    if step.code == JUMP_AT_LEAST:
        return register >= step.value
    if step.code == JUMP_SET:
        return bool(register & step.value)
    raise ValueError(f"instruction {step.code:#x} is not one that we assemble")
