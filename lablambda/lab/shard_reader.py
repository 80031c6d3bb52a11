"""Reads one shard for one mapping, and spreads its records over lanes.

Records of one key stay in order, for they are all of one lane. How far the shard is done with is noted as
lanes go on: everything up to there has been dealt with.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lablambda.lab.checkpoints import Checkpoint
from lablambda.lab.read_progress import Progress
from lablambda.lab.stream_lane import Desk, Lane, Terms
from lablambda.model.errors import LabError
from lablambda.model.mapping import Position
from lablambda.rules.tumbling_window import Window
from lablambda.services.calls import CallRefused
from lablambda.sources.stream import Page, Record, Shard

END = Position("end")
_BATCHES_AHEAD = 2


class ShardReader:
    """`wanted` is the mapping's filter, `iterator` where to read first, if not at the checkpoint. `moved` is called
    with each new checkpoint, `changed` when there is room for more records."""

    def __init__(
        self,
        shard: Shard,
        checkpoint: Checkpoint,
        terms: Terms,
        desk: Desk,
        *,
        lanes: int,
        wanted: Callable[[Mapping[str, Any]], bool],
        iterator: str | None,
        moved: Callable[[str, Checkpoint], None],
        changed: Callable[[], None],
    ) -> None:
        self.shard = shard
        self._stream = desk.stream
        self._measure = desk.measure
        self._reached = checkpoint
        self._iterator = iterator
        self._wanted = wanted
        self._moved = moved
        self._changed = changed
        self._progress = Progress()
        self._at_end = self._caught_up = False
        self._room = _BATCHES_AHEAD * terms.size * lanes
        self._lanes = [Lane(shard.identity, terms, desk, self._done, checkpoint.window) for _ in range(lanes)]
        self._tasks = [asyncio.ensure_future(lane.run()) for lane in self._lanes]

    @property
    def due(self) -> bool:
        """Whether there may be something to read, and room for it."""
        waiting = sum(lane.backlog for lane in self._lanes)
        return not self._at_end and not self._caught_up and waiting < self._room

    def expect(self) -> None:
        """There may be something new."""
        self._caught_up = False

    @property
    def idle(self) -> bool:
        return all(lane.idle for lane in self._lanes)

    @property
    def finished(self) -> bool:
        """Whether the shard is closed and all that was in it is done with."""
        return self._at_end and self._progress.clear and all(lane.clear for lane in self._lanes)

    async def read(self) -> int:
        """Read on; gives how many records there were. Raises CallRefused, ServiceFault."""
        stream, shard = self._stream, self.shard.identity
        try:
            if self._iterator is None:
                self._iterator = await stream.iterator(shard, self._read_up_to)
            page = await stream.read(shard, self._iterator)
        except (CallRefused, LabError):
            self._iterator = None  # it may be too old, or of a source that has started anew
            raise
        self._take(page)
        return len(page.records)

    def stop(self) -> None:
        for lane in self._lanes:
            lane.stop()

    async def ended(self) -> None:
        """Wait until the lanes have ended."""
        await asyncio.gather(*self._tasks)

    async def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------------------------------------- records

    @property
    def _read_up_to(self) -> Position:
        last = self._progress.last_read
        return self._reached.position if last is None else Position("after", last)

    def _take(self, page: Page) -> None:
        self._iterator = page.next
        last = self._caught_up = page.last or not page.records
        self._at_end = page.next is None or (self.shard.closed and page.last and not page.records)
        records = [record for record in page.records if not self._too_early(record)]
        self._progress.read(map(self._stream.sequence, records))
        self._measure("PolledEventCount", len(records))
        wanted = [record for record in records if self._wanted(self._stream.filtered(record))]
        kept = {self._stream.sequence(record) for record in wanted}
        dropped = [record for record in records if self._stream.sequence(record) not in kept]
        for lane, share in zip(self._lanes, self._shares(wanted), strict=True):
            if share:
                lane.put(share)
            lane.reached(last=last, over=self._at_end)
        if dropped:
            self._measure("FilteredOutEventCount", len(dropped))
            self._done(dropped, self._reached.window)

    def _too_early(self, record: Record) -> bool:
        """Whether it came before the moment that reading is to begin at; not every API can begin there."""
        position = self._reached.position
        return position.kind == "since" and self._stream.arrived(record) < int(float(position.value))

    def _shares(self, records: Sequence[Record]) -> list[list[Record]]:
        shares: list[list[Record]] = [[] for _ in self._lanes]
        for record in records:
            shares[zlib.crc32(self._stream.key(record).encode()) % len(shares)].append(record)
        return shares

    def _done(self, records: Sequence[Record], window: Window | None) -> None:
        self._progress.finish(map(self._stream.sequence, records))
        done = self._progress.done
        reached = Checkpoint(self._reached.position if done is None else Position("after", done), window)
        if reached != self._reached:
            self._reached = reached
            self._moved(self.shard.identity, reached)
        self._changed()
