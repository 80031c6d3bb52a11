"""Regular expressions that others write: as Java reads them, and none may take long."""

from __future__ import annotations

import regex

_WITHIN_S = 0.2


class InvalidPattern(Exception):
    """The text is no regular expression; the message says why."""


def check_pattern(pattern: str) -> None:
    """Raises InvalidPattern."""
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise InvalidPattern(f"Invalid regular expression {pattern!r}: {error}") from None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits. One for which that would take too long doesn't."""
    try:
        return regex.fullmatch(pattern, text, timeout=_WITHIN_S) is not None
    except TimeoutError:
        return False
