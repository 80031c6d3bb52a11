"""Long lists in pages, as AWS gives them: a marker says after what the next page begins."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lablambda.api.shapes import Parameters
from lablambda.model.errors import InvalidParameterValue, ValidationFailed

Item = TypeVar("Item")
_MOST, _LONGEST_NUMBER = 50, 80
_AFTER = "after "


def page(
    items: Sequence[Item],
    p: Parameters,
    key: Callable[[Item], str],
    *,
    order: Callable[[str], Any] = str,
    most: int = _MOST,
) -> tuple[Sequence[Item], str | None]:
    """The items that come after `Marker`, at most `MaxItems` of them, and the next page's marker.

    `key` names an item, and `order` of its name is what the items are sorted by. A marker is the name of
    a page's last item, which need not exist any more: many a script deletes what it lists, page by page.
    Raises InvalidParameterValue for what is no marker.
    """
    rest = items
    if p.get("Marker"):
        last = _read(p["Marker"], order)
        rest = [item for item in items if order(key(item)) > last]
    chosen = rest[: min(p.get("MaxItems", most), most)]
    more = len(chosen) < len(rest)
    return chosen, _marker(key(chosen[-1])) if more else None


def numbered_page(items: Sequence[Item], token: str | None, most: int) -> tuple[Sequence[Item], str | None]:
    """At most so many items, from where the last page's token says; and the next page's token, which is a number.
    Raises ValidationFailed for what is no token."""
    token = token or "0"
    if not (token.isascii() and token.isdecimal()) or len(token) > _LONGEST_NUMBER:
        raise ValidationFailed("The specified nextToken is invalid.")
    begin = int(token)
    end = begin + most
    return items[begin:end], str(end) if end < len(items) else None


def _read(marker: str, order: Callable[[str], Any]) -> Any:
    try:
        sign, name = base64.urlsafe_b64decode(marker).decode().split(_AFTER, 1)
        if sign:
            raise ValueError(marker)
        return order(name)
    except ValueError:
        raise InvalidParameterValue("Invalid pagination token") from None


def _marker(name: str) -> str:
    return base64.urlsafe_b64encode(f"{_AFTER}{name}".encode()).decode()
