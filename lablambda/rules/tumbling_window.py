"""Tumbling windows: stretches of time over whose records a function keeps a state.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lablambda.model.invocation import Outcome
from lablambda.rules.moments import iso

_LARGEST_STATE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Window:
    """`start` is in seconds since 1970; `state` is what the function returned last; `ends_early` because that
    is too large to go on with."""

    start: float
    state: Any = field(default_factory=dict)
    ends_early: bool = False


def start_of(arrived: float, length_s: int) -> float:
    """The start of the window that a record of that moment belongs to."""
    return arrived // length_s * length_s


def event_members(window: Window, length_s: int, *, final: bool) -> dict[str, Any]:
    """What a function's event has of the window besides records."""
    return {
        "window": {"start": iso(window.start, "seconds"), "end": iso(window.start + length_s, "seconds")},
        "state": window.state,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": final and window.ends_early,
    }


def after(window: Window, outcome: Outcome) -> Window | None:
    """The window with the state that the function returned; None if it returned none, which is a failure."""
    try:
        answer = json.loads(outcome.payload)
    except (ValueError, RecursionError):
        return None
    if outcome.function_error is not None or not isinstance(answer, dict) or "state" not in answer:
        return None
    state = answer["state"]
    return Window(window.start, state, len(json.dumps(state)) > _LARGEST_STATE_BYTES)
