"""The logs, as CloudWatch Logs reads them: groups, streams, events."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.storage.journal import Journal
from lablambda.telemetry.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored event; `identity` grows in the order of arrival."""

    identity: int
    stream: str
    timestamp: int
    ingested: int
    message: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream with the times (ms since 1970) of its first and last event."""

    name: str
    created: int
    first: int
    last: int
    ingested: int


class Logs:
    """Reads what the recorder wrote."""

    def __init__(self, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder

    async def groups(self, prefix: str = "") -> list[tuple[str, int]]:
        """Each group's name and creation time, by name."""
        await self._recorder.flush()
        rows = await self._journal.read(
            "SELECT grp, MIN(created) FROM log_stream WHERE substr(grp, 1, ?) = ? GROUP BY grp ORDER BY grp",
            (len(prefix), prefix),
        )
        return [(name, created) for name, created in rows]

    async def streams(self, group: str) -> list[Stream]:
        """The group's streams. Raises ResourceNotFound if there is no such group."""
        await self._recorder.flush()
        rows = await self._journal.read(
            "SELECT name, created, first, last, ingested FROM log_stream WHERE grp = ? ORDER BY name",
            (group,),
        )
        if not rows:
            raise ResourceNotFound("The specified log group does not exist.")
        return [Stream(*row) for row in rows]

    async def events(
        self,
        group: str,
        streams: list[str] | None,
        *,
        start: int | None = None,
        end: int | None = None,
        after: int = 0,
        before: int | None = None,
        newest_first: bool = False,
        limit: int,
    ) -> list[Stored]:
        """Events in order of arrival (or its reverse): `start` <= timestamp < `end`, `after` < identity
        < `before`."""
        await self._recorder.flush()
        where = ["grp = ?", "id > ?"]
        values: list[object] = [group, after]
        if streams is not None:
            where.append(f"stream IN ({','.join('?' * len(streams))})")
            values += streams
        for clause, value in (("timestamp >= ?", start), ("timestamp < ?", end), ("id < ?", before)):
            if value is not None:
                where.append(clause)
                values.append(value)
        order = "DESC" if newest_first else "ASC"
        rows = await self._journal.read(
            f"SELECT id, stream, timestamp, ingested, message FROM log WHERE {' AND '.join(where)} "  # noqa: S608 - made of constants
            f"ORDER BY id {order} LIMIT ?",
            (*values, limit),
        )
        return [Stored(*row) for row in rows]


# ----------------------------------------------------------------------------------- filter patterns

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_FIELD = re.compile(r'^\{\s*\$\.([\w.]+)\s*(=|!=)\s*(?:"([^"]*)"|(\S+))\s*\}$')


def compile_filter(pattern: str) -> Callable[[str], bool]:
    """A CloudWatch Logs filter pattern as a test of messages.

    Terms are AND-ed, `?term`s OR-ed, `-term` excludes, quotes hold a phrase together, and
    `{ $.field = "value" }` compares one field of a JSON message. Raises InvalidParameterValue for
    the rest of the language, which isn't built.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    pattern = pattern.strip()
    if pattern.startswith("{"):
        return _field_filter(pattern)
    if pattern.startswith(("[", "%")):
        raise InvalidParameterValue(
            f"Filter pattern {pattern!r}: column and regular-expression patterns are not implemented here; "
            'use terms or { $.field = "value" }.'
        )
    wanted: list[str] = []
    either: list[str] = []
    without: list[str] = []
    for sign, phrase, word in _TERM.findall(pattern):
        {"?": either, "-": without, "": wanted}[sign].append(phrase or word)
    return lambda message: (
        all(term in message for term in wanted)
        and not any(term in message for term in without)
        and (not either or any(term in message for term in either))
    )


def _field_filter(pattern: str) -> Callable[[str], bool]:
    match = _FIELD.match(pattern)
    if match is None:
        raise InvalidParameterValue(
            f'Filter pattern {pattern!r}: of the JSON patterns only {{ $.field = "value" }} and != are '
            "implemented here."
        )
    path, operator, quoted, bare = match.groups()
    expected = quoted if quoted is not None else bare

    def test(message: str) -> bool:
        try:
            value = json.loads(message)
            for part in path.split("."):
                value = value[part]
        except (ValueError, KeyError, TypeError):
            return False
        text = value if isinstance(value, str) else json.dumps(value)
        return (text == expected) is (operator == "=")

    return test
