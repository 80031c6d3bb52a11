"""Ending what takes more than it may."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lablambda.execution.watch import Allowance, Excess, Watch, taken, tasks
from tests.execution.test_memory import end, holder

pytestmark = pytest.mark.anyio
THREADS = """
import subprocess, sys, threading
def child(): subprocess.run(["sleep", "60"])
for _ in range(3): threading.Thread(target=child, daemon=True).start()
print(flush=True); sys.stdin.read()
"""


async def test_what_takes_too_much_is_ended_once(tmp_path: Path) -> None:
    watch, process, ended = Watch(), holder(50), asyncio.Event()
    times: list[int] = []

    def stop() -> None:
        times.append(1)
        ended.set()

    with watch.watch(process.pid, Allowance(40, 512, tmp_path), stop) as watched:
        async with asyncio.timeout(10):
            await ended.wait()
        assert watched.excess is Excess.MEMORY
        assert watched.peak > 50 << 20
        await asyncio.sleep(0.2)
    assert times == [1]
    end(process)
    watch.close()


async def test_what_takes_less_is_left_alone(tmp_path: Path) -> None:
    watch, process = Watch(), holder(10)
    with watch.watch(
        process.pid, Allowance(500, 512, tmp_path), lambda: pytest.fail("it was ended")
    ) as watched:
        async with asyncio.timeout(10):
            while not watched.peak:
                await asyncio.sleep(0.01)
        assert watched.excess is None
    end(process)
    watch.close()


async def test_what_fills_its_tmp_is_ended(tmp_path: Path) -> None:
    watch, process, ended = Watch(), holder(1), asyncio.Event()
    with watch.watch(process.pid, Allowance(500, 1, tmp_path), ended.set) as watched:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "file").write_bytes(bytes(3 << 20))
        async with asyncio.timeout(10):
            await ended.wait()
        assert watched.excess is Excess.STORAGE
    end(process)
    watch.close()


def test_room_that_files_take(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    (tmp_path / "link").symlink_to("a")
    assert 1 << 20 <= taken(tmp_path) < (1 << 20) + 100_000
    assert taken(tmp_path / "nowhere") == 0


def test_processes_and_threads() -> None:
    """Of every thread, whichever started what."""
    command = [sys.executable, "-c", THREADS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while (
            tasks(process.pid, at_most=100) < 7
        ):  # itself, three threads, and their children, which take a moment
            pass
        assert tasks(process.pid, at_most=100) == 7
        assert 3 < tasks(process.pid, at_most=3) <= 7
        subprocess.run(["pkill", "-P", str(process.pid)], check=False)
        process.kill()
    assert tasks(process.pid, at_most=100) == 0
