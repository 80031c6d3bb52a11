"""How much memory a process and its children use."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(pid: int) -> int:
    """The resident memory of a process and its descendants in bytes; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()
    except (OSError, IndexError):
        return 0
    return pages * _PAGE + sum(resident(int(child)) for child in children)


def proportional(pid: int) -> int:
    """A process's memory in bytes, what it shares with others counted in parts (PSS); 0 if it is gone."""
    return _figure(pid, "smaps_rollup", "Pss:")


def peak_mb(pid: int) -> int:
    """A process's peak resident memory in MB; 0 if it is gone."""
    return math.ceil(_figure(pid, "status", "VmHWM:") / 2**20)


def _figure(pid: int, file: str, name: str) -> int:
    """One of the figures that the kernel gives in KiB, in bytes."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0
