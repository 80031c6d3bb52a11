"""This machine as a host: a pool of environments for each version that is in use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from lablambda.clock import Clock
from lablambda.execution.environment import Environment, InitFailed, WriteLog
from lablambda.execution.pool import Pool
from lablambda.execution.snapshot import Snapshot
from lablambda.execution.watch import Watch
from lablambda.execution.worker import Program, Runtime
from lablambda.hosts.machine import Memory, memory
from lablambda.hosts.turns import Turns
from lablambda.model.errors import InvalidParameterValue, LabError
from lablambda.model.function import Version
from lablambda.model.invocation import Invocation, Outcome
from lablambda.packaging.store import PackageStore
from lablambda.rules import capacity, snap_start
from lablambda.rules.lifecycle import IDLE_S, SNAP_START
from lablambda.runtimes.registry import Runtimes

_REAP_EVERY_S = 5.0
_STARTS_PER_PROCESSOR = 4
_LEAST_PAUSE_S = 0.05  # of real time, however fast the lab's goes


class LocalHost:
    """Runs invocations in environments of this machine."""

    def __init__(
        self,
        runtimes: Runtimes,
        store: PackageStore,
        folder: Path,
        *,
        access: Callable[[Version], Mapping[str, str]],
        write_log: WriteLog,
        idle_s: float = IDLE_S,
        clock: Clock | None = None,
        machine: Callable[[], Memory] = memory,
    ) -> None:
        self._runtimes = runtimes
        self._store = store
        self._folder = folder
        self._access = access
        self._write_log = write_log
        self._idle_s = idle_s
        self._clock = clock or Clock()
        self._machine = machine
        self._turns = Turns(_STARTS_PER_PROCESSOR * (os.cpu_count() or 1))
        self._watch = Watch()
        self._snapshots: dict[tuple[str, str], Snapshot] = {}
        self._pools: dict[tuple[str, str], Pool] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    async def run(self, version: Version, invocation: Invocation) -> tuple[Outcome, str]:
        """Run one invocation; gives the outcome and the log stream it wrote to."""
        pool = self._pools.get(_key(version)) or await self._new_pool(version)
        async with pool.environment() as environment:
            return await environment.invoke(invocation), environment.log_stream

    async def require(self, runtime: str) -> None:
        """Raise InvalidParameterValue, naming what there is, if this machine doesn't have `runtime`."""
        await self._runtime(runtime)

    async def warm(self, version: Version) -> None:
        """Get the version's runtime ready, so that its first environment starts quickly."""
        await (await self._runtime(version.runtime)).warm(self._program(version))

    async def provision(self, version: Version, count: int) -> None:
        """Keep at least `count` environments of the version ready. Raises InitFailed if init fails."""
        pool = self._pools.get(_key(version)) or await self._new_pool(version)
        await pool.provision(count)

    async def snapshot(self, version: Version) -> None:
        """Take the snapshot that the version's environments are restored from, if they are. Raises InitFailed if init
        fails."""
        if self._restores(version):
            snapshot = self._snapshots.get(_key(version)) or await self._new_snapshot(version)
            await snapshot.take()

    def provisioned(self, version: Version) -> int:
        """How many environments of the version are to be kept ready."""
        pool = self._pools.get(_key(version))
        return 0 if pool is None else pool.provisioned

    def ready(self, version: Version) -> tuple[int, int]:
        """How many environments of the version there are, and how many of them are idle."""
        pool = self._pools.get(_key(version))
        return (0, 0) if pool is None else (len(pool), pool.idle)

    def full(self, version: Version) -> str:
        """Why this machine can't hold another environment of the version, or "". Idle ones of every version
        are ended then, so that there may be room for the next who asks."""
        pool = self._pools.get(_key(version))
        wanted_mb = capacity.expected_mb(version.memory_mb, 0 if pool is None else pool.peak_mb)
        total_mb, available_mb = self._machine()
        growth_mb = sum(
            each.growth_mb(capacity.expected_mb(each.memory_mb, each.peak_mb))
            for each in self._pools.values()
        )
        lacking_mb = capacity.lacking_mb(
            wanted_mb, available_mb=available_mb, growth_mb=growth_mb, total_mb=total_mb
        )
        if not lacking_mb:
            return ""
        for each in self._pools.values():
            self._in_background(each.reap(0.0))
        return (
            f"This machine's memory is full: {available_mb} of {total_mb} MB are available, environments at work may "
            f"take {growth_mb} MB more, and {lacking_mb} MB are missing for another one of {version.name}."
        )

    def retire(self, version: Version) -> None:
        """Let the version's environments end as they fall idle."""
        pool = self._pools.pop(_key(version), None)
        snapshot = self._snapshots.pop(_key(version), None)
        self._in_background(_retire(pool, snapshot))

    def _in_background(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(ending)
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def count(self) -> dict[str, int]:
        """How many environments there are, and how many are busy."""
        pools = self._pools.values()
        return {"total": sum(map(len, pools)), "busy": sum(pool.busy for pool in pools)}

    async def keep_tidy(self) -> None:
        """End idle environments, for ever."""
        while True:
            await self._clock.sleep(min(_REAP_EVERY_S, self._idle_s))
            await asyncio.sleep(_LEAST_PAUSE_S)
            for key, pool in list(self._pools.items()):
                try:
                    await self._tidy(pool)
                except Exception:  # of one pool; the others are tidied all the same
                    traceback.print_exc(file=sys.stderr)
                if len(pool) == 0:
                    self._pools.pop(key, None)

    async def _tidy(self, pool: Pool) -> None:
        await pool.reap(self._idle_s)
        if len(pool) < pool.provisioned:  # some have crashed
            with contextlib.suppress(InitFailed, LabError):
                await pool.provision(pool.provisioned)

    async def close(self) -> None:
        """End every environment and every runtime."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        await asyncio.gather(*(snapshot.close() for snapshot in self._snapshots.values()))
        await asyncio.gather(*self._retiring)
        await self._runtimes.close()
        self._watch.close()

    async def _new_pool(self, version: Version) -> Pool:
        runtime = await self._runtime(version.runtime)
        program = self._program(version)
        restores = self._restores(version)
        if restores:
            runtime = self._snapshots.get(_key(version)) or await self._new_snapshot(version)
            with contextlib.suppress(InitFailed):  # the first environment will fail alike
                await runtime.take()

        def make(initialization: str) -> Environment:
            kind = SNAP_START if restores else initialization
            return self._environment(version, runtime, program, kind, restores=restores)

        return self._pools.setdefault(_key(version), Pool(make, self._clock.now, version.memory_mb))

    def _restores(self, version: Version) -> bool:
        """Whether its environments are restored from a snapshot; extensions would not be in it."""
        return snap_start.is_optimized(version) and not self._program(version).extensions

    async def _new_snapshot(self, version: Version) -> Snapshot:
        runtime = await self._runtime(version.runtime)
        program = self._program(version)

        def make(origin: Runtime) -> Environment:
            return self._environment(version, origin, program, SNAP_START)

        return self._snapshots.setdefault(_key(version), Snapshot(runtime, make))

    def _environment(
        self,
        version: Version,
        runtime: Runtime,
        program: Program,
        initialization: str,
        *,
        restores: bool = False,
    ) -> Environment:
        return Environment(
            version,
            runtime,
            initialization=initialization,
            restores=restores,
            folder=self._folder,
            program=program,
            access=self._access,
            write_log=self._write_log,
            watch=self._watch,
            turn=self._turns.turn,
        )

    def _program(self, version: Version) -> Program:
        return Program(
            runtime=version.runtime,
            handler=version.handler,
            task=self._store.folder(version.package),
            layers=self._store.merged(version.layers),
            memory_mb=version.memory_mb,
            variables=version.variables,
        )

    async def _runtime(self, name: str) -> Runtime:
        runtime = await self._runtimes.find(name)
        if runtime is None:
            here = ", ".join(await self._runtimes.all())
            raise InvalidParameterValue(
                f"This machine has no {name}; it has {here}. Choose one of these, or install it and restart the lab."
                + (" (The lab was started with --strict-runtimes.)" if self._runtimes.strict else "")
            )
        return runtime


def _key(version: Version) -> tuple[str, str]:
    return version.arn, version.build


async def _retire(pool: Pool | None, snapshot: Snapshot | None) -> None:
    """The snapshot's process goes last: environments end with it."""
    if pool is not None:
        await pool.retire()
        await pool.drained()
    if snapshot is not None:
        await snapshot.close()
