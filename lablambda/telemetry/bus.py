"""The bus: what happened is told to every listener, after those who work have gone on.

Publishing only takes a note; the listeners hear it in the event loop's next round, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lablambda.model.events import Event


class Bus:
    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []
        self.watchers = 0
        self._untold: list[Event] = []
        self._loop = asyncio.get_running_loop()

    def listen(self, listener: Callable[[Event], None]) -> None:
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Have it hear everything from now on, until what this gives is called."""
        self._listeners = [*self._listeners, watcher]
        self.watchers += 1

        def stop() -> None:
            self._listeners = [each for each in self._listeners if each != watcher]
            self.watchers -= 1

        return stop

    def publish(self, event: Event) -> None:
        if not self._untold:
            self._loop.call_soon(self.tell)
        self._untold.append(event)

    def tell(self) -> None:
        """Let the listeners hear all that was published."""
        events, self._untold = self._untold, []
        for event in events:
            for listener in self._listeners:
                listener(event)
