"""What becomes of an asynchronous event after an attempt.

Source: How Lambda handles errors and retries with asynchronous invocation,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MAXIMUM_RETRY_ATTEMPTS = 2
MAXIMUM_EVENT_AGE_S = 21_600.0
RETRY_DELAYS_S = (60.0, 120.0)
THROTTLE_FIRST_DELAY_S = 1.0
THROTTLE_LAST_DELAY_S = 300.0


# Conditions of events that aren't tried at all; AWS documents no name for the second.
HALTED, LOOPED = "ZeroReservedConcurrency", "RecursiveInvocation"


class Attempt(Enum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FUNCTION_FAILED = "function failed"
    NOT_STARTED = "not started"  # throttled, or the lab's own fault


@dataclass(frozen=True, slots=True)
class Verdict:
    """Try again at `due` (seconds of lab time), or give up for `condition`."""

    due: float | None = None
    condition: str = "Success"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What a function's event invoke config says: retries 0 to 2, age in seconds; `halted` is why it may not run at
    all: HALTED, its reserved concurrency being 0, or LOOPED; empty if it may."""

    retries: int = MAXIMUM_RETRY_ATTEMPTS
    age_s: float = MAXIMUM_EVENT_AGE_S
    halted: str = ""


def judge(
    attempt: Attempt, policy: RetryPolicy, *, failures: int, refusals: int, enqueued: float, now: float
) -> Verdict:
    """Decide after an attempt.

    `failures` counts runs in which the function failed, this one included; `refusals` counts
    attempts that never reached the function, which cost no retry. Times are seconds of lab time.
    """
    if attempt is Attempt.SUCCEEDED:
        return Verdict()
    if attempt is Attempt.FUNCTION_FAILED:
        if failures > policy.retries:
            return Verdict(condition="RetriesExhausted")
        due = now + RETRY_DELAYS_S[failures - 1]
    else:
        due = now + min(THROTTLE_FIRST_DELAY_S * 2 ** (refusals - 1), THROTTLE_LAST_DELAY_S)
    if due - enqueued > policy.age_s:
        return Verdict(condition="EventAgeExceeded")
    return Verdict(due=due)
