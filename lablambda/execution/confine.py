"""Confines a process to what `rules/sandbox.py` grants, by the kernel's own means, before a handler's code runs in it.

It knows nothing of why: it is told the terms, as `execution/sandbox.py` puts them. Like the parent processes that use
it, it imports nothing of lablambda.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

# The same numbers on every machine but for seccomp, which has a prctl too.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_VERSION, _BENEATH = 1, 1
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_SECCOMP, _PR_GET_SECCOMP = 23, 24, 22, 21
_SECCOMP_FILTER = 2
_CAPSET = {"x86_64": 126}  # and 91 on the others
_CAPABILITIES_VERSION = 0x20080522
_CAPABILITIES = 64
_INSTRUCTION_BYTES = 8
# What Landlock takes for a file; the other rights are for folders.
_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15

_libc = ctypes.CDLL(None, use_errno=True)


class Confinement:
    """The terms that all environments of a parent process share; what is granted to one comes in `enter`."""

    def __init__(self, terms: Mapping[str, Any]) -> None:
        """`terms`: "handled" and "scoped" for Landlock, the system call "filter" in hexadecimal digits, and
        "rules", which are pairs of a path and Landlock's rights. 0 or an empty filter leave a thing out."""
        self._ruleset = struct.pack("=QQQ", terms["handled"], 0, terms["scoped"])
        self._handled = terms["handled"]
        self._filter = bytes.fromhex(terms["filter"])
        self._rules = terms["rules"]
        self._root = os.geteuid() == 0

    def enter(self, rules: Iterable[tuple[str, int]]) -> None:
        """Confine this process and all that it starts, for ever. It must have one thread, and no_new_privs set."""
        if self._root:
            _drop_capabilities()
        if self._handled:
            self._enter_landlock(rules)
        if self._filter:
            self._enter_filter()

    def _enter_landlock(self, rules: Iterable[tuple[str, int]]) -> None:
        ruleset = _call(_LANDLOCK_CREATE, self._ruleset, len(self._ruleset), 0)
        # Opened each time: a file such as resolv.conf is replaced when the machine changes networks.
        for descriptor, rights in _open((*self._rules, *rules)):
            _call(_LANDLOCK_ADD, ruleset, _BENEATH, struct.pack("=Qi", rights, descriptor), 0)
        _call(_LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)

    def _enter_filter(self) -> None:
        program = ctypes.create_string_buffer(self._filter, len(self._filter))
        length = len(self._filter) // _INSTRUCTION_BYTES
        described = struct.pack("@HP", length, ctypes.addressof(program))
        _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, described, 0, 0))


def landlock_version() -> int:
    """Of this kernel; 0 if it has none, or it is switched off."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))))


def has_filters() -> bool:
    """Whether this kernel filters system calls."""
    return bool(_libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)


def _open(rules: Iterable[tuple[str, int]]) -> Iterable[tuple[int, int]]:
    """Descriptors of those that are there, each with its rights."""
    for path, rights in rules:
        try:
            descriptor = os.open(path, os.O_PATH)
        except OSError:
            continue
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        yield descriptor, rights if folder else rights & _OF_FILES


def _drop_capabilities() -> None:
    """Be a root that may no more than its files' owner."""
    for capability in range(_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) < 0:
            break
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused to a root that has none to lose
    number = _CAPSET.get(os.uname().machine, 91)
    _call(number, struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24))


def _call(number: int, *arguments: bytes | int) -> int:
    sized = (argument if isinstance(argument, bytes) else ctypes.c_long(argument) for argument in arguments)
    return _check(_libc.syscall(ctypes.c_long(number), *sized))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the sandbox can't be entered: {os.strerror(number)}")
    return result
