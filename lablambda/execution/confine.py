"""Confines a process to what `rules/sandbox.py` grants, by the kernel's own means, before a handler's code runs in it.

It knows nothing of why: it is told the terms, as `execution/sandbox.py` puts them. Like the parent processes that use
it, it imports nothing of lablambda.

Where environments have file systems of their own, a parent process makes a root for itself that shows what all of
them may see, with the machine's own root aside in `_HOST`. A child takes from there what is its own, and lets go of
the rest.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import stat
import struct
import sys

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    Rules = Iterable[tuple[str, int]]
    Mounts = Iterable[tuple[str, str, int]]

# The same numbers on every machine.
_OPEN_TREE, _MOVE_MOUNT, _SET_MOUNT = 428, 429, 442
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
# And those that are another on x86-64.
_X86 = os.uname().machine == "x86_64"
_CAPSET, _PIVOT_ROOT = (126, 155) if _X86 else (91, 41)

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = (
    21,
    22,
    23,
    24,
    38,
)
_SECCOMP_FILTER, _INSTRUCTION_BYTES = 2, 8
_LANDLOCK_VERSION, _LANDLOCK_BENEATH = 1, 1
# What Landlock takes for a file; its other rights are for folders.
_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_CAPABILITIES_VERSION, _CAPABILITIES = 0x20080522, 64
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_PRIVATE, _NO_SUID, _NO_DEVICES, _DETACH = 1 << 18 | 1 << 14, 2, 4, 2
_READ_ONLY = 1
_HERE, _CLONE, _WHOLE_TREE, _OF_DESCRIPTOR, _FROM_DESCRIPTOR = -100, 1, 0x8000, 0x1000, 4
_OOM_SCORE = "500"
_HOST = "/.host"
_STAGE = "/tmp"  # noqa: S108 - any folder that every machine has
_SHARED_MEMORY = "/dev/shm"  # noqa: S108

_libc = ctypes.CDLL(None, use_errno=True)


class Confinement:
    """The terms that all children of a parent process share; what is granted to one comes in `enter`."""

    def __init__(self, terms: Mapping[str, Any]) -> None:
        """`terms`: "handled" and "scoped" for Landlock, "rules", which are pairs of a path and Landlock's rights,
        the system call "filter" in hexadecimal digits, "mounts", each a source, a place and attributes, and how many
        "processes" and threads there may be. 0 and what is empty leave a thing out."""
        self._ruleset = struct.pack("=QQQ", terms["handled"], 0, terms["scoped"])
        self._handled: int = terms["handled"]
        self._filter = bytes.fromhex(terms["filter"])
        self._rules: list[tuple[str, int]] = terms["rules"]
        self._mounts = bool(terms["mounts"])
        self._processes: int = terms["processes"]
        self._root = os.geteuid() == 0
        if self._mounts:
            _move_house(terms["mounts"])

    def prepare(self, mounts: Mounts) -> None:
        """Before the fork: have places for a child's mounts, which sees them read-only."""
        if self._mounts:
            for source, at, _ in mounts:
                if os.path.exists(_HOST + source):
                    _make_place(at, folder=os.path.isdir(_HOST + source))

    def enter(self, rules: Rules, mounts: Mounts) -> None:
        """Confine this process and all that it starts, for ever. It must have one thread, and no_new_privs set."""
        _volunteer(_HOST if self._mounts else "")
        if self._mounts:
            proc = os.open(f"{_HOST}/proc/self", os.O_PATH)
            _take_own(mounts)
            if not self._root:
                # The limit is of a user, and root's is none; in a namespace it is of that alone.
                _be_oneself(_NEW_USER, f"/proc/self/fd/{proc}")
                resource.setrlimit(resource.RLIMIT_NPROC, (self._processes, self._processes))
            os.close(proc)
        if self._root or self._mounts:
            _drop_capabilities()
        self.enter_landlock(rules)
        if self._filter:
            self._enter_filter()

    def enter_landlock(self, rules: Rules) -> None:
        """The part of it that a process confined already can enter once more."""
        if not self._handled:
            return
        ruleset = _call(_LANDLOCK_CREATE, self._ruleset, len(self._ruleset), 0)
        # Opened each time: a file such as resolv.conf is replaced when the machine changes networks.
        for path, rights in (*self._rules, *rules):
            try:
                descriptor = os.open(path, os.O_PATH)
            except OSError:
                continue
            allowed = rights if _is_folder(descriptor) else rights & _OF_FILES
            _call(_LANDLOCK_ADD, ruleset, _LANDLOCK_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
            os.close(descriptor)
        _call(_LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)

    def _enter_filter(self) -> None:
        program = ctypes.create_string_buffer(self._filter, len(self._filter))
        length = len(self._filter) // _INSTRUCTION_BYTES
        described = struct.pack("@HP", length, ctypes.addressof(program))
        _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, described, 0, 0))


class Nested:
    """For the children of a process that is confined: they are so too, and this keeps them from one another's signals.
    The file systems that they see are the same."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement

    def prepare(self, mounts: Mounts) -> None:
        """There is nothing to prepare."""

    def enter(self, rules: Rules, mounts: Mounts) -> None:  # noqa: ARG002 - as it is asked
        self._confinement.enter_landlock(rules)


def landlock_version() -> int:
    """Of this kernel; 0 if it has none, or it is switched off."""
    return max(
        0, int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_VERSION)))
    )


def has_filters() -> bool:
    """Whether this kernel filters system calls."""
    return bool(_libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)


# ----------------------------------------------------------------------------------------------------- file systems


def _move_house(mounts: Mounts) -> None:
    """Go to a root of one's own, which shows the mounts."""
    _leave_namespaces()
    _mount(None, "/", None, _PRIVATE)
    # Taken before the stage covers some of them.
    links = {at: os.readlink(source) for source, at, _ in mounts if os.path.islink(source)}
    trees = [(at, _tree(source, attributes)) for source, at, attributes in mounts if at not in links]
    _mount("root", _STAGE, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755")
    for folder in ("/tmp", "/var/task", "/opt", "/var/opt", _SHARED_MEMORY, _HOST):  # noqa: S108
        os.makedirs(_STAGE + folder, exist_ok=True)
    for at, target in links.items():
        os.makedirs(os.path.dirname(_STAGE + at), exist_ok=True)
        os.symlink(target, _STAGE + at)
    for at, tree in trees:
        if tree >= 0:
            _make_place(_STAGE + at, folder=_is_folder(tree))
            _put(tree, _STAGE + at)
            os.close(tree)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{_STAGE}/dev/{name}")
    os.symlink("/proc/self/fd", f"{_STAGE}/dev/fd")
    _call(_PIVOT_ROOT, _STAGE.encode(), (_STAGE + _HOST).encode())
    os.chdir("/")


def _leave_namespaces() -> None:
    """Be alone with one's mounts: as root at once, as another user by being one's own master."""
    if _libc.unshare(_NEW_MOUNTS) != 0:
        _be_oneself(_NEW_USER | _NEW_MOUNTS)


def _be_oneself(namespaces: int, proc: str = "/proc/self") -> None:
    """Go to a user namespace, and others, as the same user. `proc` is what the kernel tells of this process, where
    it can be told something."""
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(namespaces))
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"{proc}/{file}", "w") as told:
            told.write(text)


def _take_own(mounts: Mounts) -> None:
    """In a child: show its own, and let go of the machine's root."""
    _check(_libc.unshare(_NEW_MOUNTS))
    for source, at, attributes in mounts:
        tree = _tree(_HOST + source, attributes)
        if tree >= 0:
            _put(tree, at)
            os.close(tree)
    _mount("shm", _SHARED_MEMORY, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=1777,size=64m")
    _check(_libc.umount2(_HOST.encode(), _DETACH))
    _set_attributes(_HERE, b"/", _READ_ONLY, 0)


def _tree(source: str, attributes: int) -> int:
    """A copy of what is mounted there, put nowhere yet; -1 if there is nothing."""
    if not os.path.exists(source):
        return -1
    tree = _call(_OPEN_TREE, _HERE, source.encode(), _CLONE | _WHOLE_TREE | os.O_CLOEXEC)
    _set_attributes(tree, b"", attributes, _OF_DESCRIPTOR | _WHOLE_TREE)
    return tree


def _set_attributes(folder: int, path: bytes, attributes: int, flags: int) -> None:
    wanted = struct.pack("=QQQQ", attributes, 0, 0, 0)
    _call(_SET_MOUNT, folder, path, flags, wanted, len(wanted))


def _put(tree: int, at: str) -> None:
    _call(_MOVE_MOUNT, tree, b"", _HERE, at.encode(), _FROM_DESCRIPTOR)


def _make_place(at: str, *, folder: bool) -> None:
    """Something to mount a folder or a file on."""
    os.makedirs(at if folder else os.path.dirname(at), exist_ok=True)
    if not folder:
        os.close(os.open(at, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))


def _is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def _mount(source: str | None, at: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [None if word is None else word.encode() for word in (source, at, kind)]
    _check(_libc.mount(*words, ctypes.c_ulong(flags), options.encode()))


# ------------------------------------------------------------------------------------------------------ privileges


def _volunteer(root: str) -> None:
    """Be among the first to be ended when the machine has no memory left, before the lab and the user's programs."""
    try:
        with open(f"{root}/proc/self/oom_score_adj", "w") as file:
            file.write(_OOM_SCORE)
    except OSError:
        pass  # a container whose /proc can't be written


def _drop_capabilities() -> None:
    """Be a root that may no more than its files' owner."""
    for capability in range(_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) < 0:
            break
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused to a root that has none to lose
    _call(_CAPSET, struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24))


def _call(number: int, *arguments: bytes | int) -> int:
    sized = (argument if isinstance(argument, bytes) else ctypes.c_long(argument) for argument in arguments)
    return _check(_libc.syscall(ctypes.c_long(number), *sized))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the sandbox can't be entered: {os.strerror(number)}")
    return result


if __name__ == "__main__":  # to see whether it can be done: with the terms, ending well if it can
    confinement = Confinement(json.loads(sys.argv[1]))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    confinement.enter([], [])
