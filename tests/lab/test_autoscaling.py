"""Scaling across a restart of the lab, and over long jumps of its clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lablambda.clock import Clock
from lablambda.lab import autoscaling, catalog
from lablambda.lab.autoscaling import AutoScaling
from lablambda.lab.catalog import Catalog
from lablambda.lab.provisioner import Provisioner
from lablambda.model.autoscaling import ScalableTarget, ScalingPolicy, ScheduledAction
from lablambda.storage.journal import Journal
from lablambda.telemetry.utilization import Utilization
from tests.lab.test_provisioner import Host
from tests.nouns import function

pytestmark = pytest.mark.anyio
POLICY = ScalingPolicy("track", "id", {"TargetValue": 0.7}, 0.0)
TARGET = ScalableTarget("f", "1", "identity", 1, 9, "role", 0.0, policies={"track": POLICY})


class Room:
    """The room on its own, its clock turned by hand."""

    def __init__(self, journal: Journal, clock: Clock, in_use: Callable[[str, str], float]) -> None:
        host = Host()
        host.let.set()
        self.catalog = Catalog(journal)
        self.provisioner = Provisioner(self.catalog, host, limit=1_000)  # type: ignore[arg-type] # as much as it needs
        self.utilization = Utilization(clock.now)
        self.scaling = AutoScaling(
            journal,
            self.catalog,
            self.provisioner,
            self.utilization,
            in_use=in_use,
            heard=lambda: None,
            clock=clock,
        )


@asynccontextmanager
async def room(
    path: Path, clock: Clock, in_use: Callable[[str, str], float] = lambda *_: 0.0
) -> AsyncIterator[Room]:
    journal = Journal(path / "journal.db", catalog.SCHEMA + autoscaling.SCHEMA, durable=False)
    made = Room(journal, clock, in_use)
    running = asyncio.ensure_future(made.scaling.run())
    await made.scaling.settled()
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait({running})
        await made.provisioner.close()
        await journal.close()


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.set_speed(0)
    return clock


async def test_a_target_outlives_the_lab(tmp_path: Path, clock: Clock) -> None:
    action = ScheduledAction(
        "a", "id", {"Schedule": "rate(1 hour)", "ScalableTargetAction": {"MinCapacity": 3}}, clock.now()
    )
    target = replace(TARGET, actions={"a": action})
    async with room(tmp_path, clock) as first:
        await first.catalog.save(function(published=1))
        await first.scaling.save(target)
    clock.advance(1800)
    async with room(tmp_path, clock) as second:
        assert second.scaling.targets() == [target]
        clock.advance(1799)
        await second.scaling.settled()
        assert second.scaling.capacity(target) == 0
        clock.advance(1)
        await second.scaling.settled()
        assert second.scaling.capacity(target) == 3


async def test_a_long_invocation_counts_before_its_end(tmp_path: Path, clock: Clock) -> None:
    async with room(tmp_path, clock, in_use=lambda *_: 1.0) as one:
        await one.catalog.save(function(published=1))
        await one.provisioner.put("f", "1", 2)
        await one.scaling.save(TARGET)
        for _ in range(4):
            await one.scaling.settled()
            clock.advance(60)
        await one.scaling.settled()
        assert one.scaling.capacity(TARGET) > 2


async def test_a_century_passes_in_a_moment(tmp_path: Path, clock: Clock) -> None:
    async with room(tmp_path, clock) as one:
        await one.catalog.save(function(published=1))
        await one.provisioner.put("f", "1", 2)
        await one.scaling.save(TARGET)
        one.utilization.note(("f", "1"), 1.0)
        began = time.perf_counter()
        clock.advance(100 * 365 * 86_400)
        await one.scaling.settled()
        assert time.perf_counter() - began < 1
        assert one.scaling.capacity(TARGET) == 2
