"""The last events of each function, kept in memory so that they can be tried on new code."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lablambda.model.invocation import Invocation

_MOST_EVENTS, _MOST_BYTES = 100, 1024 * 1024


@dataclass(slots=True)
class _Kept:
    """One function's, oldest first."""

    events: deque[tuple[str, bytes]] = field(default_factory=deque)
    size: int = 0

    def add(self, request_id: str, payload: bytes) -> None:
        self.events.append((request_id, payload))
        self.size += len(payload)
        while len(self.events) > _MOST_EVENTS or (self.size > _MOST_BYTES and len(self.events) > 1):
            self.size -= len(self.events.popleft()[1])


class PastEvents:
    """By function: a hundred events or a megabyte at most, but always the last one."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def remember(self, invocation: Invocation) -> None:
        kept = self._kept.get(invocation.function)
        if kept is None:
            kept = self._kept[invocation.function] = _Kept()
        kept.add(invocation.request_id, invocation.payload)

    def forget(self, function: str) -> None:
        self._kept.pop(function, None)

    def find(self, function: str, request_id: str | None) -> tuple[str, bytes] | None:
        """The event of that request, or the last one; with its request id."""
        kept = self._kept.get(function)
        if kept is None:
            return None
        wanted = (event for event in reversed(kept.events) if request_id in (None, event[0]))
        return next(wanted, None)
