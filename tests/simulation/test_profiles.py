"""When requests come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lablambda.simulation.forms import SHAPES
from lablambda.simulation.profiles import Line, Moments, drawn, listed, shaped, total

RATES = st.floats(0, 1_000)
LINES = st.lists(st.tuples(st.floats(0, 100), RATES), min_size=1, max_size=8).map(
    lambda spans: Line(
        list(
            zip(
                np.cumsum([0, 1, *(span for span, _ in spans)]),
                [5.0, 7.0, *(r for _, r in spans)],
                strict=True,
            )
        )
    )
)


@given(LINES, st.integers(1, 50))
def test_as_many_come_by_a_moment_as_the_area_under_the_line(line: Line, parts: int) -> None:
    shares = np.linspace(0, 1, parts + 1)
    moments = line.arrivals(shares)
    assert (np.diff(moments) >= 0).all()
    whole = line.by(np.array([line.length_s]))[0]
    assert line.by(moments) == pytest.approx(shares * whole, rel=1e-6, abs=1e-6 * whole)


@pytest.mark.parametrize(
    ("form", "count"),
    [
        ("constant", 1_000),
        ("ramp", 500),
        ("spike", 280),
        ("spikes", 280),
        ("wave", 500),
        ("0:0,2s:10,4s:10", 30),
    ],
)
def test_how_many_come_in_all(form: str, count: int) -> None:
    assert total(shaped(form, 100, 10)) == count


def test_every_shape_is_tried() -> None:
    assert set(SHAPES) == {"constant", "ramp", "spike", "spikes", "wave"}


def test_evenly() -> None:
    assert drawn(shaped("constant", 4, 1), None).tolist() == [0.125, 0.375, 0.625, 0.875]


def test_by_chance_as_independent_callers_do() -> None:
    at = drawn(shaped("constant", 1_000, 100), np.random.default_rng(0))
    gaps = np.diff(at)
    assert gaps.mean() == pytest.approx(0.001, rel=0.01)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.02)


def test_a_step_in_the_rate() -> None:
    at = drawn(shaped("0:10,1s:10,1s:0,5s:0,5s:10,6s:10", 1, 1), None)
    assert len(at) == 20
    assert not ((at > 1) & (at < 5)).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5\n0.1\n", [0.1, 0.5]),
        ("at,who\n1,x\n2,y\n", [1, 2]),
        ("2026-11-27T00:00:00\n2026-11-27T00:00:01.5\n", [0, 1.5]),
        ("1795737600\n1795737603\n", [0, 3]),
    ],
)
def test_a_file_of_arrivals(tmp_path: Path, text: str, expected: list[float]) -> None:
    (tmp_path / "a.csv").write_text(text)
    profile = listed(tmp_path / "a.csv")
    assert drawn(profile, np.random.default_rng(0)).tolist() == expected
    assert total(profile) == len(expected)
    assert profile.by(np.array([expected[0], expected[-1], 99.0])).tolist() == [
        0,
        len(expected) - 1,
        len(expected),
    ]


@pytest.mark.parametrize("text", ["", "at\n", "at\n1\nsoon\n", "-1\n"])
def test_files_that_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=r"a\.csv: "):
        listed(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "form", ["", "wavy", "0:1", "1s:1,2s:1", "0:1,2s:-1", "2s:1,0:1", "0:1,0:1", "0:x,1s:1"]
)
def test_forms_that_say_nothing(form: str) -> None:
    with pytest.raises(ValueError, match="write constant, ramp"):
        shaped(form, 1, 1)


def test_no_moments() -> None:
    with pytest.raises(ValueError, match="one moment or more"):
        Moments([])
