"""What every runtime is given to work with."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from lablambda.execution.place import Place
from lablambda.execution.process_tree import holds
from lablambda.execution.reserve import Mold, Reserve
from lablambda.execution.sandbox import Sandbox, Terms
from lablambda.execution.supervisor import NotStarted, Process, Spawner, Supervisor
from lablambda.model.errors import ServiceFault
from lablambda.rules.runtimes import RESERVE


class Kit:
    """`folder` is for a runtime's own files, `sandbox` what confines environments, `spawner` starts programs on
    `terms`,
    `reserves` are the processes kept ready, by family: at most as many as `reserve` says."""

    def __init__(self, folder: Path, reserve: Mapping[str, int], sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.terms = Terms(sandbox)
        shutil.rmtree(folder / "work", ignore_errors=True)  # of a lab that was killed
        self._spawners: list[Spawner] = []
        self.spawner = self.add(Spawner(lambda: Supervisor.start(terms=self.terms.message())))
        self.reserves = {
            family: Reserve(reserve.get(family, most), self._start) for family, most in RESERVE.items()
        }

    async def _start(self, mold: Mold) -> Process:
        try:
            return await self._spawn(mold)
        except NotStarted as error:
            raise ServiceFault(
                f"{mold.command[0]} can't be run ({error}). If it was moved or removed, restart the lab."
            ) from None

    async def _spawn(self, mold: Mold) -> Process:
        supervisor = await self.spawner.ready()
        place = Place(self.folder / "work")
        code = mold.code or (place.task, place.layers)
        reach = self.terms.reach(code, mold.scratch or place.scratch, mold.reads)
        command = [reach.seen(word) for word in mold.command]
        variables = {name: reach.seen(value) for name, value in mold.variables}
        try:
            process = await supervisor.spawn(command, variables, folder=reach.seen(str(code[0])), reach=reach)
        except BaseException:
            place.clear()
            raise
        process.place = place
        loop = asyncio.get_running_loop()
        process.exited.add_done_callback(lambda _: loop.run_in_executor(None, place.clear))
        return process

    def add(self, spawner: Spawner) -> Spawner:
        """Another one that is to end when all do."""
        self._spawners.append(spawner)
        return spawner

    def may_use(self, owner: str, inode: int) -> bool:
        """Whether a socket that leads into an environment isn't another environment's. One that nobody is seen to
        have may be of a process that has only just begun."""
        owners = {pid: whose for spawner in self._spawners for pid, whose in spawner.owners.items()}
        if any(holds(pid, inode) for pid, whose in owners.items() if whose == owner):
            return True
        return not any(holds(pid, inode) for pid, whose in owners.items() if whose != owner)

    async def close(self) -> None:
        """End every process that was started with it."""
        await asyncio.gather(*(reserve.close() for reserve in self.reserves.values()))
        await asyncio.gather(*(spawner.close() for spawner in self._spawners))
