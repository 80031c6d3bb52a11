"""How fast functions have grown and requests have come, as far as it still counts."""

from __future__ import annotations

import time

from lablambda.clock import Clock
from lablambda.rules import scaling
from lablambda.rules.throttle import Bucket


class Pace:
    """`environments` is how many a function may gain in ten seconds of the lab's time."""

    def __init__(self, environments: int, clock: Clock) -> None:
        self._environments = environments
        self._clock = clock
        self._started: dict[str, Bucket] = {}
        self._requested: dict[str, Bucket] = {}

    def start(self, function: str) -> bool:
        """Whether the function may start one more environment now; counted if so."""
        granted, self._started[function] = scaling.start(
            self._started.get(function), self._environments, self._clock.now()
        )
        return granted

    def request(self, owner: str, concurrency: int) -> bool:
        """Whether there may be one more synchronous request within the concurrency that `owner` has; counted
        if so."""
        granted, self._requested[owner] = scaling.request(
            self._requested.get(owner), concurrency, time.monotonic()
        )
        return granted
