"""Event source mappings at work: a poller for each that is enabled."""

from __future__ import annotations

import asyncio
import sys
import traceback

from lablambda.lab.catalog import Catalog
from lablambda.lab.pollers import Poller, Pollers
from lablambda.model.mapping import EventSourceMapping
from lablambda.rules.names import FunctionReference


class Mappings:
    def __init__(self, catalog: Catalog, pollers: Pollers) -> None:
        self._catalog = catalog
        self._make = pollers
        self._rested = asyncio.Event()
        self._pollers: dict[str, Poller] = {}
        self._former: dict[str, Poller] = {}  # the last that was told to stop
        self._tasks: dict[asyncio.Task[None], Poller] = {}  # also of those that are stopping
        self._last: dict[str, asyncio.Task[None]] = {}  # of each mapping

    def resume(self) -> None:
        """Take up what was enabled when the lab ended."""
        for mapping in self._catalog.mappings():
            self.apply(mapping)

    async def check(self, arn: str, function: FunctionReference) -> None:
        """Raises InvalidParameterValue, in AWS's words, if the source can't be polled for the function."""
        await self._make.check(arn, function)

    def apply(self, mapping: EventSourceMapping) -> None:
        """Poll as the mapping now says. What the former poller has received, it still deals with."""
        self.stop(mapping.uuid)
        if mapping.state != "Enabled":
            return
        poller = self._make.make(mapping, self._rested.set)
        self._pollers[mapping.uuid] = poller
        task = asyncio.ensure_future(_run(poller, self._last.get(mapping.uuid)))
        self._tasks[task] = poller
        self._last[mapping.uuid] = task
        task.add_done_callback(self._ended)

    async def begun(self, uuid: str) -> None:
        """Wait until the mapping is polled for as it now says: what comes to its source from now on won't be missed,
        nor handled as it said before."""
        if former := self._former.pop(uuid, None):
            await former.over.wait()
        if poller := self._pollers.get(uuid):
            await poller.begun.wait()

    def stop(self, uuid: str) -> None:
        """Poll no more for the mapping."""
        if poller := self._pollers.pop(uuid, None):
            poller.stop()
            self._former[uuid] = poller

    async def forget(self, uuid: str) -> None:
        """The mapping is deleted."""
        self.stop(uuid)
        await self.begun(uuid)
        self._last.pop(uuid, None)
        await self._make.checkpoints.forget(uuid)

    def result(self, uuid: str) -> str:
        """What AWS calls the mapping's LastProcessingResult, empty while there is nothing to say."""
        poller = self._pollers.get(uuid)
        return "" if poller is None else poller.result

    def wake(self, arn: str) -> None:
        """The source of that ARN has something new."""
        for uuid, poller in self._pollers.items():
            if self._catalog.mapping(uuid).members["EventSourceArn"] == arn:
                poller.wake()

    def look(self) -> None:
        """Look now at the sources that don't tell when they have something new."""
        for uuid, poller in self._pollers.items():
            if not self._make.is_told(self._catalog.mapping(uuid).members["EventSourceArn"]):
                poller.wake()

    @property
    def received(self) -> int:
        """How many records the mappings that are polled for have had."""
        return sum(poller.received for poller in self._pollers.values())

    @property
    def idle(self) -> bool:
        """Whether no source, as far as is known, has anything for a function."""
        return all(poller.idle for poller in self._tasks.values())

    async def settled(self) -> None:
        """Wait until it is idle."""
        while not self.idle:
            self._rested.clear()
            await self._rested.wait()

    async def close(self) -> None:
        """End at once: what was received and isn't done with comes again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._rested.set()
        if not task.cancelled() and (error := task.exception()):
            traceback.print_exception(error, file=sys.stderr)


async def _run(poller: Poller, former: asyncio.Task[None] | None) -> None:
    if former is not None and not former.done() and poller.in_order:
        poller.begun.set()
        await asyncio.wait({former})
    await poller.run()
