"""SnapStart: a version's init is run once, and its environments are restored from where that came to.

The process that ran it is kept, as what they are forked from. Which runtimes can do so is told in
`rules/snap_start.py`, and what their process does in `runtimes/python/snapshot.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

from lablambda.execution.channel import Channel
from lablambda.execution.environment import Environment, InitFailed
from lablambda.execution.supervisor import Supervisor
from lablambda.execution.worker import Failed, Launch, Program, Runtime, Worker, adopt


class Snapshot:
    """A runtime, for one version: its processes have init behind them. `make` makes the environment that init is run
    in, of a runtime."""

    def __init__(self, runtime: Runtime, make: Callable[[Runtime], Environment]) -> None:
        self.name, self.version, self.path = runtime.name, runtime.version, runtime.path
        self._runtime = runtime
        self._make = make
        self._taking = asyncio.Lock()
        self._origin: Environment | None = None
        self._parent: Supervisor | None = None

    async def take(self) -> None:
        """Run init, unless that has been done, and its process still lives. Raises InitFailed."""
        async with self._taking:
            if self._parent is None or not self._parent.alive:
                await self._end()
                self._origin = self._make(_Origin(self._runtime))
                await self._origin.initialize()
                self._parent = await _into_parent(self._origin.worker)

    async def warm(self, program: Program) -> None:
        await self._runtime.warm(program)

    async def start(self, launch: Launch) -> Worker:
        """Restore. The environment sees what that process sees, and has its /tmp."""
        try:
            await self.take()
        except InitFailed as error:
            raise Failed(error.kind, error.message) from None
        assert self._origin is not None
        assert self._parent is not None
        reach = self._origin.worker.process.reach
        process = await self._parent.spawn(reach=reach, owner=launch.owner)
        shared = (str(launch.scratch), reach.seen(str(self._origin.scratch)))
        worker = adopt(process, launch.seen_by(reach.naming([shared])))
        worker.scratch = self._origin.scratch
        return worker

    async def close(self) -> None:
        """End the process that environments are forked from, and them with it."""
        async with self._taking:
            await self._end()

    async def _end(self) -> None:
        parent, self._parent = self._parent, None
        origin, self._origin = self._origin, None
        if parent is not None:
            await parent.close()
        if origin is not None:
            await origin.stop()


class _Origin:
    """The version's runtime, whose process is to be what others are forked from."""

    def __init__(self, runtime: Runtime) -> None:
        self.name, self.version, self.path = runtime.name, runtime.version, runtime.path
        self._runtime = runtime

    async def warm(self, program: Program) -> None:
        await self._runtime.warm(program)

    async def start(self, launch: Launch) -> Worker:
        return await self._runtime.start(replace(launch, snapshot=True))


async def _into_parent(worker: Worker) -> Supervisor:
    """From here on its channel is what it is told by to start others; it waits for its terms."""
    assert isinstance(worker.channel, Channel)
    control = worker.channel.release()
    parent = Supervisor(None, control)
    control.send(json.dumps({"terms": None}).encode())  # it is confined already
    await parent.ready()
    return parent
