"""What people see of figures: tables, and lines over time as static SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from lablambda.display import Bundle, bundle, html_table, plain_table
from lablambda.rules import cost

if TYPE_CHECKING:
    from lablambda.results import Figures
    from lablambda.simulation.course import Course, Slice

_COLUMNS = ("invocations", "errors", "throttles", "p50", "p95", "p99", "concurrency", "cost")
_STEP = 4  # pixels
_HEIGHT = 36
_BLOCKS = "▁▂▃▄▅▆▇█"
_BLUE, _RED, _GREY = (
    "var(--jp-brand-color1,#1976d2)",
    "var(--jp-error-color1,#c62828)",
    "var(--jp-ui-font-color2,#888)",
)


def figures(f: Figures) -> Bundle:
    """A function's figures, with the course of its invocations."""
    row = (
        str(f.invocations),
        str(f.errors),
        str(f.throttles),
        *(f"{f.duration_ms[name]:.2f} ms" if f.duration_ms else "-" for name in ("p50", "p95", "p99")),
        str(f.concurrency),
        cost.in_words(f.cost),
    )
    title = f"{f.function}, last {f.hours:g} hour{'' if f.hours == 1 else 's'}"
    html = (
        f"<b>{escape(title)}</b>{html_table(_COLUMNS, [row], numbers=set(range(len(row))))}"
        f"{sparkline(f.invocations_by_part, f.errors_by_part)}"
    )
    plain = f"{title}\n{plain_table(_COLUMNS, [row])}\n{blocks(f.invocations_by_part)}"
    return bundle("metrics", plain, html, asdict(f))


def sparkline(counts: Sequence[int], errors: Sequence[int]) -> str:
    """An SVG of two lines, oldest on the left: all of `counts`, and in red how many of them were `errors`."""
    most = max(counts, default=0)
    width = max(1, len(counts) - 1) * _STEP
    lines = _line(counts, most, _BLUE)
    if any(errors):
        lines += _line(errors, most, _RED)
    label = f"invocations over time, at most {most}"
    return (
        f'<svg role="img" aria-label="{label}" width="{width}" height="{_HEIGHT}" '
        f'viewBox="0 0 {width} {_HEIGHT}"><title>{label}</title>{lines}</svg>'
    )


def _line(counts: Sequence[float | None], most: float, colour: str, step: float = _STEP, top: int = 0) -> str:
    """A line from left to right within _HEIGHT pixels below `top`; where there is None, it is broken off."""
    room = _HEIGHT - 4
    points = [
        None
        if count is None
        else f"{place * step:g},{top + _HEIGHT - 2 - (count / most * room if most else 0):.1f}"
        for place, count in enumerate(counts)
    ]
    pieces = [[*piece] for drawn, piece in groupby(points, lambda p: p is not None) if drawn]
    return "".join(
        f'<polyline points="{" ".join(filter(None, piece))}" fill="none" stroke="{colour}" stroke-width="1.5" '
        f'stroke-linecap="round"></polyline>'
        # A point that stands alone is drawn twice, or it isn't seen.
        for piece in ([each * 2 if len(each) < 2 < len(counts) else each for each in pieces] or [[]])
    )


def blocks(counts: Sequence[float]) -> str:
    """The same line for a terminal: a block a count."""
    most = max(counts, default=0) or 1
    return "".join(_BLOCKS[round(count / most * (len(_BLOCKS) - 1))] for count in counts)


# ---------------------------------------------------------------------------------------------- loads

_IN_ALL = (
    *("arrivals", "served", "errors", "throttles", "cold starts", "concurrency", "environments"),
    *("p50", "p90", "p99", "cost"),
)
_OVER_TIME = (
    *("from", "arrivals/s", "throttles", "cold starts", "concurrency", "environments", "p50", "p99", "cost"),
)
_ROWS = 12  # of the table over time, of several slices each
_WIDTH, _PANEL = 600, _HEIGHT + 22


def course(c: Course) -> Bundle:
    """What became of a load: in all, over time, and as lines."""
    title = f"{c.function}, {c.model}: {c.arrivals:,.0f} requests in {c.length_s:,g} s"
    in_all, over_time = [_in_all(c)], _over_time(c)
    told = [*(f"{reason}: {count:,.0f}" for reason, count in c.reasons.items()), *c.notes]
    html = (
        f"<b>{escape(title)}</b>{html_table(_IN_ALL, in_all, numbers=set(range(len(_IN_ALL))))}"
        f"{''.join(f'<div>{escape(line)}</div>' for line in told)}{_panels(c)}"
        f"<details><summary>over time</summary>"
        f"{html_table(_OVER_TIME, over_time, numbers=set(range(len(_OVER_TIME))))}</details>"
    )
    lines = [
        f"{label:12} {blocks([value or 0 for value in values])}"
        for label, ((values, _), *_) in _drawn(c).items()
    ]
    tables = (plain_table(_IN_ALL, in_all), *told, plain_table(_OVER_TIME, over_time))
    return bundle("load", "\n".join([title, *tables, *lines]), html, c.json())


def _in_all(c: Course) -> tuple[str, ...]:
    counts = (c.arrivals, c.served, c.errors, c.throttles, c.cold_starts, c.concurrency, c.environments)
    latencies = (_ms(c.latency_ms.get(name)) for name in ("p50", "p90", "p99"))
    return (*(f"{count:,.0f}" for count in counts), *latencies, cost.in_words(c.cost))


def _over_time(c: Course) -> list[tuple[str, ...]]:
    each = len(c.slices) // _ROWS
    span = c.length_s / _ROWS
    return [_row(c.slices[first : first + each], span) for first in range(0, len(c.slices), each)]


def _row(slices: Sequence[Slice], span: float) -> tuple[str, ...]:
    worst = max((each.p99_ms for each in slices if each.p99_ms is not None), default=None)
    medians = sorted(each.p50_ms for each in slices if each.p50_ms is not None)
    return (
        f"{_number(slices[0].begin_s)} s",
        f"{sum(each.arrivals for each in slices) / span:,.1f}",
        f"{sum(each.throttles for each in slices):,.0f}",
        f"{sum(each.cold_starts for each in slices):,.0f}",
        f"{max(each.concurrency for each in slices):,.0f}",
        f"{max(each.environments for each in slices):,.0f}",
        _ms(medians[len(medians) // 2] if medians else None),
        _ms(worst),
        cost.in_words(sum(each.cost for each in slices)),
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f} ms"


_Series = tuple[Sequence[float | None], str]  # its values and its colour


def _drawn(c: Course) -> dict[str, tuple[_Series, ...]]:
    """What is drawn over time, by its label: each with one series or more, the first the one that it is about."""
    span = c.length_s / len(c.slices)
    return {
        "arrivals/s": (
            ([each.arrivals / span for each in c.slices], _BLUE),
            ([each.throttles / span for each in c.slices], _RED),
        ),
        "concurrency": (
            ([each.concurrency for each in c.slices], _BLUE),
            ([each.environments for each in c.slices], _GREY),
        ),
        "cold starts": (([each.cold_starts for each in c.slices], _BLUE),),
        "throttles": (([each.throttles for each in c.slices], _RED),),
        "p50 ms": (([each.p50_ms for each in c.slices], _BLUE), ([each.p99_ms for each in c.slices], _GREY)),
    }


_BESIDE = {"arrivals/s": "throttled red", "concurrency": "environments grey", "p50 ms": "p99 grey"}


def _panels(c: Course) -> str:
    """One SVG: a panel for each thing that is drawn, with its greatest value."""
    panels = "".join(
        _panel(label, series, number * _PANEL) for number, (label, series) in enumerate(_drawn(c).items())
    )
    height = len(_drawn(c)) * _PANEL + 16
    axis = (
        f'<text x="0" y="{height - 2}">0 s</text>'
        f'<text x="{_WIDTH}" y="{height - 2}" text-anchor="end">{c.length_s:,g} s</text>'
    )
    title = f"the load over {c.length_s:,g} s: {', '.join(_drawn(c))}"
    return (
        f'<svg role="img" aria-label="{title}" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-size="11" fill="currentColor"><title>{title}</title>{panels}{axis}</svg>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _panel(label: str, series: Sequence[_Series], top: int) -> str:
    most = max((value for values, _ in series for value in values if value is not None), default=0.0)
    beside = f" ({_BESIDE[label]})" if label in _BESIDE else ""
    step = _WIDTH / max(1, len(series[0][0]) - 1)
    lines = "".join(_line(values, most, colour, step, top + 16) for values, colour in reversed(series))
    return (
        f'<text x="0" y="{top + 12}">{label}{beside}, at most {_number(most)}</text>{lines}'
        f'<line x1="0" x2="{_WIDTH}" y1="{top + 17 + _HEIGHT}" y2="{top + 17 + _HEIGHT}" stroke="{_GREY}" '
        f'stroke-width="0.5"></line>'
    )
