"""How loads and spans of time are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Shares of the time and of the rate: between two points the rate changes evenly.
_CALM = 0.1
SHAPES: dict[str, Sequence[tuple[float, float]]] = {
    "constant": ((0, 1), (1, 1)),
    "ramp": ((0, 0), (1, 1)),
    "spike": ((0, _CALM), (0.4, _CALM), (0.4, 1), (0.6, 1), (0.6, _CALM), (1, _CALM)),
    "spikes": tuple(
        (begin + share / 3, rate)
        for begin in (0, 1 / 3, 2 / 3)
        for share, rate in ((0, _CALM), (0.4, _CALM), (0.4, 1), (0.6, 1), (0.6, _CALM), (1, _CALM))
    ),
    "wave": tuple((place / 48, 0.5 - 0.5 * math.cos(2 * math.pi * place / 48)) for place in range(49)),
}
PROFILES = f"{', '.join(SHAPES)}, or points such as 0:100,10s:100,10s:2000,20s:2000"
SPANS = "50ms, p50=50ms,p99=400ms, or @FILE with milliseconds"
