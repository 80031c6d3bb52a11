"""The filter of system calls, judged as the kernel would: by running its program."""

from __future__ import annotations

import struct

import pytest

from lablambda.rules.system_calls import call_filter

EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
X86, ARM = 0xC000003E, 0xC00000B7
ALLOWED = 0x7FFF0000


def judge(program: bytes, machine: int, number: int, *arguments: int) -> int:
    """What the kernel would make of a call: 0 if it is allowed, or the error."""
    data = struct.pack("=IIQ6Q", number, machine, 0, *(*arguments, *[0] * 6)[:6])
    steps = list(struct.iter_unpack("=HBBI", program))
    value = place = 0
    while True:
        operation, if_so, if_not, operand = steps[place]
        place += 1
        match operation:
            case 0x20:
                value = struct.unpack_from("=I", data, operand)[0]
            case 0x06:
                return 0 if operand == ALLOWED else operand & 0xFFFF
            case 0x15 | 0x35 | 0x45:
                test = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[
                    operation
                ]
                place += if_so if test else if_not
            case _:
                raise AssertionError(operation)


@pytest.mark.parametrize(
    ("x86", "arm", "arguments", "error"),
    [
        (0, 63, (), 0),  # read
        (59, 221, (), 0),  # execve
        (101, 117, (), EPERM),  # ptrace
        (250, 219, (), EPERM),  # keyctl
        (30, 196, (), EPERM),  # shmat
        (425, 425, (), ENOSYS),  # io_uring_setup
        (435, 435, (), ENOSYS),  # clone3
        (56, 220, (17,), 0),  # clone, as fork
        (56, 220, (0x003D0F00,), 0),  # clone, as pthread_create
        (56, 220, (0x10000000 | 17,), EPERM),  # clone, into a user namespace
        (56, 220, (0x20000 | 17,), EPERM),
        (302, 261, (0,), 0),  # prlimit64, of oneself
        (302, 261, (4711,), EPERM),
        (141, 140, (0, 0), 0),  # setpriority
        (141, 140, (0, 4711), EPERM),
        (41, 198, (2, 1, 0), 0),  # socket: AF_INET
        (41, 198, (10, 2, 0), 0),
        (41, 198, (16, 3, 0), 0),  # AF_NETLINK
        (41, 198, (1, 1, 0), 0),  # AF_UNIX
        (41, 198, (17, 3, 0), EAFNOSUPPORT),  # AF_PACKET
        (41, 198, (40, 1, 0), EAFNOSUPPORT),  # AF_VSOCK
        (53, 199, (1, 1, 0), 0),  # socketpair
    ],
)
def test_system_calls(x86: int, arm: int, arguments: tuple[int, ...], error: int) -> None:
    assert judge(call_filter("x86_64", unix=True), X86, x86, *arguments) == error
    assert judge(call_filter("aarch64", unix=True), ARM, arm, *arguments) == error


def test_calls_of_another_kind_of_program_are_unknown() -> None:
    """32-bit programs and x32 have other numbers, by which a call could hide."""
    program = call_filter("x86_64", unix=True)
    assert judge(program, 0x40000003, 3) == ENOSYS
    assert judge(program, X86, 0x40000000 | 101) == ENOSYS


def test_sockets_with_a_path_where_others_have_some_too() -> None:
    assert judge(call_filter("x86_64", unix=False), X86, 41, 1, 1, 0) == EAFNOSUPPORT
    assert judge(call_filter("x86_64", unix=False), X86, 53, 1, 1, 0) == 0  # socketpair


def test_no_filter_where_it_cannot_be() -> None:
    assert call_filter("pdp11", unix=True) == b""
