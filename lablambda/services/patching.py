"""Putting hooks into a library."""

from __future__ import annotations

from typing import Any


def replace(owner: Any, name: str, new: Any) -> None:
    """Give `owner` another `name`. Raises AttributeError if it has none: a rename must be an error at the
    start, not a push that gets lost."""
    getattr(owner, name)
    setattr(owner, name, new)
