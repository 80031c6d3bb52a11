"""What somebody who watches a lab is told, some ten times a second at most: the shapes of the live stream.

The JupyterLab extension has the same in TypeScript, made from these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FunctionSeen:
    """A function as it is now. `configuration` is AWS's FunctionConfiguration of $LATEST, `last_version` the number of
    the last one published (0: none), `reserved` None if unset, `provisioned` of all its versions together."""

    configuration: dict[str, Any]
    last_version: int
    aliases: list[str]
    reserved: int | None
    provisioned: int


@dataclass(frozen=True, slots=True)
class Environments:
    """How many execution environments of $LATEST there are."""

    total: int
    idle: int


@dataclass(frozen=True, slots=True)
class Started:
    """An invocation that runs. `at` is seconds since 1970."""

    function: str
    request_id: str
    source: str
    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    """An invocation that is over. `started` and `ended` are seconds since 1970; `cost` is dollars; `init_ms` is None
    unless it was a cold start, `restore_ms` unless it was one from a snapshot; `error` is the error's message, empty
    if there is none."""

    function: str
    version: str
    request_id: str
    source: str
    started: float
    ended: float
    waited_s: float
    init_ms: float | None
    restore_ms: float | None
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    status: str
    error_type: str
    error: str
    log_stream: str
    cost: float


@dataclass(frozen=True, slots=True)
class Line:
    """One log event; `timestamp` is milliseconds since 1970."""

    group: str
    stream: str
    timestamp: int
    message: str


@dataclass(slots=True)
class Counts:
    """What became of a function's invocations, those that aren't told one by one included."""

    invocations: int = 0
    errors: int = 0
    throttles: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """What has happened since the last one. The first of a stream is `whole`: what isn't in it isn't there.

    `running`, `environments` and `counts` go by function; those with nothing are left out. `left_out` is how many
    invocations and lines were too many to be told one by one. `at` is seconds since 1970."""

    at: float
    whole: bool
    functions: list[FunctionSeen]
    gone: list[str]
    running: dict[str, int]
    environments: dict[str, Environments]
    started: list[Started] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    left_out: int = 0
