"""Provisioned concurrency behind the API: what is kept ready, and what isn't any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lablambda.lab import catalog
from lablambda.lab.catalog import Catalog
from lablambda.lab.provisioner import Progress, Provisioner
from lablambda.model.function import Function, Setting, Version
from lablambda.rules.provisioning import REQUESTED
from lablambda.storage.journal import Journal
from tests import nouns

pytestmark = pytest.mark.anyio
VERSION = nouns.version(number="1")


class Host:
    """Provisions when it is let; remembers what it was asked for."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.kept: dict[str, int] = {}

    async def provision(self, version: Version, count: int) -> None:
        await self.let.wait()
        self.kept[version.arn] = count

    def provisioned(self, version: Version) -> int:
        return self.kept.get(version.arn, 0)

    def ready(self, version: Version) -> tuple[int, int]:
        return self.provisioned(version), self.provisioned(version)

    def retire(self, version: Version) -> None:
        self.kept.pop(version.arn, None)


def function(count: int) -> Function:
    made = nouns.function(published=1)
    return made.with_setting(Setting.PROVISIONED, "1", {REQUESTED: count} if count else None)


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Catalog]:
    journal = Journal(tmp_path / "journal.db", catalog.SCHEMA, durable=False)
    yield Catalog(journal)
    await journal.close()


@pytest.mark.parametrize("gone", ["function", "version", "nothing"])
async def test_environments_of_what_was_deleted_meanwhile_end(known: Catalog, gone: str) -> None:
    host = Host()
    provisioner = Provisioner(known, host, limit=1_000)  # type: ignore[arg-type] # as much of a host as this needs
    made = function(2)
    await known.save(made)
    provisioner.adjust(made)
    await asyncio.sleep(0)
    if gone == "function":
        await known.remove(made)
    elif gone == "version":
        await known.save(made.without("1"))
    host.let.set()
    async with asyncio.timeout(5):
        while provisioner._under_way:
            await asyncio.sleep(0)
    assert host.kept == ({VERSION.arn: 2} if gone == "nothing" else {})
    await provisioner.close()


async def test_what_the_host_gave_up_has_failed(known: Catalog) -> None:
    # given a version whose environments are ready
    host = Host()
    host.let.set()
    provisioner = Provisioner(known, host, limit=1_000)  # type: ignore[arg-type] # as much of a host as this needs
    made = function(2)
    await known.save(made)
    provisioner.adjust(made)
    assert provisioner.progress(made, "1").status == "IN_PROGRESS"
    await asyncio.wait(provisioner._under_way.values())
    assert provisioner.progress(made, "1") == Progress("READY", 2, 2)
    # when they have crashed and can't be started again
    host.kept.clear()
    # then the status says so
    assert provisioner.progress(made, "1") == Progress("FAILED", 0, 0, "FUNCTION_ERROR_INIT_FAILURE")
    await provisioner.close()
