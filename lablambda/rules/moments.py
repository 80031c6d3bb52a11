"""Moments as AWS writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float, precision: str = "milliseconds") -> str:
    """Seconds since 1970 as in 2026-11-01T10:00:00.000Z; `precision` is a `timespec` of datetime's."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
