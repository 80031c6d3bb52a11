"""Which events of a PutLogEvents batch are taken.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.limits import LOG_BATCH_BYTES, LOG_EVENT_OVERHEAD_BYTES

DAY_MS = 24 * 3600 * 1000
_OLDEST_MS = 14 * DAY_MS
_NEWEST_MS = 2 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Taken:
    """The slice `begin`:`end` of a batch; `rejected` are the members of AWS's RejectedLogEventsInfo."""

    begin: int
    end: int
    rejected: Mapping[str, int]


def check_batch(events: Sequence[tuple[int, str]], now: int, retention_days: int | None) -> Taken:
    """What is taken of `events`, (ms since 1970, message) each, at the time `now` (ms since 1970).

    Raises InvalidParameterValue for a batch that is too large, out of order or longer than a day.
    """
    size = sum(len(message.encode()) + LOG_EVENT_OVERHEAD_BYTES for _, message in events)
    if size > LOG_BATCH_BYTES:
        raise InvalidParameterValue(f"Upload too large: {size} bytes exceeds limit of {LOG_BATCH_BYTES}")
    times = [timestamp for timestamp, _ in events]
    if times != sorted(times):
        raise InvalidParameterValue(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    taken = _taken(times, now, retention_days)
    if taken.begin < taken.end and times[taken.end - 1] - times[taken.begin] > DAY_MS:
        raise InvalidParameterValue(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    return taken


def _taken(times: Sequence[int], now: int, retention_days: int | None) -> Taken:
    old = bisect_left(times, now - _OLDEST_MS)
    expired = 0 if retention_days is None else bisect_left(times, now - retention_days * DAY_MS)
    end = bisect_right(times, now + _NEWEST_MS)
    rejected: dict[str, int] = {}
    if end < len(times):
        rejected["tooNewLogEventStartIndex"] = end
    if old:
        rejected["tooOldLogEventEndIndex"] = old
    if expired > old:
        rejected["expiredLogEventEndIndex"] = expired
    return Taken(max(old, expired), end, rejected)
