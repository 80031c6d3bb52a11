"""The life of the services process: start, death, end, and what is said of each."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from lablambda.clock import Clock
from lablambda.model.errors import NotImplementedHere, ServiceFault
from lablambda.services.backend import Push, ServiceRequest
from lablambda.services.moto_backend import MotoServices
from tests.processes import gone
from tests.services.asking import to_s3

pytestmark = pytest.mark.anyio
LIST_BUCKETS = to_s3("GET", "/")


async def nobody(_: Push) -> str | None:
    return "nobody is there"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[MotoServices]:
    made = MotoServices(tmp_path, nobody, lambda _: None, Clock())
    yield made
    await made.close()


def children_in(folder: Path) -> list[psutil.Process]:
    """Our backends there. Their end is the event loop's to await: psutil's would take it away from it."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            found += [child] if child.cwd() == str(folder) else []
    return found


async def test_what_dies_unseen_is_told_once(services: MotoServices, tmp_path: Path) -> None:
    # given a backend that is killed while nobody uses it
    await services.forward(LIST_BUCKETS)
    (process,) = children_in(tmp_path)
    process.kill()
    assert services._process is not None
    await services._process.process.wait()
    # then the next request says what was lost, and the one after finds a new backend
    with pytest.raises(
        ServiceFault, match=r"killed by signal 9.* buckets, tables and queues must be made again"
    ):
        await services.forward(LIST_BUCKETS)
    assert (await services.forward(LIST_BUCKETS)).status == 200
    # and it can still be read afterwards
    assert "killed by signal 9" in services.status()["lost"]
    assert "killed by signal 9" in (tmp_path / "services.log").read_text()


async def test_who_asked_first_may_leave(services: MotoServices, tmp_path: Path) -> None:
    # given two that wait for the first start
    first, second = (asyncio.ensure_future(services.forward(LIST_BUCKETS)) for _ in range(2))
    while not children_in(tmp_path):
        await asyncio.sleep(0.005)
    # when one gives up
    first.cancel()
    # then the other gets the backend that was starting
    started = children_in(tmp_path)
    assert (await second).status == 200
    assert children_in(tmp_path) == started


async def test_closing_while_it_starts(services: MotoServices, tmp_path: Path) -> None:
    asking = asyncio.ensure_future(services.forward(LIST_BUCKETS))
    while not children_in(tmp_path):
        await asyncio.sleep(0.005)
    await services.close()
    assert children_in(tmp_path) == []
    with pytest.raises(ServiceFault, match="closing"):
        await asking
    with pytest.raises(ServiceFault, match="closing"):
        await services.forward(LIST_BUCKETS)


async def test_closing_is_not_a_death(services: MotoServices, tmp_path: Path) -> None:
    await services.forward(LIST_BUCKETS)
    (process,) = children_in(tmp_path)
    process.suspend()  # so that the request is still under way
    asking = asyncio.ensure_future(services.forward(LIST_BUCKETS))
    await asyncio.wait({asking}, timeout=0.05)
    process.resume()
    await services.close()
    (answer,) = await asyncio.gather(asking, return_exceptions=True)
    if isinstance(answer, BaseException):  # it may just have made it
        assert "closing" in str(answer)
    with pytest.raises(ServiceFault, match="closing"):
        await services.forward(LIST_BUCKETS)
    assert children_in(tmp_path) == []
    assert "lost" not in services.status()
    assert (tmp_path / "services.log").read_text() == ""


async def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("a file is in the way")
    services = MotoServices(tmp_path / "services", nobody, lambda _: None, Clock())
    with pytest.raises(ServiceFault, match="another --data folder"):
        await services.forward(LIST_BUCKETS)
    # when it is repaired, then the next request starts the backend
    (tmp_path / "services").unlink()
    assert (await services.forward(LIST_BUCKETS)).status == 200
    await services.close()


async def test_an_old_log_does_not_explain_a_new_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "services.log").write_text("an error of last week\n")
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ServiceFault, match="didn't start: it said nothing"):
        await MotoServices(tmp_path, nobody, lambda _: None, Clock()).forward(LIST_BUCKETS)


OWNER = """
import asyncio, sys
from pathlib import Path
from lablambda.clock import Clock
from lablambda.services.backend import ServiceRequest
from lablambda.services.moto_backend import MotoServices
async def main():
    services = MotoServices(Path(sys.argv[1]), None, lambda _: None, Clock())
    await services.forward(ServiceRequest("GET", "/", "", {"host": "127.0.0.1"}, b""))
    print(services._process.process.pid, flush=True)
    await asyncio.sleep(300)
asyncio.run(main())
"""


@pytest.mark.parametrize("suspended", [False, True])
def test_it_goes_when_the_lab_is_killed(tmp_path: Path, suspended: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        if suspended:  # it can't see its standard input end
            os.kill(pid, signal.SIGSTOP)
        owner.kill()
    assert gone([pid])


async def test_it_sees_nothing_of_the_users(
    services: MotoServices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    await services.forward(LIST_BUCKETS)
    (process,) = children_in(tmp_path)
    environment = process.environ()
    assert "secret" not in environment.values()
    assert environment["DOCKER_HOST"] == "unix:///nonexistent"
    kept = {"PATH", "PYTHONPATH", "TMPDIR", "LANG", "HOME", "DOCKER_HOST"}
    named = {name for name in environment if not name.startswith("MOTO_")}
    assert named <= kept | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


async def test_long_polls_leave_room_for_others(services: MotoServices) -> None:
    def sqs(action: str, body: str) -> ServiceRequest:
        signed = "AWS4-HMAC-SHA256 Credential=a/20261101/us-east-1/sqs/aws4_request"
        headers = {"host": "127.0.0.1", "authorization": signed, "x-amz-target": f"AmazonSQS.{action}"}
        return ServiceRequest(
            "POST", "/", "", headers | {"content-type": "application/x-amz-json-1.0"}, body.encode()
        )

    assert (await services.forward(sqs("CreateQueue", '{"QueueName": "q"}'))).status == 200
    poll = sqs("ReceiveMessage", '{"QueueUrl": "http://127.0.0.1/000000000000/q", "WaitTimeSeconds": 20}')
    polls = [asyncio.ensure_future(services.forward(poll)) for _ in range(150)]
    await asyncio.wait(polls, timeout=1)
    async with asyncio.timeout(5):
        assert (await services.forward(LIST_BUCKETS)).status == 200
    assert not any(asked.done() for asked in polls)
    for asked in polls:
        asked.cancel()
    await asyncio.wait(polls)


async def test_what_moto_has_not_built(services: MotoServices, tmp_path: Path) -> None:
    signed = "AWS4-HMAC-SHA256 Credential=a/20261101/us-east-1/athena/aws4_request"
    target = {"x-amz-target": "AmazonAthena.ListEngineVersions", "content-type": "application/x-amz-json-1.1"}
    asked = ServiceRequest("POST", "/", "", {"host": "127.0.0.1", "authorization": signed, **target}, b"{}")
    with pytest.raises(NotImplementedHere, match="ListEngineVersions"):
        await services.forward(asked)
    assert (await services.forward(LIST_BUCKETS)).status == 200
