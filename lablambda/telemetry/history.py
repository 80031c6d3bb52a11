"""Past invocations, newest first."""

from __future__ import annotations

import json
from typing import Any

from lablambda.storage.journal import Journal
from lablambda.telemetry.recorder import Recorder

_SELECT = """
SELECT started, source, version, log_stream, report, error FROM invocation
WHERE function = ? ORDER BY id DESC LIMIT ?
"""
# As one JSON text each: there may be very many rows, and the loop would stop for making them.
_TIMINGS = """
SELECT json_group_array(json_array(started, stream, duration_ms, init_ms, billed_ms, running, failed)) FROM (
    SELECT started, DENSE_RANK() OVER (ORDER BY log_stream) AS stream,
        json_extract(report, '$.duration_ms') AS duration_ms, json_extract(report, '$.init_ms') AS init_ms,
        json_extract(report, '$.billed_ms') AS billed_ms, json_extract(running, '$[1]') AS running,
        error IS NOT NULL AS failed
    FROM (
        SELECT * FROM invocation WHERE function = ? AND started >= ? AND started < ? ORDER BY id DESC LIMIT ?)
    ORDER BY started)
"""
_THROTTLES = """
SELECT json_group_object(reason, count) FROM (
    SELECT reason, COUNT(*) AS count FROM throttle WHERE function = ? AND at >= ? AND at < ? GROUP BY reason)
"""


class History:
    def __init__(self, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder

    async def of(self, function: str, limit: int) -> list[dict[str, Any]]:
        """Rows with `started` (s since 1970), `source`, `version`, `log_stream`, `report`, `error`."""
        await self._recorder.flush()
        rows = await self._journal.read(_SELECT, (function, limit))
        return [
            {
                "started": started,
                "source": source,
                "version": version,
                "log_stream": log_stream,
                "report": json.loads(report),
                "error": _error(error),
            }
            for started, source, version, log_stream, report, error in rows
        ]

    async def timings(self, function: str, start: float, end: float, limit: int) -> str:
        """JSON: `invocations`, the last `limit` that began from `start` to `end` (s since 1970), oldest first, each
        with its beginning, a number of its environment, duration, init (null if warm), billed time (ms), how many
        ran when it began, and 1 if it failed; `throttles`, the reasons with their counts."""
        await self._recorder.flush()
        ((invocations,),) = await self._journal.read(_TIMINGS, (function, start, end, limit))
        ((throttles,),) = await self._journal.read(_THROTTLES, (function, start, end))
        return f'{{"invocations": {invocations}, "throttles": {throttles}}}'


def _error(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:  # a runtime may answer with what isn't JSON
        return {"errorMessage": text, "errorType": ""}
