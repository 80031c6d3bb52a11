"""What init opened, in an environment that was forked from the process that ran it.

A fork shares open files with its siblings, which no environment may notice: files are opened anew, at the place where
init left them, and connections are as if the other side had hung up, as they are after a restore on AWS. Pipes and
socket pairs, which event loops have, stay as they are.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat

_STANDARD = 4  # 0, 1, 2 and the channel are new in each environment
_ONCE = os.O_CREAT | os.O_EXCL | os.O_TRUNC


def opened() -> list[int]:
    """The descriptors that this process has beside the standard ones."""
    return [
        number for number in map(int, os.listdir("/proc/self/fd")) if number >= _STANDARD and _is_open(number)
    ]


def make_own(descriptors: list[int]) -> None:
    """In a child: be the only one who uses them."""
    dead, other = socket.socketpair()
    other.close()
    for number in descriptors:
        if stat.S_ISREG(os.fstat(number).st_mode):
            _open_anew(number)
        elif _is_connection(number):
            os.dup2(dead.fileno(), number, inheritable=False)
    dead.close()


def _is_open(number: int) -> bool:
    """Not the one by which they were listed."""
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _open_anew(number: int) -> None:
    try:
        own = os.open(f"/proc/self/fd/{number}", fcntl.fcntl(number, fcntl.F_GETFL) & ~_ONCE)
    except OSError:  # it has no name any more
        return
    os.lseek(own, os.lseek(number, 0, os.SEEK_CUR), os.SEEK_SET)
    os.dup2(own, number, inheritable=False)
    os.close(own)


def _is_connection(number: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return False
    with socket.socket(fileno=os.dup(number)) as copy:
        return copy.family != socket.AF_UNIX
