"""What a load came to: latencies as the callers had them, and the rest from the lab's own records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lablambda.load.offering import Answers
from lablambda.results import Timings
from lablambda.rules import cost
from lablambda.rules.cost import Usage
from lablambda.simulation.arrays import Floats
from lablambda.simulation.course import Course
from lablambda.simulation.trail import LOST, Trail, course

MODEL = "measured"
# A generator that is later than this isn't open any more: the result says so.
LATE_S = 0.02


def measured(
    configuration: Mapping[str, Any],
    moments: Sequence[float],
    length_s: float,
    answers: Answers,
    timings: Timings,
    *,
    whole: bool,
) -> Course:
    """The course of a load of the function with this (AWS's) configuration: `moments` are when its requests were
    due, `timings` the lab's records of its time; `whole` is False if it was interrupted."""
    sent = len(answers.outcome)
    at = np.array(moments[:sent], float)
    outcome = np.array(answers.outcome, np.int8)
    invocations = timings.invocations
    began = np.array([each.started - answers.began for each in invocations])
    return course(
        Trail(
            name=configuration["FunctionName"],
            model=MODEL,
            length_s=length_s if whole else max(float(at[-1]) if sent else 0.0, 1e-3),
            at=at,
            latency_s=np.array(answers.latency_s),
            outcome=outcome,
            cold_at=began[[each.init_ms is not None for each in invocations]] if invocations else began,
            began=began,
            running=np.array([each.running for each in invocations], float),
            ran_s=np.array([each.duration_ms + (each.init_ms or 0.0) for each in invocations]) / 1000,
            duration_dollars=np.array([_dollars(each.billed_ms, configuration) for each in invocations]),
            births=_births(timings, answers.began),
            reasons=timings.throttles,
            notes=tuple(_notes(answers, whole=whole)),
        )
    )


def _births(timings: Timings, began: float) -> Floats:
    """When each environment that was at work began: before the load, if its first event there was a warm one."""
    first = {}
    for each in reversed(timings.invocations):
        first[each.environment] = each.started - began if each.init_ms is not None else 0.0
    return np.array(list(first.values()), float)


def _dollars(billed_ms: float, configuration: Mapping[str, Any]) -> float:
    storage_mb = configuration.get("EphemeralStorage", {}).get("Size", cost.FREE_STORAGE_MB)
    architecture = configuration.get("Architectures", [cost.X86])[0]
    used = cost.usage(billed_ms, configuration["MemorySize"], storage_mb)
    return cost.price(Usage(0, used.gb_s, used.storage_gb_s), architecture)


def _notes(answers: Answers, *, whole: bool) -> list[str]:
    notes = [] if whole else ["interrupted"]
    late_s = float(np.percentile(answers.late_s, 99)) if answers.late_s else 0.0
    if late_s > LATE_S:
        notes.append(
            f"the generator couldn't keep up: one of a hundred requests was sent {late_s * 1000:.0f} ms late or more "
            "(that is in its latency)"
        )
    notes += [f"{count:,} requests: {_status(status)}" for status, count in sorted(answers.refusals.items())]
    unanswered = answers.outcome.count(LOST) - answers.refusals.total()
    return notes + ([f"{unanswered:,} requests had no answer yet"] if unanswered else [])


def _status(status: int) -> str:
    return f"HTTP status {status}" if status else "the connection broke"
