"""CloudWatch Logs: what of a log group is sent on, and where to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """`destination` is a function's or a Kinesis stream's ARN, `distribution` AWS's ByLogStream or Random,
    `created` ms since 1970; `position` is the number of the last event that was looked at."""

    group: str
    name: str
    pattern: str
    destination: str
    role: str | None
    distribution: str
    created: int
    position: int = 0
