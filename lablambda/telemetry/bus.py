"""The bus: events go to every listener at once. A listener only takes note; work is done later."""

from __future__ import annotations

from collections.abc import Callable

from lablambda.model.events import Event


class Bus:
    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        self._listeners.append(listener)

    def publish(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)
