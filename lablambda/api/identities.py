"""Ids as API Gateway forms them."""

from __future__ import annotations

import secrets

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_id() -> str:
    """Of an API, or of what is none's part: ten letters and digits, a letter first."""
    return secrets.choice(_ALPHABET[:26]) + "".join(secrets.choice(_ALPHABET) for _ in range(9))


def new_part_id() -> str:
    """Of a part of an API."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(7))
