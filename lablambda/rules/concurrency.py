"""Whether one more invocation may run.

Source: Understanding Lambda function scaling, https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

ACCOUNT_REASON = "ConcurrentInvocationLimitExceeded"


def refusal(*, running: int, limit: int) -> str | None:
    """AWS's ThrottleReason if the account has no concurrency left, else None."""
    return ACCOUNT_REASON if running >= limit else None
