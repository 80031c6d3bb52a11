"""Whether an invocation may run now: the order in which the limits of concurrency and of pace are asked.

The lab asks here before it runs anything, and the simulator before it pretends to.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from lablambda.rules import concurrency, scaling
from lablambda.rules.concurrency import Demand


class Pace(Protocol):
    """How fast requests and environments have come until now; what is granted is counted."""

    def request(self, owner: str, concurrency: int) -> bool:
        """Whether there may be one more synchronous request within the concurrency that `owner` has."""

    def start(self, function: str) -> bool:
        """Whether the function may start one more environment."""


class Admission(NamedTuple):  # made for every invocation, at a third of a frozen dataclass's cost
    """`reason` is AWS's ThrottleReason, None if it may run; `ready` says that it runs in provisioned concurrency."""

    reason: str | None
    ready: bool


def admit(demand: Demand, function: str, version: str, pace: Pace, *, synchronous: bool) -> Admission:
    """Whether there is concurrency for one more invocation of a version (by ARN), and it doesn't come too soon.

    `synchronous` requests are limited in number a second, events of queues and sources aren't.
    """
    ready = demand.ready_running < demand.ready
    if ready and synchronous and not pace.request(version, demand.ready):
        # What is provisioned has its share of requests: the rest spills over.
        ready, demand = False, demand._replace(ready=0)
    reason = concurrency.refusal(demand)
    if reason is None and synchronous and not ready:
        reason = _too_often(demand, function, pace)
    return Admission(reason, ready)


def grow(function: str, pace: Pace, *, reserved: bool) -> str | None:
    """The ThrottleReason if an invocation needs one more environment sooner than the function may grow."""
    return None if pace.start(function) else scaling.too_fast(reserved=reserved)


def _too_often(demand: Demand, function: str, pace: Pace) -> str | None:
    """The reason to refuse one more request on demand, of the function if it has its own concurrency, else
    of the account."""
    if demand.reserved is None:
        return None if pace.request("", demand.pool) else scaling.too_often(reserved=False)
    own = demand.reserved - demand.provisioned
    return None if pace.request(function, own) else scaling.too_often(reserved=True)
