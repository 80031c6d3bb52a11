"""Compiling Java cells: one process does it, kept warm for as long as somebody writes Java."""

from __future__ import annotations

import asyncio
import struct
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from lablambda import programs
from lablambda.model.compilation import Compiled, Problem
from lablambda.model.errors import InvalidParameterValue, ServiceFault
from lablambda.packaging import maven
from lablambda.rules.runtimes import HOW_TO_GET
from lablambda.runtimes.java import guest, jdks

_WITHIN_S = 30.0
_IDLE_S = 300.0
_MOST_SOURCE = 4 * 1024 * 1024
T = TypeVar("T")


class JavaCompiler:
    """A compiler process, started when it is first needed; it ends after `idle_s` seconds without work."""

    def __init__(self, *, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def compile(self, source: str, release: int, requires: Sequence[str] = ()) -> Compiled:
        """Compile one file for a Java release, or the newest that the compiler knows, with libraries by their
        Maven coordinates. Raises RequirementsError, InvalidParameterValue, ServiceFault."""
        if len(source) > _MOST_SOURCE:
            raise InvalidParameterValue(
                f"A Java file of more than {_MOST_SOURCE} characters isn't compiled here."
            )
        jars = await asyncio.to_thread(maven.jars, (maven.CORE, maven.EVENTS, *requires))
        async with self._turn:
            self._stay()
            process = await self._running()
            try:
                async with asyncio.timeout(_WITHIN_S):
                    compiled = await _ask(process, _request(source, release, jars))
            except TimeoutError:
                await self._end()
                raise InvalidParameterValue(
                    f"Compiling took more than {_WITHIN_S:.0f} s and was given up."
                ) from None
            except (asyncio.IncompleteReadError, OSError):
                await self._end()
                raise ServiceFault(
                    "The Java compiler ended unexpectedly; see the lab's log, and try again."
                ) from None
            except BaseException:
                await self._end()
                raise
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._leave)
        return compiled

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()  # who compiles now learns of it at once, and gives up its turn
        async with self._turn:
            self._stay()
            await asyncio.gather(*self._ending)
            await self._end()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            found = await asyncio.to_thread(jdks.find)
            if not found:
                raise InvalidParameterValue(
                    f"This machine has no Java of {jdks.OLDEST} or newer. {HOW_TO_GET['java']}"
                )
            command = await asyncio.to_thread(guest.compiler_command, found)
            # It reads until its input ends, so it never outlives the lab.
            self._process = await programs.start(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        return self._process

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()

    def _leave(self) -> None:
        task = asyncio.ensure_future(self._end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            await programs.end(process)


def _request(source: str, release: int, jars: Sequence[Path]) -> bytes:
    text = source.encode("utf-8", "replace")
    paths = [str(jar).encode() for jar in jars]
    packed = b"".join(struct.pack("!H", len(path)) + path for path in paths)
    return struct.pack("!I", len(text)) + text + struct.pack("!II", release, len(paths)) + packed


async def _ask(process: Process, request: bytes) -> Compiled:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(request)
    await process.stdin.drain()
    answer = _Answer(process.stdout)
    return Compiled(
        classes=dict(await answer.several(answer.file)),
        problems=tuple(await answer.several(answer.problem)),
        handlers=tuple(await answer.several(answer.text)),
    )


class _Answer:
    """What `Compiler.java` writes, read piece by piece."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def several(self, one: Callable[[], Awaitable[T]]) -> list[T]:
        return [await one() for _ in range(await self._number("!I"))]

    async def text(self) -> str:
        return (await self._stream.readexactly(await self._number("!H"))).decode(errors="replace")

    async def file(self) -> tuple[str, bytes]:
        return await self.text(), await self._stream.readexactly(await self._number("!I"))

    async def problem(self) -> Problem:
        kind = await self.text()
        line, column = await self._number("!I"), await self._number("!I")
        return Problem(kind, line, column, await self.text())

    async def _number(self, form: str) -> int:
        (number,) = struct.unpack(form, await self._stream.readexactly(struct.calcsize(form)))
        return int(number)
