"""Token buckets: so many requests a second, and so many at once.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT_RATE, ACCOUNT_BURST = 10_000.0, 5_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """`tokens` were there at the moment `at`, in seconds."""

    tokens: float
    at: float


def taken(bucket: Bucket | None, rate: float, burst: int, now: float) -> tuple[bool, Bucket]:
    """Whether there is a token for one more request, and the bucket afterwards; None is a full one."""
    tokens = _held(bucket, rate, burst, now)
    return (True, Bucket(tokens - 1, now)) if tokens >= 1 else (False, Bucket(tokens, now))


def flow(bucket: Bucket | None, rate: float, burst: int, since: float, until: float) -> float:
    """How many tokens there are for requests that come all the time from `since` to `until`: what was there, and
    what comes in meanwhile. A bucket of the moment `until` has what is left of them."""
    if bucket is not None and bucket.at >= until:
        return bucket.tokens
    return _held(bucket, rate, burst, since) + (until - since) * rate


def _held(bucket: Bucket | None, rate: float, burst: int, now: float) -> float:
    if bucket is None:
        return burst
    return min(burst, bucket.tokens + max(0.0, now - bucket.at) * rate)
