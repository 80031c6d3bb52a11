"""What people see of a function's figures: a table and a small line, as static HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

from lablambda.display import Bundle, bundle, html_table, plain_table
from lablambda.rules import cost

if TYPE_CHECKING:
    from lablambda.results import Figures

_COLUMNS = ("invocations", "errors", "throttles", "p50", "p95", "p99", "concurrency", "cost")
_STEP = 4  # pixels
_HEIGHT = 36
_BLOCKS = "▁▂▃▄▅▆▇█"


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
    lines = _line(counts, most, "var(--jp-brand-color1,#1976d2)")
    if any(errors):
        lines += _line(errors, most, "var(--jp-error-color1,#c62828)")
    label = f"invocations over time, at most {most}"
    return (
        f'<svg role="img" aria-label="{label}" width="{width}" height="{_HEIGHT}" '
        f'viewBox="0 0 {width} {_HEIGHT}"><title>{label}</title>{lines}</svg>'
    )


def _line(counts: Sequence[int], most: int, colour: str) -> str:
    room = _HEIGHT - 4
    points = " ".join(
        f"{place * _STEP},{_HEIGHT - 2 - (count / most * room if most else 0):.1f}"
        for place, count in enumerate(counts)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"></polyline>'


def blocks(counts: Sequence[int]) -> str:
    """The same line for a terminal: a block a count."""
    most = max(counts, default=0) or 1
    return "".join(_BLOCKS[round(count / most * (len(_BLOCKS) - 1))] for count in counts)
