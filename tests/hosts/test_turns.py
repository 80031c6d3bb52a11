"""Who starts when."""

from __future__ import annotations

import asyncio

import pytest

from lablambda.hosts.turns import Turns

pytestmark = pytest.mark.anyio


async def test_a_burst_of_one_function_does_not_hold_up_another() -> None:
    turns, started, held = Turns(1), [], asyncio.Event()

    async def start(name: str) -> None:
        async with turns.turn(name[0]):
            started.append(name)
            await held.wait()

    tasks = [asyncio.ensure_future(start(name)) for name in ("a1", "a2", "a3", "b1", "c1", "b2")]
    await asyncio.sleep(0)
    assert started == ["a1"]
    held.set()
    await asyncio.gather(*tasks)
    assert started == ["a1", "a2", "b1", "c1", "a3", "b2"]


async def test_who_gives_up_waiting_leaves_the_turn_to_others() -> None:
    turns, held = Turns(1), asyncio.Event()

    async def start(function: str) -> str:
        async with turns.turn(function):
            await held.wait()
            return function

    first = asyncio.ensure_future(start("a"))
    waiting, last = asyncio.ensure_future(start("b")), asyncio.ensure_future(start("c"))
    await asyncio.sleep(0)
    waiting.cancel()
    held.set()
    assert [await first, await last] == ["a", "c"]
    # also when its turn has just come
    held.clear()
    first, waiting = asyncio.ensure_future(start("a")), asyncio.ensure_future(start("b"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    waiting.cancel()
    await asyncio.wait({waiting})
    held.set()
    async with asyncio.timeout(5):
        assert await start("c") == "c"
