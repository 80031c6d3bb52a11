"""One function's figures over the last hours, as a notebook shows them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from lablambda.lab.house import House
from lablambda.model.errors import ResourceNotFound
from lablambda.rules.cost import price
from lablambda.rules.metric_statistics import by_period, percentile
from lablambda.rules.names import function_arn
from lablambda.telemetry.metrics import Samples

PARTS = 60  # of the time, each a point of the line
_PERCENTILES = (50, 95, 99)


async def of_function(house: House, function: str, hours: float) -> dict[str, Any]:
    """Totals of the last `hours`, and `invocations_by_part` and `errors_by_part`: counts, oldest first.

    `duration_ms` holds p50, p95 and p99 (empty if nothing ran), `concurrency` the most at once, `cost`
    dollars before free tier. Raises ResourceNotFound for a function that is neither there nor was.
    """
    end = time.time()
    start = end - hours * 3600
    named = {"FunctionName": function}
    names = ("Errors", "Throttles", "Duration", "ConcurrentExecutions")
    errors, throttles, durations, running = [
        await house.metrics.samples(name, named, start, end) for name in names
    ]
    if not errors and not throttles and house.catalog.find(function) is None:
        raise ResourceNotFound(f"Function not found: {function_arn(function)}")
    used = await house.metrics.usage(function, start, end)
    # In a thread: with many samples this takes a while, and invocations shan't wait for it.
    counted = await asyncio.to_thread(_counted, errors, durations, running, start, hours)
    return {
        "function": function,
        "hours": hours,
        "invocations": len(errors),
        "throttles": len(throttles),
        "cost": sum(price(each, architecture) for architecture, each in used.items()),
        **counted,
    }


def _counted(
    errors: Samples, durations: Samples, running: Samples, start: float, hours: float
) -> dict[str, Any]:
    """The members that need a look at every sample."""
    return {
        "errors": int(sum(value for _, value in errors)),
        "concurrency": int(max((value for _, value in running), default=0)),
        "duration_ms": _percentiles(durations),
        "invocations_by_part": _by_part([(moment, 1.0) for moment, _ in errors], start, hours),
        "errors_by_part": _by_part(errors, start, hours),
    }


def _percentiles(samples: Samples) -> dict[str, float]:
    values = [value for _, value in samples]
    return {f"p{each}": percentile(values, each) for each in _PERCENTILES} if values else {}


def _by_part(samples: Samples, start: float, hours: float) -> Sequence[int]:
    """The sum of the samples in each part of the time."""
    in_parts = [((moment - start) / (hours * 3600) * PARTS, value) for moment, value in samples]
    found = by_period(in_parts, 1)
    return [int(sum(found.get(part, ()))) for part in range(PARTS)]
