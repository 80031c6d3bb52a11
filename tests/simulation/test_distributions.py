"""How long things take, as people write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lablambda.simulation.distributions import (
    Constant,
    Distribution,
    Empirical,
    Lognormal,
    Percentiles,
    parse,
)


def quantile(distribution: Distribution, share: float) -> float:
    return float(distribution.at(np.array([share]))[0])


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (Constant(2.0), {0.0: 2, 0.5: 2, 0.999: 2}),
        (Lognormal(0.05, 0.4), {0.5: 0.05, 0.99: 0.4, 0.01: 0.00625}),
        (Empirical([3, 1, 2]), {0.0: 1, 0.5: 2, 0.99: 3}),
        (Percentiles({0: 1, 50: 3, 100: 4}), {0.0: 1, 0.25: 2, 0.5: 3, 0.75: 3.5, 1.0: 4}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_shares(distribution: Distribution, expected: dict[float, float]) -> None:
    for share, seconds in expected.items():
        assert quantile(distribution, share) == pytest.approx(seconds, rel=1e-3)


def test_drawn_ones_have_the_percentiles_asked_for() -> None:
    drawn = parse("p50=50ms,p99=400ms").at(np.random.default_rng(1).random(100_000))
    assert np.percentile(drawn, 50) == pytest.approx(0.05, rel=0.03)
    assert np.percentile(drawn, 99) == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize("text", ["10 20\n30\n", "[10, 20, 30]"])
def test_a_file_of_milliseconds(tmp_path: Path, text: str) -> None:
    (tmp_path / "seen").write_text(text)
    assert quantile(parse(f"@{tmp_path}/seen"), 0.5) == 0.02


def test_a_span() -> None:
    assert quantile(parse("250ms"), 0.3) == 0.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "no span of time"),
        ("p50=1s", "write 50ms"),
        ("p50=1s,p90=2s", "write 50ms"),
        ("p50=2s,p99=1s", "no less than it"),
        ("p50=0ms,p99=1s", "above 0"),
    ],
)
def test_what_says_nothing(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize("text", ["", "[]", "a", "[1, null]", "-1", "nan"])
def test_files_that_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "seen").write_text(text)
    with pytest.raises(ValueError, match="numbers of milliseconds"):
        parse(f"@{tmp_path}/seen")
