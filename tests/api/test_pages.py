from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lablambda.api.pages import page
from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import version_order


def every_page(items: list[str], order: Callable[[str], Any], *, deleting: bool) -> list[Sequence[str]]:
    """All pages of two; with `deleting`, what a page lists is gone before the next one is asked for."""
    pages = []
    marker: str | None = ""
    while marker is not None:
        chosen, marker = page(items, {"MaxItems": 2, "Marker": marker}, str, order=order)
        pages.append(chosen)
        if deleting:
            items = [item for item in items if item not in chosen]
    return pages


@pytest.mark.parametrize("deleting", [False, True])
@pytest.mark.parametrize(
    ("items", "order"),
    [
        (["a", "b", "c", "d", "e"], str),
        (["$LATEST", "1", "2", "9", "10"], version_order),
        (["10", "9", "2", "1"], lambda number: -int(number)),
        ([], str),
        (["only"], str),
    ],
)
def test_every_item_is_on_one_page(items: list[str], order: Callable[[str], Any], deleting: bool) -> None:
    pages = every_page(items, order, deleting=deleting)
    assert [item for chosen in pages for item in chosen] == items
    assert all(len(chosen) == 2 for chosen in pages[:-1])


def test_there_is_a_most() -> None:
    items = [f"{number:03}" for number in range(70)]
    chosen, marker = page(items, {"MaxItems": 1000}, str)
    assert (len(chosen), marker is None) == (50, False)
    assert page(items, {}, str, most=100) == (items, None)


@pytest.mark.parametrize("marker", ["not a marker", "AAAA", "é", "YWZ0ZXIgYQ==x", "_w=="])
def test_what_is_no_marker(marker: str) -> None:
    with pytest.raises(InvalidParameterValue, match="Invalid pagination token"):
        page(["1"], {"Marker": marker}, str, order=version_order)
