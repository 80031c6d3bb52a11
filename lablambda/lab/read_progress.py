"""How far a shard is done with, when its records are worked on in several lanes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable


class Progress:
    """Sequence numbers in the order in which they were read. All up to `done` are done with."""

    def __init__(self) -> None:
        self._open: deque[str] = deque()
        self._finished: set[str] = set()
        self.last_read: str | None = None
        self.done: str | None = None

    @property
    def clear(self) -> bool:
        """Whether all that was read is done with."""
        return not self._open

    def read(self, sequences: Iterable[str]) -> None:
        self._open.extend(sequences)
        if self._open:
            self.last_read = self._open[-1]

    def finish(self, sequences: Iterable[str]) -> None:
        """These are done with."""
        self._finished.update(sequences)
        while self._open and self._open[0] in self._finished:
            self.done = self._open.popleft()
            self._finished.discard(self.done)
