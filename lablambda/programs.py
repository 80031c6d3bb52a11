"""Programs that the lab itself runs and talks to; none is left behind when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from typing import Any


async def start(*command: str, **how: Any) -> Process:
    """Start a program in a session of its own; `how` is as for `asyncio.create_subprocess_exec`.

    Raises OSError if it can't be run. Cancelled, it ends what has been started."""
    starting = asyncio.ensure_future(asyncio.create_subprocess_exec(*command, start_new_session=True, **how))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Not cut short: a process that nobody has hold of couldn't be ended.
        with contextlib.suppress(OSError):
            await end(await starting)
        raise


async def end(process: Process) -> None:
    """Kill a program and what it has started, a version manager's shim for example, and wait until its
    pipes are closed too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()


async def output(*command: str) -> str:
    """What a program prints, empty if it can't be run."""
    nothing = asyncio.subprocess.DEVNULL
    try:
        process = await start(*command, stdin=nothing, stdout=asyncio.subprocess.PIPE, stderr=nothing)
    except OSError:
        return ""
    try:
        answer, _ = await process.communicate()
    except asyncio.CancelledError:
        await end(process)
        raise
    return answer.decode(errors="replace")
