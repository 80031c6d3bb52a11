from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import psutil
import pytest

from lablambda import programs

pytestmark = pytest.mark.anyio

# A shim as version managers install: the program proper is a child, and holds the pipe as well.
SHIM = "echo $$ > $0/shim; sleep 60 & echo $! > $0/program; wait"


async def test_what_a_program_prints() -> None:
    assert await programs.output(sys.executable, "-c", "print('hello')") == "hello\n"


async def test_a_program_that_cannot_be_run_prints_nothing(tmp_path: Path) -> None:
    assert await programs.output(str(tmp_path / "absent")) == ""


async def test_giving_up_ends_a_shim_and_its_program(tmp_path: Path) -> None:
    asking = asyncio.ensure_future(programs.output("sh", "-c", SHIM, str(tmp_path)))
    while not (tmp_path / "program").exists() or not (tmp_path / "program").read_text():
        await asyncio.sleep(0.01)
    pids = [int((tmp_path / name).read_text()) for name in ("shim", "program")]
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    # Its pipes are closed a moment before a killed program is gone.
    async with asyncio.timeout(5):
        while any(_runs(pid) for pid in pids):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("turns", range(6))
async def test_giving_up_while_it_starts_leaves_nothing(turns: int) -> None:
    before = set(psutil.Process().children())
    starting = asyncio.ensure_future(programs.start("sleep", "60"))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await programs.end(await starting)
    assert set(psutil.Process().children()) <= before


async def test_giving_up_on_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    starting = asyncio.ensure_future(programs.start(str(tmp_path / "absent")))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises((asyncio.CancelledError, OSError)):
        await starting


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
