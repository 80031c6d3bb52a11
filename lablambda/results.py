"""What a lab gives back: one invocation's result, past invocations, log events.

Each shows itself in a notebook; none of them asks the lab anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

from lablambda import charts, display
from lablambda.model.invocation import Report
from lablambda.rules import cost


class FunctionError(Exception):
    """A function failed while handling an event; `error` is the object that Lambda answered with."""

    def __init__(self, function: str, error: dict[str, Any]) -> None:
        kind = error.get("errorType", "")
        message = error.get("errorMessage", "")
        super().__init__(f"{function} failed: {kind}: {message}" if kind else f"{function} failed: {message}")
        self.function = function
        self.error = error


@dataclass(frozen=True, slots=True)
class Result:
    """What one invocation gave.

    `payload` is the handler's answer read from JSON (None if the function failed), `error` the error
    object (`errorType`, `errorMessage`, ...) or None, `logs` the last 4 KB of the invocation's log.
    """

    function: str
    payload: Any
    error: dict[str, Any] | None
    logs: str
    report: Report | None
    executed_version: str
    request_id: str

    @property
    def cold(self) -> bool:
        """Whether this invocation waited for a new execution environment."""
        return self.report is not None and self.report.cold

    @property
    def cost(self) -> float | None:
        """What this invocation would cost on AWS, in dollars, before free tier; None without a report."""
        return None if self.report is None else cost.of_report(self.report)

    def check(self) -> Any:
        """The payload; raises FunctionError if the function failed."""
        if self.error is not None:
            raise FunctionError(self.function, self.error)
        return self.payload

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return display.result(self)


@dataclass(frozen=True, slots=True)
class Record:
    """One past invocation. `started` is seconds since 1970; `error` the error object or None."""

    started: float
    source: str
    version: str
    log_stream: str
    report: Report
    error: dict[str, Any] | None

    @property
    def request_id(self) -> str:
        return self.report.request_id

    @property
    def cost(self) -> float:
        """What this invocation would cost on AWS, in dollars, before free tier."""
        return cost.of_report(self.report)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return display.record(self)


class Records(Sequence[Record]):
    """Past invocations, newest first; a notebook shows them as a table."""

    def __init__(self, function: str, records: Sequence[Record]) -> None:
        self.function = function
        self._records = list(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> Record | Records:
        if isinstance(index, slice):
            return Records(self.function, self._records[index])
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __repr__(self) -> str:
        return f"<{len(self)} invocations of {self.function}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return display.records(self.function, self)


@dataclass(frozen=True, slots=True)
class Figures:
    """A function's figures over the last `hours`.

    `duration_ms` holds p50, p95 and p99 without init (empty if nothing ran), `concurrency` the most at
    once, `cost` dollars on AWS before free tier; `invocations_by_part` and `errors_by_part` are counts in
    equal parts of the time, oldest first.
    """

    function: str
    hours: float
    invocations: int
    errors: int
    throttles: int
    duration_ms: dict[str, float]
    concurrency: int
    cost: float
    invocations_by_part: list[int]
    errors_by_part: list[int]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return charts.figures(self)


class Timing(NamedTuple):
    """When an invocation began (s since 1970), in which environment (a number), and how long it took (ms; `init_ms`
    is None if it was warm); `running` says how many of the function ran then, itself included."""

    started: float
    environment: int
    duration_ms: float
    init_ms: float | None
    billed_ms: int
    running: int
    failed: bool


@dataclass(frozen=True, slots=True)
class Timings:
    """Past invocations, oldest first, and how many were throttled in that time, by AWS's ThrottleReason."""

    invocations: list[Timing]
    throttles: dict[str, int]


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of a log. `timestamp` is milliseconds since 1970."""

    timestamp: int
    message: str
    stream: str


class LogEvents(Sequence[LogEvent]):
    """Log events in order; a notebook shows them as lines."""

    def __init__(self, events: Sequence[LogEvent]) -> None:
        self._events = list(events)

    @overload
    def __getitem__(self, index: int) -> LogEvent: ...
    @overload
    def __getitem__(self, index: slice) -> LogEvents: ...
    def __getitem__(self, index: int | slice) -> LogEvent | LogEvents:
        if isinstance(index, slice):
            return LogEvents(self._events[index])
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __str__(self) -> str:
        return "\n".join(event.message.rstrip("\n") for event in self._events)

    def __repr__(self) -> str:
        return f"<{len(self)} log events>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return display.log_events(self)
