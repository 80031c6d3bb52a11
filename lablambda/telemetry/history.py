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


def _error(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:  # a runtime may answer with what isn't JSON
        return {"errorMessage": text, "errorType": ""}
