"""Keeps as many environments of a version ready as its provisioned concurrency says."""

from __future__ import annotations

import asyncio
import sys
import traceback
from dataclasses import dataclass

from lablambda.execution.environment import InitFailed
from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.lab.deploy import timestamp
from lablambda.model.errors import LabError
from lablambda.model.function import Function, Setting, Version
from lablambda.rules import provisioning, snap_start
from lablambda.rules.names import FunctionReference

_INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a provisioned concurrency config has come. `status` is IN_PROGRESS, READY or FAILED."""

    status: str
    allocated: int
    available: int
    reason: str = ""


class Provisioner:
    """`limit` is the account's concurrency."""

    def __init__(self, catalog: Catalog, host: LocalHost, *, limit: int) -> None:
        self._catalog = catalog
        self._host = host
        self._limit = limit
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, str] = {}

    def resume(self) -> None:
        """Start what was provisioned when the lab ended."""
        for function in self._catalog.functions():
            if function.settings.get(Setting.PROVISIONED):
                self.adjust(function)

    async def put(self, name: str, qualifier: str, wanted: int) -> Function:
        """Have so many environments of a version or alias kept ready from now on; gives the function as it then is.

        Raises ResourceNotFound, InvalidParameterValue or ResourceConflict, as AWS refuses it.
        """
        function = self._catalog.function(FunctionReference(name, qualifier))
        if qualifier in function.aliases:
            provisioning.check_alias(function.aliases[qualifier])
        provisioning.check_single(function, qualifier)
        snap_start.check_provisioned(function.version(provisioning.version_of(function, qualifier)))
        members = {provisioning.REQUESTED: wanted, "LastModified": timestamp()}
        changed = function.with_setting(Setting.PROVISIONED, qualifier, members if wanted else None)
        provisioning.check(function, changed, limit=self._limit, set_aside=self._catalog.set_aside)
        await self._catalog.save(changed)
        self.adjust(changed)
        return changed

    def adjust(self, function: Function) -> None:
        """Bring the environments of every version of `function` to what is provisioned now."""
        for version in function.versions.values():
            wanted = provisioning.of_version(function, version.number)
            if wanted != self._host.provisioned(version) or version.arn in self._failed:
                self._start(version, wanted)

    def progress(self, function: Function, qualifier: str) -> Progress:
        """What has become of the config of a version or alias."""
        version = function.versions[provisioning.version_of(function, qualifier)]
        wanted = int((function.setting(Setting.PROVISIONED, qualifier) or {})[provisioning.REQUESTED])
        ready, idle = self._host.ready(version)
        if version.arn in self._under_way:
            return Progress("IN_PROGRESS", 0, 0)
        # The host gives up a number that it can't hold: environments crashed, and new ones didn't start.
        if version.arn in self._failed or self._host.provisioned(version) < wanted:
            return Progress("FAILED", 0, 0, self._failed.get(version.arn, _INIT_FAILED))
        return Progress("READY", min(ready, wanted), min(idle, wanted))

    async def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _start(self, version: Version, wanted: int) -> None:
        before = self._under_way.get(version.arn)
        task = asyncio.ensure_future(self._provision(version, wanted, before))
        self._under_way[version.arn] = task
        task.add_done_callback(lambda done: self._ended(version.arn, done))

    def _ended(self, arn: str, task: asyncio.Task[None]) -> None:
        if self._under_way.get(arn) is task:
            del self._under_way[arn]

    async def _provision(self, version: Version, wanted: int, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        self._failed.pop(version.arn, None)
        try:
            await self._host.provision(version, wanted)
        except InitFailed:
            self._failed[version.arn] = _INIT_FAILED
        except Exception as error:
            if not isinstance(error, LabError):
                traceback.print_exc(file=sys.stderr)
            self._failed[version.arn] = str(error)
        if not self._exists(version):  # deleted meanwhile: nobody would ever ask for these environments
            self._failed.pop(version.arn, None)
            self._host.retire(version)

    def _exists(self, version: Version) -> bool:
        function = self._catalog.find(version.name)
        found = None if function is None else function.version(version.number)
        return found is not None and found.build == version.build
