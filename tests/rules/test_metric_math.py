"""Metric math does arithmetic, and nothing else whatever is written."""

from __future__ import annotations

import pytest

from lablambda.model.errors import ValidationFailed
from lablambda.rules.metric_math import Series, evaluate, ids, parse

SERIES: dict[str, Series] = {"m1": {60: 4.0, 120: 0.0, 180: 8.0}, "m2": {60: 1.0, 120: 1.0}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1", {60: 4, 120: 0, 180: 8}),
        ("-m1 + 1", {60: -3, 120: 1, 180: -7}),
        ("100*m2/m1", {60: 25}),
        (" (m1 - m2) * 2.5 ", {60: 7.5, 120: -2.5}),
        ("m1 - m2 - m2", {60: 2, 120: -2}),
        ("1/0*m1", {}),
        ("m1*1e299*1e299", {120: 0}),
    ],
)
def test_arithmetic(expression: str, expected: dict[int, float]) -> None:
    assert evaluate(parse(expression), SERIES) == expected


def test_ids() -> None:
    assert ids(parse("100*errors/(errors + m1)")) == {"errors", "m1"}


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "m1 +",
        "1 + 1",
        "m1 ** 9",
        "m1 ^ 2",
        "m1 // 2",
        "m1 > 1",
        "SUM(m1)",
        "m1.real",
        "m1[0]",
        "[m1]",
        "'a' * m1",
        "True + m1",
        "1j * m1",
        "m1 + 1e999",
        "m1 if m1 else m2",
        "lambda: m1",
        "(m1 := 1)",
        "__import__('os').system('true')",
        "m1\0",
        "m1; m2",
        f"m1 * {'9' * 1000}",
        f"{'(' * 5000}m1",
        f"{'-' * 5000}m1",
        "+".join(["m1"] * 200),
    ],
)
def test_what_is_refused(expression: str) -> None:
    with pytest.raises(ValidationFailed, match="Error in expression"):
        parse(expression)
