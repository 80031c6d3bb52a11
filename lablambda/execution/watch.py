"""Ends what takes more than it may: memory, processes and threads, room in /tmp.

The lab looks at the memory of processes that are at work some twenty times a second: reading a process's size costs
50 us, so the more there are the less often. What an allocation takes between two looks it does get; a kernel's own
limits (cgroups) would stop that. The rest takes longer to count, so a thread does it, four times a second, or every
two seconds on a machine that is very busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from lablambda.execution.memory import resident
from lablambda.execution.process_tree import entries, threads
from lablambda.rules.limits import PROCESSES

_EVERY_S = 0.05
_SHARE = 0.002  # seconds between looks for each process, so that looking takes a few percent at most
_COUNT_EVERY_S, _COUNT_LEAST_OFTEN_S = 0.25, 2.0
_COUNT_SHARE = 0.05  # of one processor, at most, as long as that isn't too seldom
_BLOCK = 512  # what st_blocks counts


class Excess(Enum):
    """What was too much, in words for the log."""

    MEMORY = "more memory than the function has"
    PROCESSES = f"more than {PROCESSES:,} processes and threads"
    STORAGE = "more in /tmp than the function's EphemeralStorage"


class Allowance(NamedTuple):
    """What an environment may take. `scratch` is the folder of its /tmp."""

    memory_mb: int
    storage_mb: int
    scratch: Path


def clear(folder: Path) -> None:
    """Remove what is in a folder, and leave the folder: a process may have it for its /tmp."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


class Watched:
    """A process at work, as long as the context lasts. `peak` is the most memory that was seen, in bytes;
    `excess` what it took too much of, if anything."""

    __slots__ = ("_end", "_watch", "allowance", "excess", "peak", "pid")

    def __init__(self, watch: Watch, pid: int, allowance: Allowance, end: Callable[[], None]) -> None:
        self._watch = watch
        self._end = end
        self.pid = pid
        self.allowance = allowance
        self.peak = 0
        self.excess: Excess | None = None

    def __enter__(self) -> Watched:
        self._watch.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.remove(self)

    def look(self) -> None:
        self.peak = max(self.peak, resident(self.pid))
        if self.peak > self.allowance.memory_mb << 20:
            self.stop(Excess.MEMORY)

    def stop(self, excess: Excess) -> None:
        if self.excess is None:
            self.excess = excess
            self._end()

    def count(self) -> Excess | None:
        """What there is too much of, beside memory. For a thread: it takes its time."""
        if tasks(self.pid, at_most=PROCESSES) > PROCESSES:
            return Excess.PROCESSES
        if taken(self.allowance.scratch) > self.allowance.storage_mb << 20:
            return Excess.STORAGE
        return None


class Watch:
    """Looks at everything that is at work."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._counting: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def watch(self, pid: int, allowance: Allowance, end: Callable[[], None]) -> Watched:
        """Look at a process now and then, and call `end` once it has taken too much."""
        return Watched(self, pid, allowance, end)

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
            if self._counting is None or self._counting.done():
                self._counting = asyncio.ensure_future(self._count())

    async def _count(self) -> None:
        """Until nothing is at work any more."""
        while watched := list(self._watched):
            began = time.perf_counter()
            found = await asyncio.to_thread(_count, watched)
            for each, excess in zip(watched, found, strict=True):
                if excess is not None and each in self._watched:
                    each.stop(excess)
            pause_s = (time.perf_counter() - began) / _COUNT_SHARE
            await asyncio.sleep(min(max(_COUNT_EVERY_S, pause_s), _COUNT_LEAST_OFTEN_S))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._counting is not None:
            self._counting.cancel()


def _count(watched: Sequence[Watched]) -> list[Excess | None]:
    return [each.count() for each in watched]


def tasks(pid: int, *, at_most: int) -> int:
    """The threads of a process and of its descendants; counting ends when they are more than `at_most`."""
    count = 0
    for each, _ in threads(pid):
        count += each
        if count > at_most:
            break
    return count


def taken(folder: Path) -> int:
    """The bytes that files below a folder take on the disk."""
    count, waiting = 0, [str(folder)]
    while waiting:
        for entry in entries(waiting.pop()):
            with contextlib.suppress(FileNotFoundError):
                count += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return count
