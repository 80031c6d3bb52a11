"""Memory: how much a process and its children use, and what happens when it is too much.

The lab looks at processes that are at work, some twenty times a second: reading a process's size costs
50 us, so the more there are the less often. What an allocation takes between two looks it does get; a
kernel's own limits (cgroups) would stop that.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from collections.abc import Callable
from pathlib import Path

_EVERY_S = 0.05
_SHARE = 0.002  # seconds between looks for each process, so that looking takes a few percent at most
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watched:
    """A process at work, as long as the context lasts. `peak` is the most that was seen, in bytes; `exceeded`
    whether that was too much."""

    __slots__ = ("_end", "_limit", "_pid", "_watch", "exceeded", "peak")

    def __init__(self, watch: MemoryWatch, pid: int, limit: int, end: Callable[[], None]) -> None:
        self._watch = watch
        self._pid = pid
        self._limit = limit
        self._end = end
        self.peak = 0
        self.exceeded = False

    def __enter__(self) -> Watched:
        self._watch.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.remove(self)

    def look(self) -> None:
        self.peak = max(self.peak, resident(self._pid))
        if self.peak > self._limit and not self.exceeded:
            self.exceeded = True
            self._end()


class MemoryWatch:
    """Ends what takes more memory than it may."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def watch(self, pid: int, limit_mb: int, end: Callable[[], None]) -> Watched:
        """Look at a process now and then, and call `end` once it is over its limit."""
        return Watched(self, pid, limit_mb << 20, end)

    def add(self, watched: Watched) -> None:
        self._watched.add(watched)
        if self._timer is None:
            self._timer = self._loop.call_later(_EVERY_S, self._look)

    def remove(self, watched: Watched) -> None:
        self._watched.discard(watched)

    def _look(self) -> None:
        for watched in self._watched:
            watched.look()
        self._timer = None
        if self._watched:
            pause_s = max(_EVERY_S, _SHARE * len(self._watched))
            self._timer = self._loop.call_later(pause_s, self._look)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


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
