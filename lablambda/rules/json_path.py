"""Paths into JSON, as far as they lead to one place: `$.order.items[0]['unit price']`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"\.([^.\[\]'\"*?()@\s]+)|\[(-?\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
Steps = tuple[str | int, ...]


class InvalidPath(Exception):
    """The text is no path, or leads to several places; the message says so."""


def parse_path(text: str) -> Steps:
    """Read a path. Raises InvalidPath."""
    if not text.startswith("$"):
        raise InvalidPath(f"{text!r} is no JSON path: it begins with $")
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise InvalidPath(
                f"The JSON path {text!r} is not implemented in this version of lablambda: names and numbers lead the "
                "way, as in $.items[0].name"
            )
        steps.append(
            int(found[2])
            if found[2]
            else next(name for name in (found[1], found[3], found[4]) if name is not None)
        )
        at = found.end()
    return tuple(steps)


def value_at(steps: Steps, value: Any) -> Any:
    """What is there; None if nothing is."""
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
