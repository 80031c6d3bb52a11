"""Where an alias leads, and which ones can't be."""

from __future__ import annotations

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import Alias
from lablambda.rules import routing


def alias(version: str = "1", **weights: float) -> Alias:
    return Alias("live", version, "", "r", {number.lstrip("v"): weight for number, weight in weights.items()})


@pytest.mark.parametrize(
    ("roll", "expected"), [(0.0, "2"), (0.0999, "2"), (0.1, "1"), (0.5, "1"), (0.9999, "1")]
)
def test_a_roll_decides(roll: float, expected: str) -> None:
    assert routing.route(alias(v2=0.1), roll) == expected


@pytest.mark.parametrize(("weight", "expected"), [(0.0, "1"), (1.0, "2")])
def test_none_and_all(weight: float, expected: str) -> None:
    assert {routing.route(alias(v2=weight), roll / 10) for roll in range(10)} == {expected}


@pytest.mark.parametrize("bad", [alias(v1=0.5), alias(v2=0.1, v3=0.1), alias("$LATEST", v2=0.1)])
def test_routing_that_cannot_be(bad: Alias) -> None:
    with pytest.raises(InvalidParameterValue):
        routing.check(bad)


def test_an_alias_without_weights_may_point_to_the_latest() -> None:
    routing.check(alias("$LATEST"))
