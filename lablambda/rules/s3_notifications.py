"""Which notifications of one bucket can't stand beside each other.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type."
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Whom (an ARN) a bucket tells of which events (`s3:ObjectCreated:*`), for keys with this prefix and suffix."""

    target: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    def overlaps(self, other: Notice) -> bool:
        """Whether there may be an object and an event that both are told of."""
        return (
            any(_share(one, two) for one in self.events for two in other.events)
            and _share_start(self.prefix, other.prefix)
            and _share_start(self.suffix[::-1], other.suffix[::-1])
        )


def overlapping(notices: Sequence[Notice]) -> tuple[Notice, Notice] | None:
    """The first two that overlap, whoever they are for; None if no two do."""
    pairs = itertools.combinations(notices, 2)
    return next(((one, other) for one, other in pairs if one.overlaps(other)), None)


def filter_values(rules: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Prefix and suffix from the names (in any case) and values of filter rules."""
    values = {name.lower(): value for name, value in rules}
    return values.get("prefix", ""), values.get("suffix", "")


def _share(one: str, other: str) -> bool:
    """`*` stands for every event of its kind."""
    return one == other or any(
        wide.endswith("*") and narrow.startswith(wide[:-1]) for wide, narrow in ((one, other), (other, one))
    )


def _share_start(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
