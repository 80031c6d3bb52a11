"""What became of a load, as people and programs see it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from lablambda import charts, display
from lablambda.simulation.course import SLICES, Course
from lablambda.simulation.distributions import Constant
from lablambda.simulation.profiles import Moments, shaped
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.simulate import simulate
from tests.test_display import EVIL, page


def simulated(*, one_by_one: bool = True, **more: Any) -> Course:
    told: dict[str, Any] = {"name": EVIL, "profile": shaped("constant", 100, 6), "takes": Constant(0.1)}
    return simulate(
        Scenario((Workload(init=Constant(0.3), **told | more),), account=20, even=True), one_by_one=one_by_one
    )


def test_the_tables_and_the_lines() -> None:
    shown = simulated()._repr_mimebundle_()
    lines = shown["text/plain"].split("\n")
    assert lines[0] == f"{EVIL}, simulated, request by request: 600 requests in 6 s"
    assert lines[1].split()[:4] == ["arrivals", "served", "errors", "throttles"]
    assert lines[2].split()[:3] == ["600", "579", "0"]
    assert lines[3] == "ConcurrentInvocationLimitExceeded: 21"
    assert len(lines) == 4 + 1 + 12 + 5
    assert lines[5].startswith("0 s ")
    assert lines[16].startswith("5.5 s ")
    assert all(len(line) == 13 + SLICES for line in lines[-5:])
    read = page(shown)
    assert read.tags.count("svg") == 1
    assert read.tags.count("polyline") == 10  # eight; latencies are broken off where nothing was served
    assert "alert('&')" in read.text
    assert "concurrency (environments grey), at most 20" in read.text


def test_for_programs() -> None:
    told = simulated()
    data = told._repr_mimebundle_()[display.MIME]["data"]
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(told.json()))
    assert (data["arrivals"], data["served"], data["throttles"]) == (600, 579, 21)
    assert data["cost"] == pytest.approx(sum(data["bill"].values()))
    assert len(data["slices"]) == SLICES
    rows = list(csv.DictReader(io.StringIO(told.csv())))
    assert [float(row["begin_s"]) for row in rows[:3]] == pytest.approx([0, 0.1, 0.2])
    assert sum(int(row["arrivals"]) for row in rows) == 600


@pytest.mark.parametrize("one_by_one", [True, False])
def test_time_in_which_nothing_comes(one_by_one: bool) -> None:
    told = simulated(profile=Moments([0.0, 10.0]), one_by_one=one_by_one)
    assert told.slices[30].p50_ms is None
    assert told.slices[30].arrivals == 0
    read = page(told._repr_mimebundle_())
    assert read.tags.count("polyline") > 8  # a line that is broken off
    assert "-" in read.text


def test_all_colours_are_the_themes() -> None:
    drawn = charts.course(simulated())["text/html"]
    assert drawn.count('stroke="var(--jp-') == drawn.count("stroke=")
