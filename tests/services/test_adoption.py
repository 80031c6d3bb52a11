"""What becomes of the services when their lab is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lablambda.clock import Clock
from lablambda.services import adoption
from lablambda.services.backend import Push
from lablambda.services.moto_backend import MotoServices
from tests.processes import gone
from tests.services.asking import FUNCTION, to_s3

pytestmark = pytest.mark.anyio

# A lab that answers questions, and hangs when it gets an event.
OWNER = """
import asyncio, sys
from pathlib import Path
from lablambda.clock import Clock
from lablambda.services.moto_backend import MotoServices
from tests.services.asking import notification, to_s3

async def deliver(push):
    if push.kind == "invoke":
        print("event", flush=True)
        await asyncio.sleep(300)

async def main():
    clock = Clock()
    clock.advance(1_000_000)
    services = MotoServices(Path(sys.argv[1]), deliver, lambda _: None, clock, linger_s=float(sys.argv[2]))
    await services.forward(to_s3("PUT", "/bucket"))
    await services.forward(to_s3("PUT", "/bucket/before", b"x"))
    await services.forward(to_s3("PUT", "/bucket", notification("s3:ObjectCreated:*"), "notification"))
    print(services._process.process.pid, flush=True)
    await services.forward(to_s3("PUT", "/bucket/during", b"y"))

asyncio.run(main())
"""


def killed(folder: Path, linger_s: float = 60) -> int:
    """A lab was killed while an event was on its way into it; gives the pid of its services."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, folder, str(linger_s)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert owner.stdout.readline() == "event\n"
        owner.kill()
    return pid


async def test_the_next_lab_takes_over(tmp_path: Path) -> None:
    pid = killed(tmp_path)
    pushes: list[Push] = []

    async def deliver(push: Push) -> str | None:
        pushes.append(push)
        return None

    clock = Clock()
    services = MotoServices(tmp_path, deliver, lambda _: None, clock)
    before = clock.now()
    await services.resume()
    assert clock.now() > before + 900_000  # theirs is the lab's time, which never goes back
    assert "taken over" in services.status()["state"]
    assert services._process is not None
    assert services._process.process.pid == pid
    # what was there is there
    assert (await services.forward(to_s3("GET", "/bucket/before"))).body == b"x"
    assert (await services.forward(to_s3("GET", "/bucket/during"))).body == b"y"
    # the event that the former lab didn't answer comes, and so do new ones
    await services.forward(to_s3("PUT", "/bucket/after", b"z"))
    keys = [push.event["Records"][0]["s3"]["object"]["key"] for push in pushes]
    assert sorted(keys) == ["after", "during"]
    assert {push.function_arn for push in pushes} == {FUNCTION}
    await services.close()
    assert gone([pid])


async def test_one_that_nobody_takes_over_ends(tmp_path: Path) -> None:
    assert gone([killed(tmp_path, linger_s=0.5)])
    services = MotoServices(tmp_path, nobody, lambda _: None, Clock())
    await services.resume()
    assert services.status()["state"] == "starts on first use"
    await services.close()


async def test_one_that_doesnt_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "_ANSWER_WITHIN_S", 0.5)
    pid = killed(tmp_path)
    process = psutil.Process(pid)
    process.suspend()
    while process.status() != psutil.STATUS_STOPPED:
        pass
    assert await adoption.find(tmp_path) is None
    assert gone([pid])


async def test_one_of_another_version_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = killed(tmp_path)
    monkeypatch.setattr("lablambda.services.moto_backend.__version__", "0.0.0")
    services = MotoServices(tmp_path, nobody, lambda _: None, Clock())
    await services.resume()
    assert gone([pid])
    assert "version" in services.status()["lost"]
    assert (await services.forward(to_s3("GET", "/bucket/before"))).status == 404
    await services.close()


async def test_the_death_of_one_that_was_taken_over(tmp_path: Path) -> None:
    pid = killed(tmp_path)
    services = MotoServices(tmp_path, nobody, lambda _: None, Clock())
    await services.resume()
    assert services._process is not None
    os.kill(pid, signal.SIGKILL)
    await services._process.process.wait()
    with pytest.raises(Exception, match="must be made again"):
        await services.forward(to_s3("GET", "/bucket/before"))
    assert (await services.forward(to_s3("GET", "/bucket/before"))).status == 404
    await services.close()


async def nobody(_: Push) -> str | None:
    return "nobody is there"
