"""The runtimes of this machine, by AWS's identifiers.

The lab's own Python is known at once; looking for others asks every interpreter on the PATH and takes a
second, so it happens in the background and is waited for only by who needs it.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from lablambda.execution.sandbox import Sandbox
from lablambda.execution.worker import Runtime
from lablambda.rules import runtimes as rules
from lablambda.rules.runtimes import RESERVE
from lablambda.runtimes.accompany import WithExtensions
from lablambda.runtimes.custom import runtime as custom
from lablambda.runtimes.java import runtime as java
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.node import runtime as node
from lablambda.runtimes.python import runtime as python
from lablambda.runtimes.ruby import runtime as ruby

# Each gives the runtimes of its family that this machine has.
FAMILIES: tuple[Callable[[Kit], Awaitable[Sequence[Runtime]]], ...] = (
    python.find,
    node.find,
    java.find,
    ruby.find,
    custom.find,
)


class Runtimes:
    """With `strict`, only the very runtime that a function names runs it."""

    def __init__(
        self,
        folder: Path,
        *,
        reserve: Mapping[str, int] = RESERVE,
        strict: bool = False,
        sandbox: Sandbox | None = None,
    ) -> None:
        self.sandbox = sandbox or Sandbox.of_this_machine()
        self._kit = Kit(folder, reserve, self.sandbox)
        self.strict = strict
        self._own = python.own(self._kit)
        self._known: dict[str, Runtime] = {}
        self._add(self._own)
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Get the lab's own Python ready and look for others, in the background."""
        self._looking = asyncio.ensure_future(self._look())

    async def all(self) -> dict[str, Runtime]:
        """Every runtime that this machine has."""
        if self._looking is not None:
            await asyncio.shield(self._looking)
        return self._known

    async def find(self, name: str) -> Runtime | None:
        """The runtime to run a function that names `name`; None if this machine has none that may."""
        if name in self._known:
            return self._known[name]
        here = await self.all()
        chosen = name if self.strict else rules.nearest(name, here)
        return None if chosen is None else here.get(chosen)

    def reserved(self) -> dict[str, list[int]]:
        """The processes that are kept ready, by family."""
        return {family: reserve.pids for family, reserve in self._kit.reserves.items()}

    async def close(self) -> None:
        """End every process that a runtime started."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._kit.close()

    async def _look(self) -> None:
        await self._own.warm()
        for found in await asyncio.gather(*(find(self._kit) for find in FAMILIES), return_exceptions=True):
            if isinstance(found, BaseException):  # of one family; the others are there all the same
                traceback.print_exception(found, file=sys.stderr)
                continue
            for runtime in found:
                self._add(runtime)

    def _add(self, runtime: Runtime) -> None:
        if not isinstance(runtime, custom.CustomRuntime):  # which sees to its extensions itself
            runtime = WithExtensions(runtime, self._kit)
        self._known.setdefault(runtime.name, runtime)
