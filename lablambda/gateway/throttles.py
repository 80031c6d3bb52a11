"""Throttling by stage and route."""

from __future__ import annotations

import time

from lablambda.model.http_api import Members
from lablambda.rules import throttle


class Throttles:
    """The token buckets of a kind of APIs."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], throttle.Bucket] = {}

    def admit(self, route: tuple[str, str, str], stage: Members) -> bool:
        """Whether one more may take the route (API, stage and route key), by the settings of the stage."""
        settings = {**stage["DefaultRouteSettings"], **stage["RouteSettings"].get(route[2], {})}
        rate = settings.get("ThrottlingRateLimit", throttle.ACCOUNT_RATE)
        burst = settings.get("ThrottlingBurstLimit", throttle.ACCOUNT_BURST)
        passes, self._buckets[route] = throttle.taken(self._buckets.get(route), rate, burst, time.monotonic())
        return passes
