"""What happens in a lab, told sideways to whoever listens; nothing in the invoke path waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lablambda.model.invocation import Report


class LogLine(NamedTuple):  # three for every invocation, at a third of a frozen dataclass's cost
    """One log event. `timestamp` is milliseconds since 1970."""

    group: str
    stream: str
    timestamp: int
    message: str


class InvocationStarted(NamedTuple):
    """An invocation was let in and goes to an environment; told only while somebody watches. `at` is seconds since
    1970."""

    function: str
    request_id: str
    source: str
    at: float


class InvocationFinished(NamedTuple):
    """An invocation came to its end. `started` is seconds since 1970; `error` the error's JSON or None.

    `qualifier` is the version or alias that the caller named, `concurrent` how many invocations ran
    when this one began, itself included: in the whole lab, of this function, of this function by the same
    qualifier (`concurrent_of_resource`), and `unreserved` of all functions without reserved concurrency (None
    if this one has some). `provisioned` is the version's provisioned concurrency, `in_provisioned` how much of it
    was in use when this one began, and `spilled` whether this one found none of it free. `waited_s` is for how
    long the event had been in the queue, in lab time.
    """

    function: str
    version: str
    qualifier: str | None
    source: str
    started: float
    log_stream: str
    report: Report
    error: bytes | None
    concurrent: int
    concurrent_of_function: int
    unreserved: int | None = None
    concurrent_of_resource: int | None = None
    provisioned: int = 0
    in_provisioned: int = 0
    spilled: bool = False
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class InvocationThrottled:
    """An invocation was refused before it ran. `at` is seconds since 1970; `reason` AWS's ThrottleReason."""

    function: str
    qualifier: str | None
    at: float
    reason: str


class QueueMove(StrEnum):
    """What can become of an asynchronous event on its way."""

    RECEIVED = "received"
    STARTED = "started"
    DROPPED = "dropped"
    UNDELIVERED = "undelivered"  # its destination didn't take the record
    UNBURIED = "unburied"  # its dead-letter queue didn't take it
    LOOPED = "looped"  # it had been through its function too often; of synchronous events too


@dataclass(frozen=True, slots=True)
class QueuedEventMoved:
    """An asynchronous event was accepted, taken to its function, or given up.

    `at` is seconds since 1970, `age_s` how long the event has been waiting.
    """

    function: str
    qualifier: str | None
    move: QueueMove
    at: float
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MappingMeasured:
    """A figure of an event source mapping: `metric` is AWS's name, `at` seconds since 1970."""

    mapping: str
    function: str
    qualifier: str | None
    metric: str
    at: float
    value: float


Event = (
    LogLine
    | InvocationStarted
    | InvocationFinished
    | InvocationThrottled
    | QueuedEventMoved
    | MappingMeasured
)
