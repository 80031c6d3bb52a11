"""A function's figures as people see them."""

from __future__ import annotations

from typing import Any

import pytest

from lablambda import charts, display
from lablambda.results import Figures
from tests.test_display import EVIL, page


def figures(**changed: Any) -> Figures:
    known: dict[str, Any] = {
        "function": EVIL,
        "hours": 3.0,
        "invocations": 7,
        "errors": 2,
        "throttles": 1,
        "duration_ms": {"p50": 1.5, "p95": 20.0, "p99": 300.25},
        "concurrency": 3,
        "cost": 0.0000123,
        "invocations_by_part": [0, 4, 3],
        "errors_by_part": [0, 0, 2],
    }
    return Figures(**known | changed)


def test_the_table() -> None:
    shown = figures()._repr_mimebundle_()
    title, head, row, line = shown["text/plain"].split("\n")
    assert title == f"{EVIL}, last 3 hours"
    assert head.split() == ["invocations", "errors", "throttles", "p50", "p95", "p99", "concurrency", "cost"]
    assert row.split("  ")[0] == "7"
    assert "1.50 ms" in row
    assert "300.25 ms" in row
    assert row.endswith("$0.0000123")
    assert line == "▁█▆"
    read = page(shown)
    assert read.tags.count("polyline") == 2
    assert "alert('&')" in read.text
    assert shown[display.MIME]["data"]["errors"] == 2


def test_nothing_ran() -> None:
    quiet = figures(
        invocations=0, errors=0, duration_ms={}, invocations_by_part=[0, 0], errors_by_part=[0, 0]
    )
    read = page(charts.figures(quiet))
    assert read.tags.count("polyline") == 1
    assert "-" in read.text


@pytest.mark.parametrize(
    ("counts", "points"),
    [([], ""), ([0], "0,34.0"), ([5], "0,2.0"), ([0, 10, 5], "0,34.0 4,2.0 8,18.0")],
)
def test_points_of_the_line(counts: list[int], points: str) -> None:
    assert f'points="{points}"' in charts.sparkline(counts, [])


def test_only_the_themes_colours() -> None:
    drawn = charts.sparkline([1, 2], [0, 1])
    assert drawn.count("var(--jp-") == drawn.count("stroke=") == 2
