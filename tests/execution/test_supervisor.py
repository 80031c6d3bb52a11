"""Starting processes, ending them with all that they left, and learning how they ended."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from lablambda.execution.supervisor import NotStarted, Process, Spawner, Supervisor
from lablambda.model.errors import ServiceFault
from tests.processes import gone

pytestmark = pytest.mark.anyio


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    found = await Supervisor.start()
    yield found
    await found.close()


async def output(process: Process) -> str:
    """All that a process prints, until it and its descriptors are gone."""
    await process.wait()
    with os.fdopen(process.log) as log:
        if process.socket is not None:
            process.socket.close()
        return log.read()


def shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


async def test_a_program_runs_with_what_it_is_given_and_nothing_else(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    text = "pwd; env | sort; ls /proc/self/fd | wc -l; ulimit -n; umask; cut -d' ' -f6,7 /proc/self/stat | head -1"
    process = await supervisor.spawn(
        shell(text), {"A": "b", "PATH": os.defpath}, folder=str(tmp_path), channel=False
    )
    lines = (await output(process)).splitlines()
    assert lines[0] == str(tmp_path)
    assert {"A=b", f"PATH={os.defpath}"} <= set(lines) <= {*lines}
    assert not [line for line in lines if line.startswith(("HOME=", "VIRTUAL_ENV="))]
    assert "1024" in lines


async def test_its_socket_is_descriptor_3(supervisor: Supervisor) -> None:
    process = await supervisor.spawn(shell("read line <&3; echo got $line; echo back >&3"))
    assert process.socket is not None
    process.socket.setblocking(True)
    process.socket.sendall(b"this\n")
    assert await asyncio.to_thread(process.socket.recv, 10) == b"back\n"
    assert await output(process) == "got this\n"


@pytest.mark.parametrize(("text", "status"), [("exit 0", 0), ("exit 7", 7 << 8), ("kill -9 $$", 9)])
async def test_how_it_ended(supervisor: Supervisor, text: str, status: int) -> None:
    process = await supervisor.spawn(shell(text), channel=False)
    assert await process.wait() == status
    os.close(process.log)


@pytest.mark.parametrize(
    ("content", "mode", "number"),
    [
        (None, 0o755, errno.ENOENT),
        ("#!/bin/sh\n", 0o644, errno.EACCES),
        ("#!/no/such/thing\n", 0o755, errno.ENOENT),
        ("\x00\x01", 0o755, errno.ENOEXEC),
    ],
)
async def test_what_cannot_be_run(
    supervisor: Supervisor, tmp_path: Path, content: str | None, mode: int, number: int
) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(mode)
    with pytest.raises(NotStarted) as caught:
        await supervisor.spawn([str(program)], channel=False)
    assert caught.value.number == number
    process = await supervisor.spawn(shell("echo still here"), channel=False)
    assert await output(process) == "still here\n"


async def test_what_it_left_running_ends_with_it(supervisor: Supervisor) -> None:
    process = await supervisor.spawn(shell("sleep 60 & setsid sleep 60 & echo $!; exit 0"), channel=False)
    await process.wait()
    with os.fdopen(process.log) as log:  # it ends when the last who could write is gone
        stray = int((await asyncio.to_thread(log.read)).split()[0])
    assert gone([stray])


async def test_killing_it_ends_its_group(supervisor: Supervisor) -> None:
    process = await supervisor.spawn(shell("sleep 60 & wait"), channel=False)
    children: list[psutil.Process] = []
    while not children:
        children = psutil.Process(process.pid).children()
        await asyncio.sleep(0.01)
    process.kill()
    assert await process.wait() == signal.SIGKILL
    assert gone([child.pid for child in children])
    process.kill()  # once more does no harm
    os.close(process.log)


async def test_signals_that_python_ignores_are_not_ignored(supervisor: Supervisor) -> None:
    process = await supervisor.spawn(shell("kill -PIPE $$; echo survived"), channel=False)
    assert await process.wait() == signal.SIGPIPE
    os.close(process.log)


async def test_many_at_once(supervisor: Supervisor) -> None:
    processes = await asyncio.gather(
        *(supervisor.spawn(shell(f"exit {n}"), channel=False) for n in range(60))
    )
    statuses = await asyncio.gather(*(process.wait() for process in processes))
    assert [os.WEXITSTATUS(status) for status in statuses] == list(range(60))
    for process in processes:
        os.close(process.log)


def _pid(supervisor: Supervisor) -> int:
    assert supervisor._process is not None
    return supervisor._process.pid


async def test_one_that_nobody_waits_for_any_more_is_ended(supervisor: Supervisor) -> None:
    task = asyncio.ensure_future(supervisor.spawn(shell("sleep 60"), channel=False))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    parent = psutil.Process(_pid(supervisor))
    async with asyncio.timeout(10):
        while parent.children():
            await asyncio.sleep(0.01)


async def test_its_parents_end_is_its_own(supervisor: Supervisor) -> None:
    process = await supervisor.spawn(shell("sleep 60"), channel=False)
    os.kill(_pid(supervisor), signal.SIGKILL)
    assert await process.wait() == 9
    assert gone([process.pid])
    assert not supervisor.alive
    with pytest.raises(ServiceFault, match="couldn't be started"):
        await supervisor.spawn(shell("true"))
    os.close(process.log)


async def test_a_spawner_starts_another_parent_if_one_died() -> None:
    spawner = Spawner()
    first = await spawner.ready()
    assert await spawner.ready() is first
    os.kill(_pid(first), signal.SIGKILL)
    async with asyncio.timeout(10):
        while first.alive:
            await asyncio.sleep(0.01)
    second = await spawner.ready()
    assert second is not first
    await first.close()
    await spawner.close()


async def test_a_parent_that_cannot_start(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit(1)")
    with pytest.raises(ServiceFault, match="couldn't start"):
        await Supervisor.start(sys.executable, script)
