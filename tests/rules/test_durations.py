"""Spans of time as people write them."""

from __future__ import annotations

import pytest

from lablambda.rules.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2m", 120),
        ("90s", 90),
        ("500ms", 0.5),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("7", 7),
        (" 2 m ", 120),
        ("1d", 86_400),
    ],
)
def test_spans(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "soon", "2x", "-1m", "1m later", "m"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no span of time: write 2m"):
        seconds(text)
