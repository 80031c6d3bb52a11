"""Who is connected to the lab's WebSocket APIs, and for how long.

A connection ends on its own by the lab's clock. It is in memory alone: clients don't outlive their lab.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from lablambda.clock import Clock
from lablambda.model.errors import Gone
from lablambda.model.websocket import Connection
from lablambda.rules.websocket_limits import GOING_AWAY, ends_at

_SELDOM_S = 1.0


class Wire(Protocol):
    """The way to a client."""

    def send(self, message: str | bytes) -> None:
        """Send it when those before it are sent. Raises LimitExceeded if the client takes too little."""

    def close(self, code: int) -> None:
        """End the connection, when what waits has been sent."""


@dataclass(slots=True)
class Live:
    """A connection in use. `last_active` is in seconds since 1970, of lab time."""

    connection: Connection
    wire: Wire
    last_active: float

    @property
    def ends_at(self) -> float:
        return ends_at(self.connection.connected, self.last_active)


class Connections:
    """All of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live: dict[str, Live] = {}
        self._first = asyncio.Event()

    def add(self, connection: Connection, wire: Wire) -> Live:
        if not self._live:
            self._first.set()
        live = self._live[connection.identity] = Live(connection, wire, connection.connected)
        return live

    def remove(self, connection: Connection) -> None:
        self._live.pop(connection.identity, None)

    def find(self, identity: str) -> Live:
        """Raises Gone."""
        live = self._live.get(identity)
        if live is None:
            raise Gone(f"The connection {identity} doesn't exist, or no longer.")
        return live

    def post(self, identity: str, message: str | bytes) -> None:
        """Raises Gone, LimitExceeded."""
        live = self.find(identity)
        live.wire.send(message)
        self.touch(live)

    def touch(self, live: Live) -> None:
        """Note that something came or went."""
        live.last_active = self._clock.now()

    def end(self, live: Live, code: int) -> None:
        """End it; from now on it is gone."""
        self.remove(live.connection)
        live.wire.close(code)

    def keep(self, api_id: str, stages: Collection[str]) -> None:
        """End the connections of an API to other stages than these."""
        for live in list(self._live.values()):
            if live.connection.api_id == api_id and live.connection.stage not in stages:
                self.end(live, GOING_AWAY)

    def end_all(self) -> None:
        for live in list(self._live.values()):
            self.end(live, GOING_AWAY)

    async def run(self) -> None:
        """End those whose time is over, until cancelled."""
        while True:
            # The first to end is never one that comes later, so nobody has to tell of those.
            self._first.clear()
            until = min((live.ends_at for live in self._live.values()), default=None)
            soonest = self._clock.now() + _SELDOM_S
            await self._clock.wait(self._first, None if until is None else max(until, soonest))
            now = self._clock.now()
            for live in list(self._live.values()):
                if live.ends_at <= now:
                    self.end(live, GOING_AWAY)
