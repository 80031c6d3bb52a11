"""What a handler may reach: which files, and which of the kernel's services. All that is allowed is named here,
with the reason; all else is refused.

The kernel's own means do it, and none needs a privilege: Landlock for files, signals and the memory of other processes
(https://docs.kernel.org/userspace-api/landlock.html), a filter for system calls (see `system_calls.py`), and where user
namespaces are allowed, file systems that show nothing but what is granted, at the paths that AWS has for it
(https://man7.org/linux/man-pages/man7/mount_namespaces.7.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, IntFlag, StrEnum
from pathlib import Path
from typing import NamedTuple

# ------------------------------------------------------------------------------------------------ how far it goes

# Of Landlock: the first that keeps signals and abstract sockets within an environment.
_WHOLE_LANDLOCK = 6


# What a person may ask for; the first unless told otherwise.
SANDBOXES = ("auto", "strict", "off")


class Level(StrEnum):
    """How well handlers are kept apart."""

    STRICT = "strict"
    PARTIAL = "partial"
    OFF = "off"


class Kernel(NamedTuple):
    """What a kernel lets a lab do: its version of Landlock (0: none), whether it filters system calls, and whether an
    environment can have file systems of its own."""

    landlock: int
    filters: bool
    mounts: bool


NOTHING = Kernel(0, filters=False, mounts=False)


def level(kernel: Kernel) -> Level:
    """How well handlers are kept apart by such a kernel."""
    if kernel == NOTHING:
        return Level.OFF
    return Level.PARTIAL if missing(kernel) else Level.STRICT


def missing(kernel: Kernel) -> list[str]:
    """What a handler can do there that a strict sandbox refuses, in words."""
    found = []
    if not kernel.landlock:
        found.append("reach the user's files and processes (needs Landlock, of Linux 5.13)")
    elif kernel.landlock < _WHOLE_LANDLOCK:
        found.append("send signals to the user's processes (needs Landlock of Linux 6.12)")
    if not kernel.filters:
        found.append("make every system call (needs seccomp, on x86_64, aarch64 or riscv64)")
    if not kernel.mounts:
        found.append("reach what is in /tmp, and change modes of the user's files (needs user namespaces)")
    return found


# ------------------------------------------------------------------------------------------------------------ files


class _Right(IntFlag):
    """Landlock's rights on files, by bit."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_FOLDER = 1 << 3
    REMOVE_FOLDER = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHARACTER_DEVICE = 1 << 6
    MAKE_FOLDER = 1 << 7
    MAKE_FILE = 1 << 8
    MAKE_SOCKET = 1 << 9
    MAKE_PIPE = 1 << 10
    MAKE_BLOCK_DEVICE = 1 << 11
    MAKE_LINK = 1 << 12
    MOVE = 1 << 13  # from one folder to another
    TRUNCATE = 1 << 14
    CONTROL_DEVICE = 1 << 15


_ALL = ~_Right(0)
_READ = _Right.EXECUTE | _Right.READ_FILE | _Right.READ_FOLDER
_DEVICES = _Right.MAKE_CHARACTER_DEVICE | _Right.MAKE_BLOCK_DEVICE
_USE = _Right.READ_FILE | _Right.WRITE_FILE | _Right.TRUNCATE
# Since which version of Landlock a right can be refused; all others are of the first.
_SINCE = {_Right.MOVE: 2, _Right.TRUNCATE: 3, _Right.CONTROL_DEVICE: 5}
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11


class Access(Enum):
    """What may be done with a file, or with all that is below a folder."""

    READ = _READ
    WRITE = _ALL & ~_DEVICES
    USE = _USE | _Right.CONTROL_DEVICE  # a device
    BY_NAME = _USE | _Right.MAKE_FILE | _Right.REMOVE_FILE  # make and use files, but not see which there are


class Grant(NamedTuple):
    """A file or folder, what may be done with it, and where an environment sees it that has file systems of its own,
    if not at its own path."""

    path: str
    access: Access = Access.READ
    at: str = ""

    def seen(self, kernel: Kernel) -> str:
        """Its path in an environment."""
        return self.at if kernel.mounts and self.at else self.path


# Patterns of what every handler may read. Of /etc only what libraries ask for: it has passwords and keys too.
_SYSTEM = {
    "programs and libraries": ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"),
    "how libraries are found": (
        "/etc/ld.so.*",
        "/etc/alternatives",
        "/etc/os-release",
        "/etc/debian_version",
    ),
    "names of hosts": (
        *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/hostname", "/etc/gai.conf"),
        *("/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/networks"),
    ),
    "names of users": ("/etc/passwd", "/etc/group"),
    "whom to trust": (
        *(
            "/etc/ssl/certs",
            "/etc/ssl/*.pem",
            "/etc/ssl/*.cnf",
            "/etc/ca-certificates*",
            "/etc/crypto-policies",
        ),
        *(
            "/etc/pki/tls/certs",
            "/etc/pki/tls/*.pem",
            "/etc/pki/tls/*.cnf",
            "/etc/pki/ca-trust",
            "/etc/pki/java",
        ),
        "/var/lib/ca-certificates",
    ),
    "time, languages, types, fonts": (
        *("/etc/localtime", "/etc/timezone", "/etc/locale.*", "/etc/mime.types", "/etc/magic", "/etc/fonts"),
        *("/var/cache/fontconfig", "/etc/inputrc", "/etc/terminfo", "/etc/bash.bashrc", "/etc/profile"),
    ),
    "settings of languages": ("/etc/java*", "/etc/python3*", "/etc/node*", "/etc/gemrc", "/var/lib/gems"),
    # Of other processes it tells what `ps` shows; what is theirs alone is refused by Landlock.
    "what the kernel tells of processes": ("/proc",),
    "how many processors, how much memory": (
        *("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/sys/kernel/mm"),
        "/sys/devices/virtual/dmi/id",
    ),
}
_DEVICE_FILES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
# Every environment's semaphores and shared memory are here, under names that are long and made by chance.
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - no temporary file


def system(kernel: Kernel, root: Path = Path("/")) -> Iterator[Grant]:
    """What every handler may reach of this machine. `root` is where its files are."""
    if not kernel.mounts:
        yield Grant("/tmp", Access.WRITE)  # noqa: S108 - handlers name it, and can have no other at that path
    for patterns in _SYSTEM.values():
        for pattern in patterns:
            for path in sorted(root.glob(pattern.lstrip("/"))):
                yield from _with_target(path)
    for device in _DEVICE_FILES:
        yield Grant(device, Access.USE)
    yield Grant(_SHARED_MEMORY, Access.BY_NAME)


def _with_target(path: Path) -> Iterator[Grant]:
    """Of a link, what it leads to as well."""
    yield Grant(str(path))
    if path.is_symlink():
        yield Grant(str(path.resolve()))


def installation(program: Path, closed: Iterable[Path]) -> list[Grant]:
    """What a program at .../bin/NAME may read of its own: the folder that bin is in, unless it holds one of the
    folders that are `closed`; then its bin and lib, and no more."""
    prefix = program.parent.parent
    if any(folder.is_relative_to(prefix) for folder in closed):
        return [*_with_target(program.parent), *_with_target(prefix / "lib")]
    return [*_with_target(prefix)]


# ----------------------------------------------------------------------------------------- file systems of one's own

TASK, LAYERS, SCRATCH, RUNTIME = "/var/task", "/opt", "/tmp", "/var/runtime"  # noqa: S108 - AWS's own paths
_OTHER_LAYERS = "/var/opt"  # where a program that is needed has its home in /opt
_ASIDE = "/run/lab"  # for what can't be at its own path, since something of AWS's is there
# Shown whole: what of it a handler may open is Landlock's affair.
_WHOLE = ("/etc", "/sys")


class Mount(NamedTuple):
    """What is shown where, and how: with the kernel's attributes of mounts."""

    source: str
    at: str
    attributes: int


_READ_ONLY, _NO_SUID, _NO_DEVICES = 1, 2, 4


def mounts(grants: Iterable[Grant], beside: Iterable[Mount] = ()) -> list[Mount]:
    """What shows the grants that aren't shown by those `beside` already."""
    found: list[Mount] = []
    shown = [mount.at for mount in beside]
    for grant in sorted(grants):
        if grant.access is Access.BY_NAME:
            continue  # made anew for each environment
        source = next((folder for folder in _WHOLE if _within(grant.path, folder)), grant.path)
        at = grant.at or source
        if not any(_within(at, folder) for folder in shown):
            found.append(Mount(source, at, _attributes(grant)))
            shown.append(at)
    return found


def _attributes(grant: Grant) -> int:
    if grant.access is Access.USE:
        return _NO_SUID
    return _NO_SUID | _NO_DEVICES | (_READ_ONLY if grant.access is Access.READ else 0)


def aside(grant: Grant) -> Grant:
    """The grant, seen elsewhere if AWS's /tmp is where it is."""
    hidden = not grant.at and _within(grant.path, SCRATCH)
    return grant._replace(at=_ASIDE + grant.path) if hidden else grant


def layers_at(grants: Iterable[Grant]) -> str:
    """Where layers are seen beside these."""
    return _OTHER_LAYERS if any(_within(grant.path, LAYERS) for grant in grants) else LAYERS


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


# ------------------------------------------------------------------------------------------------- for the kernel


def handled(kernel: Kernel) -> int:
    """The rights that its Landlock refuses where they aren't granted."""
    return sum(int(right) for right in _Right if _SINCE.get(right, 1) <= kernel.landlock)


def scoped(kernel: Kernel) -> int:
    """What beside files its Landlock keeps within an environment."""
    return _SIGNALS_AND_ABSTRACT_SOCKETS if kernel.landlock >= _WHOLE_LANDLOCK else 0


def own_sockets(kernel: Kernel) -> bool:
    """Whether an environment sees no socket with a path or a name but its own."""
    return kernel.mounts and scoped(kernel) != 0


def rules(grants: Iterable[Grant], kernel: Kernel) -> list[tuple[str, int]]:
    """The grants as its Landlock has them: paths in an environment, and rights."""
    return [(grant.seen(kernel), int(grant.access.value) & handled(kernel)) for grant in grants]
