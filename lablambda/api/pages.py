"""Long lists in pages, as AWS gives them: a marker says after what the next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from lablambda.api.shapes import Parameters
from lablambda.model.errors import InvalidParameterValue

Item = TypeVar("Item")
_MOST = 50


def page(
    items: Sequence[Item], p: Parameters, key: Callable[[Item], str], *, most: int = _MOST
) -> tuple[Sequence[Item], str | None]:
    """The items that come after `Marker`, at most `MaxItems` of them, and the next page's marker.

    `key` names an item; a marker is the name of a page's last item, so that a list may change between
    two pages. Raises InvalidParameterValue for a marker that names nothing in the list.
    """
    rest = items
    if p.get("Marker"):
        names = [key(item) for item in items]
        rest = items[_place(names, p["Marker"]) :]
    chosen = rest[: min(p.get("MaxItems", most), most)]
    more = len(chosen) < len(rest)
    return chosen, _marker(key(chosen[-1])) if more else None


def _place(names: list[str], marker: str) -> int:
    try:
        return names.index(base64.urlsafe_b64decode(marker).decode()) + 1
    except (binascii.Error, ValueError):
        raise InvalidParameterValue("Invalid pagination token") from None


def _marker(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()
