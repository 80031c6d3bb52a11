"""Processes started ahead: a runtime that can't fork keeps some that are ready to become any function's.

What can't be changed once a process runs (flags, and variables that are read only then) is its *mold*;
within a mold any process will do. How many are kept is bounded, over all molds together: the ones used
last stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lablambda.execution.place import can_be_laid
from lablambda.execution.supervisor import Process
from lablambda.execution.worker import Program
from lablambda.model.errors import LabError
from lablambda.rules.sandbox import Grant

# An environment that has just been given its process needs the processor more than the next one does.
_REPLENISH_AFTER_S = 0.2


@dataclass(frozen=True, slots=True)
class Mold:
    """What a process is started with: the command, the variables that it must have from its beginning, what it
    needs to read of this machine, and where its code (the package first) and its /tmp are, unless they come to
    it later."""

    command: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    reads: tuple[Grant, ...] = ()
    code: tuple[Path, ...] = ()
    scratch: Path | None = None


def mold(
    command: Sequence[str], program: Program, prefixes: tuple[str, ...], reads: Iterable[Grant] = ()
) -> Mold:
    """The mold for a program. Of its own variables, those that begin with one of `prefixes` are in it; so
    is the path to its shared libraries, if it seems to have any."""
    variables = {"PATH": os.defpath, "LANG": "en_US.UTF-8", "TZ": ":UTC"}
    variables |= {name: value for name, value in program.variables.items() if name.startswith(prefixes)}
    libraries = any(folder.is_dir() for folder in program.library_folders[1:])
    if libraries:
        variables.setdefault("LD_LIBRARY_PATH", ":".join(map(str, program.library_folders)))
    code = program.code if libraries or not can_be_laid(program.code) else ()
    return Mold(tuple(command), tuple(sorted(variables.items())), tuple(reads), code)


class Reserve:
    """At most `most` idle processes, which `start` starts; also one that nobody keeps."""

    def __init__(self, most: int, start: Callable[[Mold], Awaitable[Process]]) -> None:
        self._most = most
        self.start = start
        self._idle: OrderedDict[Mold, deque[Process]] = OrderedDict()  # the mold used last at the end
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def pids(self) -> list[int]:
        """The processes that are waiting to be used."""
        return [process.pid for idle in self._idle.values() for process in idle]

    async def take(self, mold: Mold) -> Process:
        """A process of that mold: one from the reserve, which is filled up again behind, or a new one."""
        self._replenish_soon(mold)
        while idle := self._idle.get(mold):
            process = idle.popleft()
            if not process.exited.done():
                return process
            await process.discard()
        return await self.start(mold)

    async def warm(self, mold: Mold) -> None:
        """Have at least one process of that mold, at the cost of the mold not used for longest."""
        async with self._turn:
            if self._most > 0 and not self._idle.get(mold):
                while len(self.pids) >= self._most:
                    await self._drop_oldest()
                await self._add(mold)

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self.pids:
            await self._drop_oldest()

    def _replenish_soon(self, mold: Mold) -> None:
        def replenish() -> None:
            self._timers.discard(timer)
            task = asyncio.ensure_future(self._replenish(mold))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        timer = self._loop.call_later(_REPLENISH_AFTER_S, replenish)
        self._timers.add(timer)

    async def _replenish(self, mold: Mold) -> None:
        with contextlib.suppress(LabError):  # whoever needs one next will be told why there is none
            await self.warm(mold)
            async with self._turn:
                while len(self.pids) < self._most:
                    await self._add(mold)

    async def _add(self, mold: Mold) -> None:
        process = await self.start(mold)
        self._idle.setdefault(mold, deque()).append(process)
        self._idle.move_to_end(mold)

    async def _drop_oldest(self) -> None:
        mold = next(mold for mold, idle in self._idle.items() if idle)
        process = self._idle[mold].pop()
        if not self._idle[mold]:
            del self._idle[mold]
        await process.discard()
