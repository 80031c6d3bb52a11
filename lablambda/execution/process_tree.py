"""A process with all that it started, and what they hold.

Orphans are there too: the process of an environment takes them in (see `parent.py`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def threads(pid: int) -> Iterator[tuple[int, list[int]]]:
    """For each process of the tree, how many threads it has, and what these have started."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        children: list[int] = []
        count = 0
        for thread in entries(f"/proc/{process}/task"):
            count += 1
            with contextlib.suppress(OSError):
                children += map(int, Path(thread.path, "children").read_bytes().split())
        yield count, children
        waiting += children


def holds(pid: int, inode: int) -> bool:
    """Whether the process, or one that it started, has that socket."""
    sought = f"socket:[{inode}]"
    return any(
        _has(process, sought) for process in (pid, *(c for _, started in threads(pid) for c in started))
    )


def _has(pid: int, sought: str) -> bool:
    for descriptor in entries(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            if str(Path(descriptor.path).readlink()) == sought:
                return True
    return False


def entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing if it has gone, or is closed."""
    try:
        return list(os.scandir(folder))
    except OSError:
        return []
