"""Runtimes whose environments come from the reserve: all that can't fork."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from lablambda.execution.place import Place
from lablambda.execution.reach import Reach
from lablambda.execution.reserve import Mold, Reserve
from lablambda.execution.worker import Launch, Program, Worker, adopt
from lablambda.programs import output


class ReservedRuntime:
    """One interpreter; `mold` says how a process is started that can become a program's environment."""

    def __init__(
        self, name: str, version: str, path: str, reserve: Reserve, mold: Callable[[str, Program], Mold]
    ) -> None:
        self.name = name
        self.version = version
        self.path = path
        self._reserve = reserve
        self._mold = mold

    async def warm(self, program: Program) -> None:
        await self._reserve.warm(self._mold(self.path, program))

    async def start(self, launch: Launch) -> Worker:
        return await become(self._reserve, self._mold(self.path, launch.program), launch)


async def become(reserve: Reserve, mold: Mold, launch: Launch) -> Worker:
    """Have a process of the reserve become the environment; or a new one, if it is to share its /tmp."""
    if launch.shared:
        process = await reserve.start(replace(mold, code=launch.program.code, scratch=launch.scratch))
        process.supervisor.give(process.pid, launch.owner)
        return adopt(process, launch.seen_by(process.reach))
    process = await reserve.take(mold)
    process.supervisor.give(process.pid, launch.owner)
    assert process.place is not None
    try:
        reach = await asyncio.to_thread(_move_in, process.place, process.reach, mold, launch)
    except BaseException:
        await process.discard()
        raise
    return adopt(process, launch.seen_by(reach))


def _move_in(place: Place, reach: Reach, mold: Mold, launch: Launch) -> Reach:
    """Bring code and /tmp to the process's place; gives how it sees them."""
    names = []
    if reach.seen(str(place.scratch)) != str(place.scratch):
        names.append((str(launch.scratch), reach.seen(str(place.scratch))))
    place.take_scratch(launch.scratch)
    if not mold.code:
        place.take_in(launch.program.code)
        names += [
            (str(here), reach.seen(str(there)))
            for here, there in zip(launch.program.code, (place.task, place.layers), strict=False)
        ]
    return reach.naming(names)


async def versions(paths: Iterable[str], pattern: str, *question: str) -> list[tuple[str, re.Match[str]]]:
    """The paths of programs that answer `question` with what `pattern` takes, each with its answer."""
    once = list(dict.fromkeys(paths))
    answers = await asyncio.gather(*(output(path, *question) for path in once))
    matches = (re.fullmatch(pattern, answer.strip()) for answer in answers)
    return [(path, match) for path, match in zip(once, matches, strict=True) if match is not None]
