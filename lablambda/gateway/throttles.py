"""Throttling: token buckets for whatever has a limit of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from lablambda.model.api import Members
from lablambda.rules import throttle


class Limits(NamedTuple):
    """So many requests a second, and so many at once."""

    rate: float
    burst: int


def limits(rate: float | None, burst: int | None) -> Limits:
    """These, or the account's where there are none."""
    return Limits(
        throttle.ACCOUNT_RATE if rate is None else rate, throttle.ACCOUNT_BURST if burst is None else burst
    )


def route_limits(stage: Members, route_key: str) -> Limits:
    """Those of a route of an HTTP or WebSocket API, by the settings of its stage."""
    settings = {**stage["DefaultRouteSettings"], **stage["RouteSettings"].get(route_key, {})}
    return limits(settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit"))


class Throttles:
    """The token buckets of a kind of APIs. `now` is in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[Hashable, throttle.Bucket] = {}

    def admit(self, place: Hashable, most: Limits) -> bool:
        """Whether one more may pass: each place has a bucket."""
        bucket = self._buckets.get(place)
        passes, self._buckets[place] = throttle.taken(bucket, most.rate, most.burst, self._now())
        return passes
