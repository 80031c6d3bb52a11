"""Changes of functions that meet other changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lablambda.lab import catalog
from lablambda.lab.catalog import Catalog
from lablambda.lab.deploy import Deployer
from lablambda.model.errors import ResourceNotFound
from lablambda.model.function import Alias, Version
from lablambda.model.package import Package
from lablambda.packaging.store import PackageStore
from lablambda.rules.names import FunctionReference
from lablambda.storage.journal import Journal

pytestmark = pytest.mark.anyio
MEMBERS: dict[str, Any] = {
    "Runtime": "python3.13",
    "Handler": "f.handler",
    "Role": "arn:aws:iam::000000000000:role/r",
}
PACKAGE = Package("d", "s", 1, 1)
F = FunctionReference("f")


@dataclass
class Host:
    """Needs as long as it is told to know its runtimes."""

    known: asyncio.Event = field(default_factory=asyncio.Event)
    retired: list[str] = field(default_factory=list)

    async def require(self, runtime: str) -> None:
        await self.known.wait()

    async def warm(self, version: Version) -> None:
        pass

    def retire(self, version: Version) -> None:
        self.retired.append(version.number)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.journal = Journal(self.path, catalog.SCHEMA, durable=False)
        self.catalog = Catalog(self.journal)
        self.host = Host()
        store = PackageStore(folder / "packages")
        self.deployer = Deployer(self.catalog, store, self.host)  # type: ignore[arg-type]

    async def create(self) -> None:
        self.host.known.set()
        await self.deployer.create("f", MEMBERS, PACKAGE, layers=[], tags={}, publish=True)
        await self.deployer.settled("f")
        self.host.known.clear()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.create()
    yield made
    await made.deployer.close()
    await made.journal.close()


async def test_what_changes_during_a_change_is_kept(bench: Bench) -> None:
    changing = asyncio.ensure_future(bench.deployer.change(F, members={"Timeout": 9}))
    await asyncio.sleep(0)
    function = bench.catalog.function(F)
    alias = Alias("live", "1", "", "r")
    await bench.catalog.save(replace(function, aliases={"live": alias}, tags={"k": "v"}))
    bench.host.known.set()
    await changing
    await bench.deployer.settled("f")
    after = bench.catalog.function(F)
    assert (after.latest.timeout_s, after.aliases, after.tags) == (9, {"live": alias}, {"k": "v"})


async def test_what_changes_while_a_version_is_deleted_is_kept(bench: Bench) -> None:
    deleting = asyncio.ensure_future(bench.deployer.delete_version(FunctionReference("f", "1")))
    while "1" in bench.catalog.function(F).versions:
        await asyncio.sleep(0)
    await bench.catalog.save(replace(bench.catalog.function(F), tags={"k": "v"}))
    await deleting
    assert bench.catalog.function(F).tags == {"k": "v"}
    assert bench.host.retired == ["1"]
    read = Catalog(bench.journal).function(F)
    assert (read.versions, read.tags, read.last) == ({}, {"k": "v"}, 1)


async def test_names_that_nobody_has_leave_no_trace(bench: Bench) -> None:
    for number in range(3):
        with pytest.raises(ResourceNotFound):
            await bench.deployer.publish(FunctionReference(f"nobody{number}"))
    assert not bench.deployer._turns
