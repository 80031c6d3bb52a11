"""Processes kept ready: how many, of which mold, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lablambda.execution.reserve import Mold, Reserve, mold
from lablambda.execution.supervisor import Process, Spawner
from lablambda.execution.worker import Program
from lablambda.model.errors import ServiceFault

pytestmark = pytest.mark.anyio
A, B, C = (Mold(("/bin/sleep", "60"), (("MOLD", name),)) for name in "ABC")


class Starter:
    """Starts processes and remembers of which mold each is."""

    def __init__(self) -> None:
        self.spawner = Spawner()
        self.molds: dict[int, Mold] = {}
        self.broken = False

    async def start(self, wanted: Mold) -> Process:
        if self.broken:
            raise ServiceFault("no more processes")
        process = await (await self.spawner.ready()).spawn(wanted.command, dict(wanted.variables))
        self.molds[process.pid] = wanted
        return process

    def held(self, reserve: Reserve) -> list[Mold]:
        return [self.molds[pid] for pid in reserve.pids]


@pytest.fixture
async def starter() -> AsyncIterator[Starter]:
    starter = Starter()
    yield starter
    await starter.spawner.close()


async def until_full(reserve: Reserve, count: int) -> None:
    async with asyncio.timeout(10):
        while len(reserve.pids) < count:
            await asyncio.sleep(0.01)


async def test_a_taken_process_is_replaced(starter: Starter) -> None:
    reserve = Reserve(2, starter.start)
    await reserve.warm(A)
    (ready,) = reserve.pids
    taken = await reserve.take(A)
    assert taken.pid == ready
    await until_full(reserve, 2)
    assert starter.held(reserve) == [A, A]
    await taken.discard()
    await reserve.close()


async def test_warming_twice_starts_one(starter: Starter) -> None:
    reserve = Reserve(2, starter.start)
    await asyncio.gather(reserve.warm(A), reserve.warm(A), reserve.warm(A))
    assert starter.held(reserve) == [A]
    await reserve.close()


async def test_the_mold_not_used_for_longest_makes_room(starter: Starter) -> None:
    reserve = Reserve(2, starter.start)
    for wanted in (A, B, C):
        await reserve.warm(wanted)
    assert starter.held(reserve) == [B, C]
    await reserve.close()
    assert reserve.pids == []


async def test_with_none_in_reserve_each_is_started_when_it_is_needed(starter: Starter) -> None:
    reserve = Reserve(0, starter.start)
    await reserve.warm(A)
    assert reserve.pids == []
    taken = await reserve.take(A)
    await asyncio.sleep(0.4)  # longer than it waits before it fills up again
    assert reserve.pids == []
    await taken.discard()
    await reserve.close()


async def test_one_that_died_is_not_given(starter: Starter) -> None:
    reserve = Reserve(1, starter.start)
    await reserve.warm(A)
    (process,) = reserve._idle[A]
    process.kill()
    await process.wait()
    taken = await reserve.take(A)
    assert taken.pid != process.pid
    await taken.discard()
    await reserve.close()


async def test_what_cannot_be_started_is_told_to_who_asks(starter: Starter) -> None:
    reserve = Reserve(1, starter.start)
    starter.broken = True
    with pytest.raises(ServiceFault):
        await reserve.take(A)
    await asyncio.sleep(0.4)  # filling up again fails in silence
    starter.broken = False
    taken = await reserve.take(A)
    await taken.discard()
    await reserve.close()


def test_a_mold_holds_what_cannot_be_changed_later(tmp_path: Path) -> None:
    def program(**variables: str) -> Program:
        return Program("nodejs22.x", "h", tmp_path, None, 128, variables)

    plain = mold(["node"], program(GREETING="hello"), ("NODE_",))
    assert plain == mold(["node"], program(GREETING="bye"), ("NODE_",)), "any function's process will do"
    flagged = mold(["node"], program(NODE_OPTIONS="--x"), ("NODE_",))
    assert ("NODE_OPTIONS", "--x") in flagged.variables
    assert "LD_LIBRARY_PATH" not in dict(plain.variables)
    (tmp_path / "lib").mkdir()
    assert str(tmp_path / "lib") in dict(mold(["node"], program(), ()).variables)["LD_LIBRARY_PATH"]
