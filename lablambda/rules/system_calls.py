"""Which system calls a handler can't make, with the reasons, as a program for the kernel's filter of calls.

All others it can: what they reach is the affair of files and signals (see `sandbox.py`).
Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97


class _Call(NamedTuple):
    """A system call's number on x86-64 and on the others, which have one table."""

    x86: int
    other: int


# What would go past files and signals to other processes, to the user's keys, or around this filter.
_REFUSED = {
    "the memory of other processes": {
        "ptrace": _Call(101, 117),
        "process_vm_readv": _Call(310, 270),
        "process_vm_writev": _Call(311, 271),
        "kcmp": _Call(312, 272),
        "pidfd_getfd": _Call(438, 438),
    },
    "the user's keys": {
        "add_key": _Call(248, 217),
        "request_key": _Call(249, 218),
        "keyctl": _Call(250, 219),
    },
    "memory, semaphores and queues that all of a user's processes share": {
        "shmget": _Call(29, 194),
        "shmat": _Call(30, 196),
        "shmctl": _Call(31, 195),
        "semget": _Call(64, 190),
        "semop": _Call(65, 193),
        "semctl": _Call(66, 191),
        "semtimedop": _Call(220, 192),
        "msgget": _Call(68, 186),
        "msgsnd": _Call(69, 189),
        "msgrcv": _Call(70, 188),
        "msgctl": _Call(71, 187),
        "mq_open": _Call(240, 180),
        "mq_unlink": _Call(241, 181),
    },
    "namespaces of one's own, in which one is root": {
        "unshare": _Call(272, 97),
        "setns": _Call(308, 268),
        "mount": _Call(165, 40),
        "umount2": _Call(166, 39),
        "pivot_root": _Call(155, 41),
        "chroot": _Call(161, 51),
        "open_tree": _Call(428, 428),
    },
    "parts of the kernel that no handler needs and that had many a hole": {
        "bpf": _Call(321, 280),
        "perf_event_open": _Call(298, 241),
        "userfaultfd": _Call(323, 282),
    },
}
# Libraries have another way when the kernel doesn't know these. The flags of clone3 can't be seen by a filter, and
# io_uring makes system calls that no filter sees.
_UNKNOWN = {
    "clone3": _Call(435, 435),
    "io_uring_setup": _Call(425, 425),
    "io_uring_enter": _Call(426, 426),
    "io_uring_register": _Call(427, 427),
}
# Another process of the same user could be slowed down or ended by these. Which argument names it, and 0 is oneself.
_OF_ONESELF = {
    "prlimit64": (_Call(302, 261), 0),
    "setpriority": (_Call(141, 140), 1),
    "ioprio_set": (_Call(251, 30), 1),
    "sched_setparam": (_Call(142, 118), 0),
    "sched_setscheduler": (_Call(144, 119), 0),
    "sched_setattr": (_Call(314, 274), 0),
}
_CLONE, _NEW_NAMESPACES = _Call(56, 220), 0x7E020000
_SOCKET = _Call(41, 198)
_FAMILIES = {"AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
# Sockets that have a path or a name, where an environment sees none but its own. Elsewhere nothing can tell those from
# the user's message bus or Docker's, by which one gets out of any sandbox. (socketpair is another call.)
_AF_UNIX = 1

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
_X32 = 0x40000000  # the bit of x86-64's other set of numbers

# Instructions of the kernel's filter machine, and where it finds what it judges.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_Instruction = tuple[int, int, int, int]  # operation, skip if so, skip if not, operand


def call_filter(machine: str, *, unix: bool) -> bytes:
    """A program for the kernel that judges a handler's system calls; empty for a machine not known here. `unix` is
    whether there may be sockets with a path or a name."""
    if machine not in _ARCHITECTURES:
        return b""
    families = [*_FAMILIES.values(), *([_AF_UNIX] if unix else [])]
    program = [
        _load(_ARCHITECTURE_AT),
        *_unless(_EQUAL, _ARCHITECTURES[machine], _fail(_ENOSYS)),
        _load(_NUMBER_AT),
        *_when(_AT_LEAST, _X32, _fail(_ENOSYS)),
        *_judgements(_Call._fields.index("x86" if machine == "x86_64" else "other"), families),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _judgements(table: int, families: Iterable[int]) -> Iterator[_Instruction]:
    for calls in _REFUSED.values():
        for call in calls.values():
            yield from _when(_EQUAL, call[table], _fail(_EPERM))
    for call in _UNKNOWN.values():
        yield from _when(_EQUAL, call[table], _fail(_ENOSYS))
    for call, place in _OF_ONESELF.values():
        yield from _when(_EQUAL, call[table], _argument(place), *_unless(_EQUAL, 0, _fail(_EPERM)), _allow())
    flagged = _when(_ANY_BIT, _NEW_NAMESPACES, _fail(_EPERM))
    yield from _when(_EQUAL, _CLONE[table], _argument(0), *flagged, _allow())
    known = [step for family in families for step in _when(_EQUAL, family, _allow())]
    yield from _when(_EQUAL, _SOCKET[table], _argument(0), *known, _fail(_EAFNOSUPPORT))


def _load(place: int) -> _Instruction:
    return _LOAD, 0, 0, place


def _argument(number: int) -> _Instruction:
    return _load(_ARGUMENTS_AT + 8 * number)  # its lower half: both machines have that first


def _allow() -> _Instruction:
    return _RETURN, 0, 0, _ALLOW


def _fail(error: int) -> _Instruction:
    return _RETURN, 0, 0, _FAIL | error


def _when(test: int, operand: int, *then: _Instruction) -> list[_Instruction]:
    return [(test, 0, len(then), operand), *then]


def _unless(test: int, operand: int, *then: _Instruction) -> list[_Instruction]:
    return [(test, len(then), 0, operand), *then]
