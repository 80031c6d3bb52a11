"""Looking at processes' memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from lablambda.execution.memory import MemoryWatch, peak_mb, proportional, resident

pytestmark = pytest.mark.anyio
HOLDS = "import sys; held = bytearray({mb} << 20); print(flush=True); sys.stdin.read()"


def holder(mb: int) -> subprocess.Popen[bytes]:
    """A process that holds so much and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS.format(mb=mb)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_the_figures_of_a_process() -> None:
    process = holder(50)
    assert 50 < resident(process.pid) >> 20 < 100
    assert 50 < peak_mb(process.pid) < 100
    assert 50 < proportional(process.pid) >> 20 < 100
    end(process)


def test_children_count() -> None:
    process = holder(50)
    assert resident(os.getpid()) >= resident(process.pid) + (1 << 20)
    end(process)


def test_a_process_that_is_gone() -> None:
    process = holder(1)
    end(process)
    assert (resident(process.pid), peak_mb(process.pid), proportional(process.pid)) == (0, 0, 0)


async def test_what_takes_too_much_is_ended_once() -> None:
    watch, process, ended = MemoryWatch(), holder(50), asyncio.Event()
    times: list[int] = []

    def stop() -> None:
        times.append(1)
        ended.set()

    with watch.watch(process.pid, 40, stop) as watched:
        async with asyncio.timeout(10):
            await ended.wait()
        assert watched.exceeded
        assert watched.peak > 50 << 20
        await asyncio.sleep(0.2)
    assert times == [1]
    end(process)
    watch.close()


async def test_what_takes_less_is_left_alone() -> None:
    watch, process = MemoryWatch(), holder(10)
    with watch.watch(process.pid, 500, lambda: pytest.fail("it was ended")) as watched:
        async with asyncio.timeout(10):
            while not watched.peak:
                await asyncio.sleep(0.01)
        assert not watched.exceeded
    end(process)
    watch.close()
