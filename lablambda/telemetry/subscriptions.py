"""Subscription filters of log groups: what they are, and how far each has come."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import astuple, replace

from lablambda.model.log_subscription import SubscriptionFilter
from lablambda.rules.limits import LOG_PAGE_EVENTS
from lablambda.storage.journal import Journal
from lablambda.telemetry.logs import Stored
from lablambda.telemetry.recorder import Recorder

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscription_filter (
    grp TEXT, name TEXT, pattern TEXT, destination TEXT, role TEXT, distribution TEXT, created INTEGER,
    position INTEGER, PRIMARY KEY (grp, name));
CREATE TRIGGER IF NOT EXISTS subscription_filter_of_group AFTER DELETE ON log_group BEGIN
    DELETE FROM subscription_filter WHERE grp = OLD.name;
END;
"""
_SELECT = (
    "SELECT grp, name, pattern, destination, role, distribution, created, position FROM subscription_filter"
)
# A new filter begins behind all that is there; one that is put again goes on where it was.
_PUT = """
INSERT INTO subscription_filter (grp, name, pattern, destination, role, distribution, created, position)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT COALESCE(MAX(id), 0) FROM log))
ON CONFLICT (grp, name) DO UPDATE SET pattern = ?3, destination = ?4, role = ?5, distribution = ?6, created = ?7
"""
_DELETE = "DELETE FROM subscription_filter WHERE grp = ? AND name = ?"
_ADVANCE = "UPDATE subscription_filter SET position = MAX(position, ?) WHERE grp = ? AND name = ?"
# The + keeps SQLite from going through the group's whole index.
_UNREAD = (
    "SELECT id, stream, timestamp, ingested, message FROM log WHERE id > ? AND +grp = ? ORDER BY id LIMIT ?"
)


class SubscriptionFilters:
    """Kept on disk; who has any is kept in memory too, for the recorder asks at every turn."""

    def __init__(self, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder
        self._groups = {row[0] for row in journal.read_now(_SELECT)}

    @property
    def groups(self) -> Collection[str]:
        """The groups that have filters, or had some a moment ago."""
        return self._groups

    @property
    def unwritten(self) -> bool:
        """Whether the recorder has something of these groups that isn't on disk yet."""
        return self._recorder.holds(self._groups)

    def watch(self, wrote: Callable[[Collection[str]], None]) -> None:
        """Have the recorder call it with the groups whose events it has written."""
        self._recorder.watch(wrote)

    async def flush(self) -> None:
        await self._recorder.flush()

    async def of(self, group: str) -> list[SubscriptionFilter]:
        """A group's filters by name."""
        rows = await self._journal.read(f"{_SELECT} WHERE grp = ? ORDER BY name", (group,))
        return [SubscriptionFilter(*row) for row in rows]

    async def put(self, subscription: SubscriptionFilter) -> None:
        """Keep a filter, in place of one of its name."""
        await self._recorder.flush()
        await self._journal.write(_PUT, [astuple(subscription)[:-1]])
        self._groups.add(subscription.group)

    async def delete(self, subscription: SubscriptionFilter) -> None:
        await self._journal.write(_DELETE, [(subscription.group, subscription.name)])
        if not await self.of(subscription.group):
            self._groups.discard(subscription.group)

    async def unread(self, subscription: SubscriptionFilter) -> list[Stored]:
        """The next of the group's events, in the order of their arrival; all of them if they are fewer than
        LOG_PAGE_EVENTS."""
        await self._journal.flush()
        place = (subscription.position, subscription.group, LOG_PAGE_EVENTS)
        return [Stored(*row) for row in await self._journal.read(_UNREAD, place)]

    async def advance(self, subscription: SubscriptionFilter, last: Stored) -> SubscriptionFilter:
        """Note that the filter has dealt with the events up to `last`."""
        await self._journal.write(_ADVANCE, [(last.number, subscription.group, subscription.name)])
        return replace(subscription, position=last.number)
