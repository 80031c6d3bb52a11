"""How far each mapping is in each shard of its stream, on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from lablambda.model.mapping import Position
from lablambda.rules.tumbling_window import Window
from lablambda.storage.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS checkpoint (
    mapping TEXT, shard TEXT, kind TEXT, value TEXT, window TEXT, PRIMARY KEY (mapping, shard));
"""
_PUT = "INSERT OR REPLACE INTO checkpoint (mapping, shard, kind, value, window) VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM checkpoint WHERE mapping = ?"
_SELECT = "SELECT mapping, shard, kind, value, window FROM checkpoint"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`window` is the tumbling window that isn't over yet."""

    position: Position
    window: Window | None = None


class Checkpoints:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[str, dict[str, Checkpoint]] = {}
        for mapping, shard, kind, value, window in journal.read_now(_SELECT):
            read = Window(*json.loads(window)) if window else None
            self._known.setdefault(mapping, {})[shard] = Checkpoint(Position(kind, value), read)

    def of(self, mapping: str) -> dict[str, Checkpoint]:
        """By shard."""
        return self._known.setdefault(mapping, {})

    async def begin(self, mapping: str, shards: Iterable[str], position: Position) -> None:
        """Note where shards begin; returns when the disk has it."""
        found = {shard: Checkpoint(position) for shard in shards}
        self.of(mapping).update(found)
        await self._journal.write(_PUT, [_row(mapping, shard, at) for shard, at in found.items()])

    def move(self, mapping: str, shard: str, checkpoint: Checkpoint) -> None:
        """Note progress. A crash may lose the last of it: what was done since is done again."""
        if mapping in self._known:
            self._known[mapping][shard] = checkpoint
            self._journal.write_soon(_PUT, [_row(mapping, shard, checkpoint)])

    async def forget(self, mapping: str) -> None:
        self._known.pop(mapping, None)
        await self._journal.write(_DELETE, [(mapping,)])


def _row(mapping: str, shard: str, checkpoint: Checkpoint) -> tuple[str, ...]:
    position, window = checkpoint.position, checkpoint.window
    kept = json.dumps([window.start, window.state, window.ends_early]) if window else ""
    return (mapping, shard, position.kind, position.value, kept)
