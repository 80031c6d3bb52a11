"""A load from beginning to end: in a thread of its own, so that it works beside a notebook's loop and ends when the
person interrupts it."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable

import uvloop

from lablambda.load.offering import Offering, Progress


def carry_out(offering: Offering, told: Callable[[Progress], None] | None) -> bool:
    """Run it, telling how far it has come; gives False if it was interrupted (KeyboardInterrupt) before its end."""
    heard: queue.SimpleQueue[Progress | BaseException | None] = queue.SimpleQueue()
    under_way = _UnderWay(offering, heard.put)
    under_way.start()
    whole = True
    while True:
        try:
            while (progress := heard.get()) is not None:
                if isinstance(progress, BaseException):
                    raise progress
                if told is not None:
                    told(progress)
        except KeyboardInterrupt:
            whole = False
            under_way.stop()
            continue
        under_way.join()
        return whole


class _UnderWay(threading.Thread):
    """The thread with the loop in which the requests are sent; at its end it tells None, or what went wrong."""

    def __init__(self, offering: Offering, tell: Callable[[Progress | BaseException | None], None]) -> None:
        super().__init__(name="load", daemon=True)
        self._offering = offering
        self._tell = tell
        self._loop = uvloop.new_event_loop()
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        try:
            self._task = self._loop.create_task(self._offering.run(self._tell))
            self._loop.run_until_complete(self._task)
            self._tell(None)
        except BaseException as error:
            self._tell(error)
        finally:
            self._loop.close()

    def stop(self) -> None:
        """Have it end now; from another thread."""
        with contextlib.suppress(RuntimeError):  # it has come to its end meanwhile
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
