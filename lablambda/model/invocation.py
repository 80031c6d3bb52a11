"""One invocation and what became of it."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field
from typing import Protocol


def new_request_id() -> str:
    """A request id as AWS forms it: a random UUID, made at a third of what `uuid.uuid4` takes."""
    text = os.urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def new_trace_id() -> str:
    """A trace header as AWS makes it for a request that brings none; nothing here samples.

    Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    text = os.urandom(20).hex()
    return f"Root=1-{int(time.time()):08x}-{text[:24]};Parent={text[24:]};Sampled=0"


class Sink(Protocol):
    """Where a streamed answer goes, part by part. Each call may wait until the caller has kept up."""

    async def begin(self, content_type: str, executed_version: str) -> None:
        """The function begins to answer; `content_type` is empty if it doesn't say one."""

    async def take(self, part: bytes) -> None:
        """The next part of the answer."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to a handler, whoever asked.

    `payload` is the event's JSON as bytes, passed through untouched. `arn` is the function's ARN as
    the caller named it, which is what the handler's context shows. An answer that the function streams
    goes to `sink`, if there is one, and the outcome's payload is empty then. `waited_s` is for how long an
    asynchronous event has been in the queue, in lab time.
    """

    function: str
    qualifier: str | None
    payload: bytes
    arn: str
    request_id: str = field(default_factory=new_request_id)
    source: str = "api"
    client_context: str | None = None
    trace_id: str = field(default_factory=new_trace_id)
    sink: Sink | None = None
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of AWS's REPORT line. Times are milliseconds, sizes are MB.

    `init_ms` is set on a cold start only, or `restore_ms` if it was one from a snapshot; `status` is "success",
    "error" or "timeout". `architecture` and `storage_mb` (of /tmp) aren't in that line, but the price depends on
    them.
    """

    request_id: str
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    status: str = "success"
    error_type: str = ""
    architecture: str = "x86_64"
    storage_mb: int = 512
    restore_ms: float | None = None

    @property
    def cold(self) -> bool:
        return self.init_ms is not None or self.restore_ms is not None

    @property
    def billed_restore_ms(self) -> int:
        return math.ceil(self.restore_ms or 0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation gave: the handler's answer, or the function's error, as JSON bytes.

    A failed function is an outcome too; `function_error` is then "Unhandled", as AWS's
    X-Amz-Function-Error header has it. `log` holds the last events of its log, oldest first.
    """

    payload: bytes
    report: Report
    executed_version: str
    function_error: str | None = None
    log: tuple[str, ...] = ()

    def log_tail(self, most: int) -> bytes:
        """The last `most` bytes of the log, a line an event."""
        lines: list[bytes] = []
        size = 0
        for message in reversed(self.log):
            lines.append(message.encode() + (b"" if message.endswith("\n") else b"\n"))
            size += len(lines[-1])
            if size >= most:
                break
        return b"".join(reversed(lines))[-most:]


def too_large(limit: int) -> bytes:
    """The error for an answer of more than `limit` bytes."""
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return json.dumps({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}).encode()
