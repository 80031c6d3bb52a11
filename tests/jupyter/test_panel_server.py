"""What the panel asks of a lab through a Jupyter server: real servers, real clients."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection
from websockets.typing import Origin

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.model.source import QueueSource, UrlSource
from lablambda.samples import SAMPLES
from tests.jupyter_servers import JupyterServer, jupyter_server
from tests.processes import Home

PYTHON = f"python3.{sys.version_info.minor}"
PREFIX = "/user/ada/"
SOURCE = b"""
def handler(event, context):
    print("got", event)
    return {"twice": event["n"] * 2}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A user with a lab of the usual name, and a function in it."""
    made = Home(tmp_path_factory.mktemp("panel"))
    try:
        started = made.run("up", "--detach")
        assert started.returncode == 0, started.stderr
        sources = (UrlSource(), QueueSource("numbers"))
        deploy(
            Deployment("twice", PYTHON, "f.handler", {"f.py": SOURCE}, sources=sources), made.lab("default")
        )
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def lab(home: Home) -> Lab:
    return home.labs[0]


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[JupyterServer]:
    words = (f"--ServerApp.base_url={PREFIX}", f"--ServerApp.root_dir={home.folder}")
    with jupyter_server(home, "server", *words) as running:
        yield running


@pytest.fixture(scope="module")
def person(server: JupyterServer) -> Iterator[httpx.Client]:
    """A browser that is logged in by its cookie."""
    with httpx.Client(timeout=30, base_url=server.url) as client:
        assert client.get(server.url, params={"token": server.token}).status_code in (200, 302)
        yield client


@pytest.fixture(scope="module")
def xsrf(person: httpx.Client) -> dict[str, str]:
    return {"x-xsrftoken": person.cookies["_xsrf"]}


INVOKE = "lablambda/api/default/lambda/2015-03-31/functions/twice/invocations"


def test_a_function_is_invoked(person: httpx.Client, xsrf: dict[str, str]) -> None:
    answer = person.post(INVOKE, json={"n": 21}, headers={**xsrf, "x-amz-log-type": "Tail"})
    assert (answer.status_code, answer.json()) == (200, {"twice": 42})
    assert {"x-amz-log-result", "x-amz-executed-version", "x-amzn-requestid"} <= set(answer.headers)
    failed = person.post(INVOKE, json={}, headers=xsrf)
    assert failed.headers["x-amz-function-error"] == "Unhandled"


def test_every_kind_of_call_goes_through(person: httpx.Client, xsrf: dict[str, str]) -> None:
    listed = person.get("lablambda/api/default/lambda/2015-03-31/functions/?MaxItems=5").json()
    assert [function["FunctionName"] for function in listed["Functions"]] == ["twice"]
    assert person.get("lablambda/api/default/lablambda/lablambda/status").json()["name"] == "default"
    headers = {
        **xsrf,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "Logs_20140328.DescribeLogGroups",
    }
    assert "logGroups" in person.post("lablambda/api/default/logs/", content=b"{}", headers=headers).json()
    gone = person.get("lablambda/api/default/lambda/2015-03-31/functions/no%20such")
    assert gone.status_code in (400, 404)
    assert gone.headers["content-type"].startswith("application/")


def test_only_for_who_is_logged_in_and_from_jupyters_own_pages(
    person: httpx.Client, server: JupyterServer
) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        for path in ("lablambda/labs", "lablambda/labs/default/samples", INVOKE):
            assert stranger.get(path).status_code == 403
        assert stranger.post(INVOKE, json={"n": 1}).status_code == 403
    assert person.post(INVOKE, json={"n": 1}).status_code == 403  # without the XSRF header
    assert person.get("lablambda/labs", headers={"origin": "https://elsewhere.example"}).status_code in (
        403,
        404,
    )


def test_labs_samples_and_what_surrounds_a_function(person: httpx.Client, lab: Lab) -> None:
    assert person.get("lablambda/labs").json() == {"labs": ["default"], "usual": "default"}
    assert set(person.get("lablambda/labs/default/samples").json()["samples"]) == set(SAMPLES)
    found = person.get("lablambda/labs/default/functions/twice").json()
    assert set(found["sources"]) == {"url", "sqs:numbers"}
    (endpoint,) = found["endpoints"]
    assert endpoint["in_browser"].startswith(f"{PREFIX}lablambda/endpoint/lambda-url/")
    assert endpoint["curl"].startswith("curl --cacert")


def test_a_lab_that_is_not_there(person: httpx.Client, xsrf: dict[str, str]) -> None:
    for path in ("lablambda/api/nobody/lambda/x", "lablambda/labs/nobody/samples"):
        answer = person.get(path)
        assert answer.status_code == 503
        assert "lablambda up" in answer.json()["message"]
    for path in ("lablambda/api/%2Ftmp%2Fx.json/lambda/x", "lablambda/labs/..%2Fx/samples"):
        assert "can't name a lab" in person.get(path).json()["message"]
    assert person.post("lablambda/labs", json={}, headers=xsrf).status_code == 400


def test_a_lab_is_started(person: httpx.Client, xsrf: dict[str, str], home: Home) -> None:
    assert person.post("lablambda/labs", json={"name": "second"}, headers=xsrf).json() == {"name": "second"}
    home.lab("second")
    assert person.get("lablambda/labs").json()["labs"] == ["default", "second"]
    person.post("lablambda/api/second/lablambda/lablambda/shutdown", headers=xsrf)


# ------------------------------------------------------------------------------------------------ live


def watch(server: JupyterServer, person: httpx.Client | None, name: str, **more: Any) -> ClientConnection:
    cookies = person.cookies if person is not None else {}
    sent = "; ".join(f"{cookie}={value}" for cookie, value in cookies.items())
    address = f"{server.url}lablambda/live/{name}".replace("http:", "ws:")
    origin = more.pop("origin", server.url.partition(PREFIX)[0])
    return connect(address, origin=Origin(origin), additional_headers={"Cookie": sent}, proxy=None)


def until(socket: Connection, wanted: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        message = json.loads(socket.recv(timeout=20))
        if wanted(message):
            return message
    raise TimeoutError


def test_what_happens_is_told(person: httpx.Client, server: JupyterServer, lab: Lab) -> None:
    with watch(server, person, "default") as socket:
        first = json.loads(socket.recv(timeout=10))
        assert first["whole"]
        assert first["functions"][0]["configuration"]["FunctionName"] == "twice"
        began = time.monotonic()
        many = [threading.Thread(target=lab.function("twice").invoke, args=({"n": 1},)) for _ in range(60)]
        for thread in many:
            thread.start()
        told = messages = 0
        while told < 60:
            told += json.loads(socket.recv(timeout=10))["counts"].get("twice", {}).get("invocations", 0)
            messages += 1
        assert messages <= (time.monotonic() - began) * 10 + 2
        for thread in many:
            thread.join()


def test_a_lab_ends_and_another_takes_its_name(
    person: httpx.Client, server: JupyterServer, home: Home, xsrf: dict[str, str]
) -> None:
    with watch(server, person, "third") as socket:
        assert "No lab named 'third'" in json.loads(socket.recv(timeout=10))["absent"]
        person.post("lablambda/labs", json={"name": "third"}, headers=xsrf)
        home.lab("third")
        assert until(socket, lambda message: "whole" in message)["functions"] == []
        person.post("lablambda/api/third/lablambda/lablambda/shutdown", headers=xsrf)
        assert until(socket, lambda message: "absent" in message)


def test_nobody_else_watches(person: httpx.Client, server: JupyterServer) -> None:
    for who, origin in ((None, server.url.partition(PREFIX)[0]), (person, "https://elsewhere.example")):
        with pytest.raises(InvalidStatus) as refused:
            watch(server, who, "default", origin=origin)
        assert refused.value.response.status_code == 403
