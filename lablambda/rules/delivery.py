"""Calls that are to be seen through: how often and for how long each is tried, and when next.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lablambda.rules.destinations import Call

TOO_OFTEN, TOO_OLD = "MaximumRetryAttempts", "MaximumEventAgeInSeconds"
_MOST_RETRIES, _LONGEST_AGE_S = 185, 86_400.0
# With these, AWS's 185 retries take its 24 hours.
_FACTOR, _LONGEST_PAUSE_S = 3.0, 480.0


@dataclass(frozen=True, slots=True)
class RetryTerms:
    """Up to so many `retries`, while what is told is no older than `age_s` seconds; `missing` is whether a target that
    isn't there is tried again too. AWS doesn't say how often Lambda tries to tell a destination, so the default is
    ours."""

    retries: int = 5
    age_s: float = _LONGEST_AGE_S
    missing: bool = True


@dataclass(frozen=True, slots=True)
class Sending:
    """A call, and the one to make when it is given up; `since` is when what it tells of happened, in seconds of lab
    time: now, if None."""

    call: Call
    letters: Call | None = None
    terms: RetryTerms = RetryTerms()
    since: float | None = None


def terms_of(target: Mapping[str, Any]) -> RetryTerms:
    """Those of a target of EventBridge's or its Scheduler's, which don't try one again that is no more."""
    policy = target.get("RetryPolicy") or {}
    return RetryTerms(
        policy.get(TOO_OFTEN, _MOST_RETRIES), policy.get(TOO_OLD, _LONGEST_AGE_S), missing=False
    )


def exhausted(terms: RetryTerms, *, retries: int, since: float, now: float) -> str:
    """Why a call that wasn't taken is given up after so many retries, in AWS's words; empty if it isn't."""
    if retries >= terms.retries:
        return TOO_OFTEN
    return TOO_OLD if now + pause_s(retries) - since > terms.age_s else ""


def pause_s(retries: int) -> float:
    """How long to wait, in seconds of lab time, after so many retries."""
    return float(min(_FACTOR ** min(retries, 10), _LONGEST_PAUSE_S))
