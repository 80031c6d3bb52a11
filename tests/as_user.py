"""Runs a command as another user: `as_user.py UID COMMAND...`, by root.

A Python in a folder that is closed to that user, such as root's own, is shown to it there, and nothing else of the
folder; to nobody but the command, which gets file systems of its own.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NEW_MOUNTS, PRIVATE, BIND = 0x00020000, 1 << 18 | 1 << 14, 1 << 12
libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    user, command = int(sys.argv[1]), sys.argv[2:]
    needed = [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()]
    closed = {folder for path in needed for folder in path.parents if not folder.stat().st_mode & 0o001}
    if closed:
        check(libc.unshare(NEW_MOUNTS))
        check(libc.mount(b"none", b"/", None, ctypes.c_ulong(PRIVATE), None))
    for folder in closed:
        inside = {path: os.open(path, os.O_PATH) for path in needed if path.is_relative_to(folder)}
        check(libc.mount(b"shown", bytes(folder), b"tmpfs", ctypes.c_ulong(0), b"mode=755"))
        for path, descriptor in inside.items():
            path.mkdir(parents=True, exist_ok=True)
            source = f"/proc/self/fd/{descriptor}".encode()
            check(libc.mount(source, bytes(path), None, ctypes.c_ulong(BIND), None))
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    os.execv(command[0], command)


def check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "a place for another user couldn't be made")


if __name__ == "__main__":
    main()
