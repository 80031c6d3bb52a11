"""How fast a function may grow, and how many requests a second it may take.

Environments are counted by lab time and refill steadily; requests by real time. AWS doesn't say which
ThrottleReason too fast a growth has: here it is that of concurrency, for which there wasn't any in time.
Sources: Lambda scaling behavior, https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html,
Lambda quotas, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from lablambda.rules.concurrency import ACCOUNT_REASON, RESERVED_REASON
from lablambda.rules.throttle import Bucket, flow, taken

# So many environments a function may gain at once, and in every ten seconds.
ENVIRONMENTS = 1_000
_REFILL_S = 10.0
# Synchronous requests a second for each unit of concurrency: of the account, reserved or provisioned.
_REQUESTS_PER_UNIT = 10
ACCOUNT_RATE_REASON = "FunctionInvocationRateLimitExceeded"
RESERVED_RATE_REASON = "ReservedFunctionInvocationRateLimitExceeded"


def start(bucket: Bucket | None, environments: int, now: float) -> tuple[bool, Bucket]:
    """Whether a function may start one more environment at the moment `now`, and its bucket afterwards."""
    return taken(bucket, environments / _REFILL_S, environments, now)


def startable(bucket: Bucket | None, environments: int, since: float, until: float) -> float:
    """How many environments a function may start in a span of time in which it starts them as it may."""
    return flow(bucket, environments / _REFILL_S, environments, since, until)


def request(bucket: Bucket | None, concurrency: int, now: float) -> tuple[bool, Bucket]:
    """Whether there may be one more synchronous request within so much concurrency, and the bucket
    afterwards."""
    most = _REQUESTS_PER_UNIT * concurrency
    return taken(bucket, most, most, now)


def requestable(bucket: Bucket | None, concurrency: int, since: float, until: float) -> float:
    """How many synchronous requests there may be within so much concurrency in a span of time."""
    most = _REQUESTS_PER_UNIT * concurrency
    return flow(bucket, most, most, since, until)


def too_fast(*, reserved: bool) -> str:
    """The ThrottleReason of a function that may not grow as fast as it is asked to."""
    return RESERVED_REASON if reserved else ACCOUNT_REASON


def too_often(*, reserved: bool) -> str:
    """The ThrottleReason of too many requests a second."""
    return RESERVED_RATE_REASON if reserved else ACCOUNT_RATE_REASON
