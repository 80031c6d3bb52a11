"""How long the gateway waits for an integration."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def answered_within(most_ms: int, asking: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer. Raises TimeoutError; what takes longer than the gateway waits runs on."""
    asked = asyncio.ensure_future(asking)
    try:
        async with asyncio.timeout(most_ms / 1000):
            return await asyncio.shield(asked)
    except TimeoutError:
        asked.add_done_callback(_let_be)
        raise


def _let_be(asked: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more, however it ends."""
    if not asked.cancelled():
        asked.exception()
