"""Spans of time as people write them."""

from __future__ import annotations

import re

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}


def seconds(text: str) -> float:
    """`2m`, `90s`, `500ms`, `1h30m`, or a number of seconds. Raises ValueError for anything else."""
    found = list(_SPAN.finditer(text.strip()))
    if not found or "".join(match[0] for match in found) != text.strip():
        raise ValueError(f"{text!r} is no span of time: write 2m, 90s, 500ms, 1h30m or a number of seconds")
    return sum(float(match[1]) * _SECONDS[match[2]] for match in found)
