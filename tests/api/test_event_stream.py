"""Event stream messages, read back by botocore's own decoder."""

from __future__ import annotations

import pytest
from botocore.eventstream import EventStreamBuffer

from lablambda.api.event_stream import event


@pytest.mark.parametrize("payload", [b"", b"{}", "é".encode(), bytes(range(256)) * 1000])
def test_botocore_reads_what_is_written(payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(
        event("PayloadChunk", "application/octet-stream", payload)
        + event("InvokeComplete", "application/json", b"{}")
    )
    first, last = buffer
    assert first.payload == payload
    assert first.headers == {
        ":event-type": "PayloadChunk",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    assert last.headers[":event-type"] == "InvokeComplete"
