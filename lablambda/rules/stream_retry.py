"""What becomes of a stream's batch that failed.

Source: How Lambda processes records from stream and queue-based event sources,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EVER = -1  # of MaximumRetryAttempts
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Records that are to be run together, after so many `tries` that count."""

    records: Sequence[Any]
    tries: int = 0


def after_failure(piece: Piece, first_failed: int, *, retries: int, bisects: bool) -> list[Piece] | None:
    """What to run next, when the record of index `first_failed` and all that follow it failed; None if the
    retries are used up. Splitting uses up none."""
    rest = piece.records[first_failed:]
    if bisects and first_failed:
        return [Piece(rest, piece.tries)]
    if bisects and len(rest) > 1:
        half = (len(rest) + 1) // 2
        return [Piece(rest[:half], piece.tries), Piece(rest[half:], piece.tries)]
    if retries != EVER and piece.tries + 1 > retries:
        return None
    return [Piece(rest, piece.tries + 1)]


def pause_s(failures: int) -> float:
    """How long to wait after so many failures in a row; AWS doesn't say, so this is ours."""
    return float(min(2.0 ** min(failures - 1, 10), _LONGEST_PAUSE_S))
