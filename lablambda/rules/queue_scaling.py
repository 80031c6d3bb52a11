"""How many batches of a queue's messages run at a time.

Source: Configuring scaling behavior for SQS event source mappings,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

FIRST = 5
_MORE_PER_S = 300 / 60
_MOST = 1_250


def concurrency(backlogged_s: float, maximum: int | None) -> int:
    """Batches at a time when there have been more messages than could be taken for so many seconds;
    `maximum` is the mapping's MaximumConcurrency."""
    grown = FIRST + int(backlogged_s * _MORE_PER_S)
    return min(grown, _MOST if maximum is None else maximum)


def visibility_s(queue_s: int, timeout_s: int, window_s: int) -> int:
    """For how long messages that are taken stay unseen by others: the queue's own time, unless that is over
    before the function is."""
    longest = timeout_s + window_s
    return queue_s if longest <= queue_s else longest + 30
