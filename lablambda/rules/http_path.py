"""A request's path as HTTP APIs show it to functions.

Recorded from AWS (2026-07): they decode it, leave out what follows a `?` that was encoded, and decode it once more;
`%25` followed by no hexadecimal digits is refused. Function URLs pass it on as it was sent.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decoded(path: str) -> str | None:
    """None if AWS would refuse it."""
    if "%" not in path:  # as nearly always
        return path
    once = unquote(path).partition("?")[0]
    return None if _BROKEN.search(once) else unquote(once)
