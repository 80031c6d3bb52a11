"""What became of a load, in all and slice by slice: the same for one that was simulated and one that was measured."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from typing import Any

from lablambda import charts

SLICES = 60
PERCENTS = (50, 90, 99, 99.9, 100)


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars on AWS before free tier: for requests, for running, and for what is kept ready."""

    requests: float
    duration: float
    provisioned: float

    @property
    def total(self) -> float:
        return self.requests + self.duration + self.provisioned


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the time, from `begin_s` on.

    Counts are of the requests that arrive in it, `served` with those that failed (`errors`); `concurrency` and
    `environments` are the most at once. Latencies are those of the requests that were served, from the moment that
    they were due, cold starts included; None if there was none. `cost` is dollars.
    """

    begin_s: float
    arrivals: float
    served: float
    errors: float
    throttles: float
    cold_starts: float
    concurrency: float
    environments: float
    p50_ms: float | None
    p99_ms: float | None
    cost: float


@dataclass(frozen=True, slots=True)
class Course:
    """A whole load of `length_s` seconds: arrivals = served + throttles + lost.

    `lost` requests got no answer: measured loads that are interrupted have some. `latency_ms` has p50 to p100
    (empty if nothing was served), `reasons` AWS's ThrottleReasons with their counts. `model` says how it was found.
    """

    function: str
    model: str
    length_s: float
    arrivals: float
    served: float
    errors: float
    throttles: float
    lost: float
    cold_starts: float
    concurrency: float
    environments: float
    latency_ms: dict[str, float]
    reasons: dict[str, float]
    bill: Bill
    slices: tuple[Slice, ...]
    notes: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """Dollars on AWS, before free tier."""
        return self.bill.total

    def json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {**asdict(self), "cost": self.cost}

    def csv(self) -> str:
        """The slices, a line each under a head."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [field.name for field in fields(Slice)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in self.slices)
        return text.getvalue()

    def __repr__(self) -> str:
        return (
            f"<{self.model} load of {self.function}: {self.arrivals:,.0f} requests in {self.length_s:,g} s>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return charts.course(self)
