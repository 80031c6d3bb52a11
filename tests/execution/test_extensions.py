"""The Extensions API, by HTTP on one side and as the lab uses it on the other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lablambda.execution.extensions import State
from lablambda.execution.worker import Failed
from tests.execution.conftest import Answer, Client, soon

pytestmark = pytest.mark.anyio
HEADER = {"request_id": "r-1", "arn": "arn", "deadline_ms": 1, "trace_id": "Root=1"}
NOT_ALLOWED = "State transition from {} to {} failed for extension {}. Error: State transition is not allowed"
NOBODY = "00000000-0000-0000-0000-000000000000"


async def register(client: Client, name: str, *events: str, **headers: str) -> Answer:
    body = json.dumps({"events": events})
    path = "/2020-01-01/extension/register"
    return await client.ask("POST", path, body, Lambda_Extension_Name=name, **headers)


async def registered(client: Client, name: str, *events: str) -> str:
    answer = await register(client, name, *events)
    assert answer.status == 200
    return answer.headers["lambda-extension-identifier"]


async def call(client: Client, method: str, path: str, identity: str, **headers: str) -> Answer:
    path = f"/2020-01-01/extension/{path}"
    return await client.ask(method, path, Lambda_Extension_Identifier=identity, **headers)


def asking(client: Client, identity: str) -> asyncio.Future[Answer]:
    return asyncio.ensure_future(call(client, "GET", "event/next", identity))


# ------------------------------------------------------------------------------------------ registering


async def test_registering(client: Client) -> None:
    answer = await register(client, "outer", "INVOKE", "SHUTDOWN")
    assert (answer.status, answer.told) == (200, {"functionName": "f"})
    assert len(answer.headers["lambda-extension-identifier"]) == 36
    assert (await register(client, "inner", "INVOKE")).status == 200


async def test_the_account_is_told_to_who_asks_for_it(client: Client) -> None:
    answer = await register(client, "outer", Lambda_Extension_Accept_Feature="more, accountId")
    assert answer.told == {"functionName": "f", "accountId": "1"}


@pytest.mark.parametrize(
    ("name", "events", "kind", "message"),
    [
        ("", ["INVOKE"], "InvalidExtensionName", "Empty extension name"),
        ("twice", ["INVOKE"], "InvalidExtensionState", "Extension with this name already registered"),
        ("other", ["INVOKE", "BEGIN"], "InvalidEventType", "BEGIN: ErrorInvalidEventType"),
        (
            "inner",
            ["SHUTDOWN"],
            "InvalidEventType",
            "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
        ),
        (
            "outer",
            ["INVOKE"],
            "InvalidExtensionState",
            NOT_ALLOWED.format("Registered", "Registered", "outer"),
        ),
    ],
)
async def test_registering_wrongly(
    client: Client, name: str, events: list[str], kind: str, message: str
) -> None:
    for known in ("twice", "outer"):
        await register(client, known, "INVOKE")
    answer = await register(client, name, *events)
    assert (answer.status, answer.told) == (
        403,
        {"errorMessage": message, "errorType": f"Extension.{kind}"},
    )


@pytest.mark.parametrize(
    "body",
    ["", "{", "[1]", '{"events": 7}', '{"events": "INVOKE"}', '{"events": [1]}', "\x00", "[" * 100_000],
)
async def test_registering_with_nonsense(client: Client, body: str) -> None:
    answer = await client.ask("POST", "/2020-01-01/extension/register", body, Lambda_Extension_Name="outer")
    assert answer.error == (403, "InvalidRequestFormat")


async def test_there_may_be_ten(client: Client) -> None:
    for number in range(9):
        assert (await register(client, f"inner-{number}")).status == 200
    refused = await register(client, "one-more")
    assert refused.error == (403, "Extension.TooManyExtensions")
    assert refused.told["errorMessage"] == "Extension limit (10) reached"
    assert (await register(client, "outer")).status == 200, "the external ones have their place"


async def test_nobody_registers_when_init_is_over(client: Client) -> None:
    waiting = asking(client, await registered(client, "outer", "INVOKE"))
    await client.extensions.ready(soon())
    assert (await register(client, "late")).error == (403, "Extension.RegistrationClosed")
    client.extensions.tell_invoke(HEADER)
    assert (await waiting).status == 200


async def test_who_is_not_known(client: Client) -> None:
    for method, path in (("GET", "event/next"), ("POST", "init/error"), ("POST", "exit/error")):
        missing = await client.ask(method, f"/2020-01-01/extension/{path}")
        assert missing.error == (403, "Extension.MissingExtensionIdentifier")
        assert missing.told["errorMessage"] == "Missing Lambda-Extension-Identifier header"
        unknown = await call(client, method, path, NOBODY)
        assert unknown.error == (403, "Extension.UnknownExtensionIdentifier")
        assert (await call(client, method, path, "x")).error == (403, "Extension.InvalidExtensionIdentifier")


# ----------------------------------------------------------------------------------------------- events


async def test_the_events(client: Client) -> None:
    identity = await registered(client, "outer", "INVOKE", "SHUTDOWN")
    waiting = asking(client, identity)
    await client.extensions.ready(soon())
    client.extensions.tell_invoke(HEADER)
    event = await waiting
    assert event.told == {
        "eventType": "INVOKE",
        "deadlineMs": 1,
        "requestId": "r-1",
        "invokedFunctionArn": "arn",
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1"},
    }
    assert len(event.headers["lambda-extension-event-identifier"]) == 36
    waiting = asking(client, identity)
    await client.extensions.settled(soon())
    assert client.extensions.tell_shutdown("SPINDOWN", 2.0) == ["outer"]
    told: dict[str, Any] = (await waiting).told
    assert told.pop("deadlineMs") > 1_700_000_000_000
    assert told == {"eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN"}


async def test_nobody_hears_what_it_did_not_ask_for(client: Client) -> None:
    waiting = asking(client, await registered(client, "outer", "SHUTDOWN"))
    inner = asking(client, await registered(client, "inner", "INVOKE"))
    await client.extensions.ready(soon())
    client.extensions.tell_invoke(HEADER)
    assert (await inner).told["eventType"] == "INVOKE"
    assert client.extensions.tell_shutdown("TIMEOUT", 2.0) == ["outer"]
    assert (await waiting).told["shutdownReason"] == "TIMEOUT"


async def test_init_waits_for_each(client: Client) -> None:
    with pytest.raises(TimeoutError):
        await client.extensions.ready(soon(0.05))
    outer = await registered(client, "outer", "INVOKE")
    await client.extensions.registered()
    inner = await registered(client, "inner")
    waiting = [asking(client, outer)]
    with pytest.raises(TimeoutError):
        await client.extensions.ready(soon(0.05))
    waiting.append(asking(client, inner))
    await client.extensions.ready(soon())
    for poll in waiting:
        poll.cancel()


async def test_an_invocation_waits_for_each_that_was_told(client: Client) -> None:
    identity = await registered(client, "outer", "INVOKE")
    waiting = asking(client, identity)
    await client.extensions.ready(soon())
    client.extensions.tell_invoke(HEADER)
    await waiting
    with pytest.raises(TimeoutError):
        await client.extensions.settled(soon(0.05))
    waiting = asking(client, identity)
    await client.extensions.settled(soon())
    client.extensions.tell_invoke(HEADER)
    await waiting


async def test_a_poll_that_was_given_up_swallows_no_event(client: Client) -> None:
    identity = await registered(client, "outer", "INVOKE")
    head = f"GET /2020-01-01/extension/event/next HTTP/1.1\r\nLambda-Extension-Identifier: {identity}\r\n\r\n"
    _, writer = await client.connect(head.encode())
    await client.extensions.ready(soon())
    writer.transport.abort()
    waiting = asking(client, identity)
    await asyncio.sleep(0.05)
    client.extensions.tell_invoke(HEADER)
    assert (await waiting).told["requestId"] == "r-1"


# ----------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(("what", "kind"), [("init", "Extension.InitError"), ("exit", "Extension.ExitError")])
@pytest.mark.parametrize("how", ["exit status 3", None])
async def test_one_that_reports_an_error(client: Client, what: str, kind: str, how: str | None) -> None:
    """It is expected to exit; if it doesn't, it fails all the same."""
    identity = await registered(client, "outer", "INVOKE")
    told = {"Lambda_Extension_Function_Error_Type": "Extension.Odd"}
    assert (await call(client, "POST", f"{what}/error", identity, **told)).told == {"status": "OK"}
    assert (await call(client, "POST", f"{what}/error", identity, **told)).status == 202, "more than once"
    if how is not None:
        client.extensions.gone("outer", how)
    with pytest.raises(Failed, match=how or "The extension outer reported Extension.Odd") as failure:
        await client.extensions.ready(soon())
    assert failure.value.kind == kind
    assert (await call(client, "GET", "event/next", identity)).error[1] == "Extension.InvalidExtensionState"


async def test_an_error_without_its_type_is_none(client: Client) -> None:
    identity = await registered(client, "outer", "INVOKE")
    for path in ("init/error", "exit/error"):
        refused = await call(client, "POST", path, identity)
        assert refused.error == (403, "Extension.MissingHeader")
        assert refused.told["errorMessage"] == "Lambda-Extension-Function-Error-Type not found"
    assert client.extensions.failure is None


async def test_an_init_error_comes_before_the_first_event(client: Client) -> None:
    identity = await registered(client, "outer", "INVOKE")
    waiting = asking(client, identity)
    await client.extensions.ready(soon())
    told = {"Lambda_Extension_Function_Error_Type": "Extension.Odd"}
    refused = await call(client, "POST", "init/error", identity, **told)
    assert refused.error == (403, "Extension.InvalidExtensionState")
    assert "from Ready to InitError failed for extension" in refused.told["errorMessage"]
    client.extensions.tell_invoke(HEADER)
    await waiting


async def test_one_that_ends(client: Client) -> None:
    client.extensions.gone("outer", "exit code 0")
    for wait in (client.extensions.registered(), client.extensions.settled(soon())):
        with pytest.raises(Failed, match="exit code 0") as failure:
            await wait
        assert failure.value.kind == "Extension.Crash"


def test_the_states_are_named_as_in_awss_messages() -> None:
    assert {state.value for state in State} == {"Registered", "Ready", "Running", "InitError", "ExitError"}
