"""Lists in pages."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lablambda.api.pages import page
from lablambda.model.errors import InvalidParameterValue

NAMES = [f"n{number:03}" for number in range(120)]


@pytest.mark.parametrize(
    ("most", "sizes"), [(None, [50, 50, 20]), (50, [50, 50, 20]), (999, [50, 50, 20]), (40, [40] * 3)]
)
def test_pages_follow_each_other(most: int | None, sizes: list[int]) -> None:
    wanted = {} if most is None else {"MaxItems": most}
    pages = []
    marker: str | None = ""
    while marker is not None:
        chosen, marker = page(NAMES, {**wanted, "Marker": marker}, str)
        pages.append(list(chosen))
    assert [len(chosen) for chosen in pages] == sizes
    assert [name for chosen in pages for name in chosen] == NAMES


def test_what_is_added_meanwhile_repeats_nothing() -> None:
    first, marker = page(NAMES, {"MaxItems": 10}, str)
    second, _ = page(sorted([*NAMES, "n0005", "n0099"]), {"MaxItems": 10, "Marker": marker}, str)
    assert not set(first) & set(second)
    assert all(a < b for a, b in pairwise([*first, *second]))


@pytest.mark.parametrize("marker", ["x", "%%%", "bm8=", "é", "A" * 5000])
def test_a_marker_that_is_none(marker: str) -> None:
    with pytest.raises(InvalidParameterValue, match="Invalid pagination token"):
        page(NAMES, {"Marker": marker}, str)


def test_an_empty_list() -> None:
    assert page([], {}, str) == ([], None)
