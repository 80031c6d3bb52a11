"""The lab's clock."""

from __future__ import annotations

import asyncio

import pytest

from lablambda.clock import Clock

pytestmark = pytest.mark.anyio


class Real:
    """Real time, turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_as_real_time_does_until_told_otherwise() -> None:
    real = Real()
    clock = Clock(real=real)
    real.now += 5
    assert clock.now() == 1005
    clock.set_speed(60)
    real.now += 2
    assert clock.now() == 1125
    clock.advance(30)
    assert clock.now() == 1155
    clock.set_speed(0)
    real.now += 100
    assert clock.now() == 1155


def test_it_never_goes_back() -> None:
    real = Real()
    clock = Clock(at_least=5000, real=real)
    assert clock.now() == 5000
    real.now -= 100
    assert clock.now() == 5000


async def test_waiting_ends_at_the_moment_or_with_the_event() -> None:
    clock, event = Clock(), asyncio.Event()
    clock.set_speed(1000)
    async with asyncio.timeout(5):
        await clock.wait(event, clock.now() + 50)
    assert not event.is_set()
    asyncio.get_running_loop().call_soon(event.set)
    async with asyncio.timeout(5):
        await clock.wait(event, None)


async def test_turning_it_wakes_who_waits() -> None:
    clock = Clock()
    sleeping = asyncio.ensure_future(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(1800)
    await asyncio.sleep(0.01)
    assert not sleeping.done()
    clock.advance(1800)
    async with asyncio.timeout(5):
        await sleeping


async def test_while_it_stands_still_nothing_comes_due() -> None:
    clock = Clock()
    clock.set_speed(0)
    sleeping = asyncio.ensure_future(clock.sleep(0.01))
    await asyncio.sleep(0.05)
    assert not sleeping.done()
    clock.set_speed(1)
    async with asyncio.timeout(5):
        await sleeping
