"""Runtimes whose environments come from the reserve: all that can't fork."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable

from lablambda.execution.place import Place
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
    """Have a process of the reserve become the environment."""
    process = await reserve.take(mold)
    assert process.place is not None
    try:
        launch = await asyncio.to_thread(_move_in, process.place, mold, launch)
    except BaseException:
        await process.discard()
        raise
    return adopt(process, launch)


def _move_in(place: Place, mold: Mold, launch: Launch) -> Launch:
    place.take_scratch(launch.scratch)
    if mold.code:
        return launch
    place.take_in(launch.program.code)
    return launch.moved(place.task, place.layers)


async def versions(paths: Iterable[str], pattern: str, *question: str) -> list[tuple[str, re.Match[str]]]:
    """The paths of programs that answer `question` with what `pattern` takes, each with its answer."""
    once = list(dict.fromkeys(paths))
    answers = await asyncio.gather(*(output(path, *question) for path in once))
    matches = (re.fullmatch(pattern, answer.strip()) for answer in answers)
    return [(path, match) for path, match in zip(once, matches, strict=True) if match is not None]
