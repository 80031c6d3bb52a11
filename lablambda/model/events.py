"""What happens in a lab, told sideways to whoever listens; nothing in the invoke path waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from lablambda.model.invocation import Report


class LogLine(NamedTuple):  # three for every invocation, at a third of a frozen dataclass's cost
    """One log event. `timestamp` is milliseconds since 1970."""

    group: str
    stream: str
    timestamp: int
    message: str


@dataclass(frozen=True, slots=True)
class InvocationFinished:
    """An invocation came to its end. `started` is seconds since 1970; `error` the error's JSON or None."""

    function: str
    version: str
    source: str
    started: float
    log_stream: str
    report: Report
    error: bytes | None


Event = LogLine | InvocationFinished
