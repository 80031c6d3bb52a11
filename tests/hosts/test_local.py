"""The local host: how environments come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lablambda.clock import Clock
from lablambda.hosts.local import LocalHost
from lablambda.hosts.machine import Memory
from lablambda.model.errors import InvalidParameterValue
from lablambda.packaging.store import PackageStore
from lablambda.rules.lifecycle import LONGEST_LIFE_S
from lablambda.runtimes.registry import Runtimes
from tests.runtimes.conftest import Bench

pytestmark = pytest.mark.anyio
MACHINE = [Memory(4_000, 3_000)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def bench(tmp_path: Path, clock: Clock) -> AsyncIterator[Bench]:
    """A host that ends environments after a fifth of a second of idleness."""
    store = PackageStore(tmp_path / "packages")
    runtimes = Runtimes(tmp_path / "runtimes")
    host = LocalHost(
        runtimes,
        store,
        tmp_path / "environments",
        access=lambda _: {},
        write_log=lambda *_: None,
        idle_s=0.2,
        clock=clock,
        machine=lambda: MACHINE[-1],
    )
    yield Bench(host, store, tmp_path, runtimes)
    await host.close()


async def test_idle_environments_end(bench: Bench) -> None:
    version = bench.function("def handler(e, c): return 1")
    await asyncio.gather(*(bench.invoke(version) for _ in range(3)))
    assert bench.host.count()["total"] >= 1
    tidying = asyncio.ensure_future(bench.host.keep_tidy())
    async with asyncio.timeout(10):
        while bench.host.count()["total"] or list((bench.folder / "environments").iterdir()):
            await asyncio.sleep(0.02)
    tidying.cancel()
    assert (await bench.invoke(version)).report.cold


async def test_one_pool_in_trouble_keeps_no_other_from_being_tidied(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: float) -> None:
        raise OSError("no more processes")

    for number in range(2):
        await bench.invoke(bench.function(f"def handler(e, c): return {number}"))
    first, second = bench.host._pools.values()
    monkeypatch.setattr(first, "reap", fail)
    tidying = asyncio.ensure_future(bench.host.keep_tidy())
    async with asyncio.timeout(10):
        while len(second) or len(list((bench.folder / "environments").iterdir())) > 1:
            await asyncio.sleep(0.02)
    assert len(first) == 1
    tidying.cancel()


async def test_a_busy_environment_is_not_ended(bench: Bench) -> None:
    version = bench.function("import time\ndef handler(e, c): time.sleep(1)", timeout=10)
    tidying = asyncio.ensure_future(bench.host.keep_tidy())
    outcome = await bench.invoke(version)
    tidying.cancel()
    assert outcome.function_error is None


async def test_retiring_a_busy_version_lets_it_finish(bench: Bench) -> None:
    version = bench.function("import time\ndef handler(e, c):\n    time.sleep(0.5)\n    return 'done'")
    running = asyncio.ensure_future(bench.invoke(version))
    async with asyncio.timeout(10):
        while not bench.host.count()["busy"]:
            await asyncio.sleep(0.01)
    bench.host.retire(version)
    assert (await running).payload == b'"done"'


async def test_the_most_recently_used_environment_comes_first(bench: Bench) -> None:
    version = bench.function("import os, time\ndef handler(e, c):\n    time.sleep(e)\n    return os.getpid()")
    await asyncio.gather(*(bench.invoke(version, 0.1) for _ in range(3)))
    assert len({(await bench.invoke(version, 0)).payload for _ in range(5)}) == 1


async def test_a_runtime_that_is_not_here(bench: Bench) -> None:
    from dataclasses import replace

    version = bench.function("")
    elsewhere = replace(version, configuration={**version.configuration, "Runtime": "dotnet8"})
    with pytest.raises(InvalidParameterValue, match=r"This machine has no dotnet8; it has python3\."):
        await bench.invoke(elsewhere)


async def test_however_busy_an_environment_is_replaced_after_some_hours(bench: Bench, clock: Clock) -> None:
    version = bench.function("import time\ndef handler(e, c): time.sleep(e)")
    await bench.invoke(version, 0)
    clock.advance(LONGEST_LIFE_S - 60)
    assert not (await bench.invoke(version, 0)).report.cold
    # when it comes of age while it is at work
    running = asyncio.ensure_future(bench.invoke(version, 0.3))
    async with asyncio.timeout(10):
        while not bench.host.count()["busy"]:
            await asyncio.sleep(0.01)
    clock.advance(60)
    # then it finishes, and the next event has a new one
    assert (await running).function_error is None
    assert (await bench.invoke(version, 0)).report.cold


async def test_provisioned_environments_are_replaced_too(bench: Bench, clock: Clock) -> None:
    version = bench.function("def handler(e, c): return c.log_stream_name")
    await bench.host.provision(version, 1)
    before = (await bench.invoke(version)).payload
    clock.advance(LONGEST_LIFE_S)
    tidying = asyncio.ensure_future(bench.host.keep_tidy())
    async with asyncio.timeout(10):
        while (await bench.invoke(version)).payload == before or bench.host.ready(version) != (1, 1):
            await asyncio.sleep(0.02)
    tidying.cancel()
    assert not (await bench.invoke(version)).report.cold


async def test_a_full_machine_says_so_and_gives_up_what_is_idle(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = bench.function("def handler(e, c): pass")
    assert bench.host.full(version) == ""
    await bench.invoke(version)
    monkeypatch.setattr("tests.hosts.test_local.MACHINE", [Memory(4_000, 260)])
    assert "This machine's memory is full: 260 of 4000 MB are available" in bench.host.full(version)
    async with asyncio.timeout(10):
        while bench.host.count()["total"]:
            await asyncio.sleep(0.01)


async def test_environments_at_work_count_for_what_they_may_take(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = bench.function("import time\ndef handler(e, c): time.sleep(0.5)")
    monkeypatch.setattr("tests.hosts.test_local.MACHINE", [Memory(4_000, 330)])
    assert bench.host.full(version) == ""
    running = asyncio.ensure_future(bench.invoke(version))
    async with asyncio.timeout(10):
        while not bench.host.count()["busy"]:
            await asyncio.sleep(0.01)
    assert "environments at work may take 64 MB more" in bench.host.full(version)
    await running
