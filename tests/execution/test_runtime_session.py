"""The Runtime API, by HTTP on one side and as the lab uses it on the other."""

from __future__ import annotations

import asyncio
import json

import pytest

from lablambda.execution.channel import ChannelClosed, Kind, NotSent
from lablambda.execution.runtime_session import Phase, RuntimeSession
from lablambda.rules.limits import RESPONSE_BYTES
from tests.execution.conftest import Answer, Client, soon

pytestmark = pytest.mark.anyio
HEADER = {"request_id": "r-1", "arn": "arn", "deadline_ms": 1}
PEAK = bytes(4)


async def at_work(client: Client, request_id: str = "r-1", **more: str) -> Answer:
    """Bring a runtime to work on an event; gives what it was told."""
    asking = asyncio.ensure_future(client.next())
    if client.runtime._phase is Phase.STARTING:
        assert await client.runtime.receive(soon()) == (Kind.READY, b"")
    await client.runtime.invoke(HEADER | {"request_id": request_id} | more, b'{"a": 1}', soon())
    return await asking


def streaming(*chunks: bytes, request_id: str = "r-1", more: str = "") -> bytes:
    """The beginning of a streamed answer."""
    head = (
        f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nHost: h\r\n{more}"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head.encode("latin-1") + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


# ------------------------------------------------------------------------------------- asking for events


async def test_a_runtime_that_asks_and_answers(client: Client) -> None:
    for request_id in ("r-1", "r-2", "r-3"):
        event = await at_work(client, request_id)
        assert (event.status, event.headers["lambda-runtime-aws-request-id"]) == (200, request_id)
        assert event.told == {"a": 1}
        answer = await client.respond(request_id, "[1]")
        assert (answer.status, answer.told) == (202, {"status": "OK"})
        assert await client.runtime.receive(soon()) == (Kind.RESPONSE, PEAK + b"[1]")


async def test_a_poll_that_was_given_up_swallows_no_event(client: Client) -> None:
    _, writer = await client.connect(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n")
    await client.runtime.receive(soon())
    writer.transport.abort()
    assert (await at_work(client)).told == {"a": 1}


async def test_an_event_that_was_lost_on_its_way_is_handed_over_again(client: Client) -> None:
    """The lab writes it while the runtime hangs up, and neither knows of the other."""
    _, writer = await client.connect(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n")
    await client.runtime.receive(soon())
    await client.runtime.invoke(HEADER, b"7", soon())
    writer.transport.abort()
    again, once_more = await client.next(), await client.next()
    assert again == once_more
    assert (again.told, again.headers["lambda-runtime-aws-request-id"]) == (7, "r-1")
    assert (await client.respond("r-1")).status == 202


async def test_the_headers_of_an_event(client: Client) -> None:
    event = await at_work(client, trace_id="Root=1", client_context='{\r\n"n": "é"\n}')
    told = {name: text for name, text in event.headers.items() if name.startswith("lambda-")}
    assert told == {
        "lambda-runtime-aws-request-id": "r-1",
        "lambda-runtime-deadline-ms": "1",
        "lambda-runtime-invoked-function-arn": "arn",
        "lambda-runtime-trace-id": "Root=1",
        "lambda-runtime-client-context": '{  "n": "é" }'.encode().decode("latin-1"),
    }
    assert event.headers["content-type"] == "application/json"


# -------------------------------------------------------------------------------------------- answering


@pytest.mark.parametrize("body", [b"", b"null", bytes(range(256)), b"x" * RESPONSE_BYTES])
async def test_an_answer_is_bytes(client: Client, body: bytes) -> None:
    await at_work(client)
    connected = b"POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b"
    reader, writer = await client.connect(connected % (len(body), body))
    assert (await reader.readuntil(b'{"status":"OK"}\n')).startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert await client.runtime.receive(soon()) == (Kind.RESPONSE, PEAK + body)
    writer.close()


@pytest.mark.parametrize("what", ["response", "error"])
async def test_an_answer_that_is_too_large(client: Client, what: str) -> None:
    await at_work(client)
    path = f"/2018-06-01/runtime/invocation/r-1/{what}"
    refused = await client.ask("POST", path, b"x" * (RESPONSE_BYTES + 1))
    assert refused.error == (413, "RequestEntityTooLarge")
    assert refused.told["errorMessage"] == "Exceeded maximum allowed payload size (6291556 bytes)."
    kind, body = await client.runtime.receive(soon())
    assert (kind, json.loads(body[4:])["errorType"]) == (Kind.ERROR, "Function.ResponseSizeTooLarge")
    assert (await at_work(client, "r-2")).status == 200


async def test_an_error_is_passed_on_as_it_is(client: Client) -> None:
    await at_work(client)
    told = '{ "errorMessage": "m", "errorType": "T", "stackTrace": [] }'
    answer = await client.ask("POST", "/2018-06-01/runtime/invocation/r-1/error", told)
    assert (answer.status, answer.told) == (202, {"status": "OK"})
    assert await client.runtime.receive(soon()) == (Kind.ERROR, PEAK + told.encode())


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Function.Odd", "Function.Odd"),
        ("Runtime.NoSuchHandler", "Runtime.NoSuchHandler"),
        ("Function.odd", "Function.Unknown"),
        ("ValueError", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
    ],
)
async def test_the_type_of_an_error_that_says_nothing_else(client: Client, told: str, kept: str) -> None:
    await at_work(client)
    path = "/2018-06-01/runtime/invocation/r-1/error"
    await client.ask("POST", path, Lambda_Runtime_Function_Error_Type=told)
    _, body = await client.runtime.receive(soon())
    assert json.loads(body[4:]) == {"errorType": kept, "errorMessage": ""}


async def test_an_error_of_a_runtime_that_streams_keeps_its_body(client: Client) -> None:
    await at_work(client)
    path, mode = "/2018-06-01/runtime/invocation/r-1/error", "streaming"
    await client.ask("POST", path, '{"errorType": "T"}', Lambda_Runtime_Function_Response_Mode=mode)
    assert await client.runtime.receive(soon()) == (Kind.ERROR, PEAK + b'{"errorType": "T"}')


async def test_a_mode_that_there_is_not(client: Client) -> None:
    await at_work(client)
    refused = await client.respond("r-1", "1", Lambda_Runtime_Function_Response_Mode="buffered")
    assert refused.error == (400, "InvalidFunctionResponseMode")
    kind, body = await client.runtime.receive(soon())
    assert (kind, json.loads(body[4:])["errorType"]) == (Kind.ERROR, "Runtime.InvalidResponseModeHeader")


async def test_an_init_that_fails(client: Client) -> None:
    told = await client.ask("POST", "/2018-06-01/runtime/init/error", '{"errorType": "T"}')
    assert told.status == 202
    assert await client.runtime.receive(soon()) == (Kind.INIT_ERROR, b'{"errorType": "T"}')


# ---------------------------------------------------------------------------------------------- illegal

RESPONSE, ERROR = "invocation/r-1/response", "invocation/r-1/error"
NOT_ALLOWED = "State transition from {} to {} failed for runtime. Error: State transition is not allowed"


@pytest.mark.parametrize(
    ("phase", "method", "path", "target"),
    [
        (Phase.FAILED, "GET", "invocation/next", "Ready"),
        (Phase.FAILED, "POST", "init/error", "InitError"),
        (Phase.WAITING, "POST", "init/error", "InitError"),
        (Phase.WAITING, "POST", RESPONSE, "InvocationResponse"),
        (Phase.AT_WORK, "POST", "init/error", "InitError"),
        (Phase.ANSWERING, "GET", "invocation/next", "Ready"),
        (Phase.ANSWERING, "POST", RESPONSE, "InvocationResponse"),
        (Phase.ANSWERED, "POST", RESPONSE, "InvocationResponse"),
        (Phase.ANSWERED, "POST", ERROR, "InvocationErrorResponse"),
        (Phase.ANSWERED, "POST", "init/error", "InitError"),
    ],
)
async def test_what_is_illegal_changes_nothing(
    client: Client, phase: Phase, method: str, path: str, target: str
) -> None:
    client.runtime._phase = phase
    client.runtime._request_id = "r-1"
    refused = await client.ask(method, f"/2018-06-01/runtime/{path}")
    assert refused.error == (403, "InvalidStateTransition")
    assert refused.told["errorMessage"] == NOT_ALLOWED.format(phase.value, target)
    assert client.runtime._phase is phase
    with pytest.raises(TimeoutError):
        await client.runtime.receive(soon(0.01))


async def test_a_request_that_is_not_under_way(client: Client) -> None:
    assert (await client.respond("r-1")).error == (400, "InvalidRequestID")
    await at_work(client)
    assert (await client.respond("another")).error == (400, "InvalidRequestID")
    assert (await client.respond("r-1")).status == 202
    assert (await client.respond("r-1")).error == (403, "InvalidStateTransition")
    assert (await client.runtime.receive(soon()))[0] is Kind.RESPONSE
    await at_work(client, "r-2")
    assert (await client.respond("r-1")).error == (400, "InvalidRequestID")
    assert (await client.respond("r-2")).status == 202


# -------------------------------------------------------------------------------------------- streaming


async def test_a_streamed_answer_comes_as_it_is_sent(client: Client) -> None:
    await at_work(client)
    reader, writer = await client.connect(streaming(more="Content-Type: text/x\xe9\r\n"))
    assert await client.runtime.receive(soon()) == (Kind.STREAM, b"text/x\xe9")
    for part in (b"one", b"two"):
        writer.write(b"3\r\n%b\r\n" % part)
        assert await client.runtime.receive(soon()) == (Kind.CHUNK, part)
    assert (await client.next()).error == (403, "InvalidStateTransition")
    writer.write(b"0\r\n\r\n")
    assert await client.runtime.receive(soon()) == (Kind.END, PEAK)
    assert b" 202 " in await reader.readline()
    writer.close()
    assert (await at_work(client, "r-2")).status == 200


@pytest.mark.parametrize(
    ("trailers", "told"),
    [
        (b"Error-Type: Function.Broke\r\nLambda-Runtime-Function-Error-Body: eyJhIjogMX0=", {"a": 1}),
        (b"Error-Type: Function.Broke", {"errorType": "Function.Broke", "errorMessage": ""}),
        (b"Error-Type: what?", {"errorType": "Runtime.Unknown", "errorMessage": ""}),
        (
            b"Error-Type: Function.Broke\r\nLambda-Runtime-Function-Error-Body: {}",
            {"errorType": "Function.Broke", "errorMessage": ""},
        ),
        (
            b"Error-Type: Function.Broke\r\nLambda-Runtime-Function-Error-Body: \xff\xe9",
            {"errorType": "Function.Broke", "errorMessage": ""},
        ),
    ],
)
async def test_an_error_midway_is_told_in_the_trailers(client: Client, trailers: bytes, told: object) -> None:
    await at_work(client)
    sent = streaming(b"one") + b"0\r\nLambda-Runtime-Function-%b\r\n\r\n" % trailers
    reader, writer = await client.connect(sent)
    assert (await client.runtime.receive(soon()))[0] is Kind.STREAM
    assert (await client.runtime.receive(soon()))[0] is Kind.CHUNK
    kind, body = await client.runtime.receive(soon())
    assert (kind, json.loads(body[4:])) == (Kind.END, told)
    assert b" 202 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("rest", [b"", b"3\r\nt", b"no length\r\n"])
async def test_a_stream_that_is_cut_off(client: Client, rest: bytes) -> None:
    await at_work(client)
    _, writer = await client.connect(streaming(b"one") + rest)
    writer.close()
    kinds: list[Kind] = []
    while not kinds or kinds[-1] is not Kind.END:
        kind, body = await client.runtime.receive(soon())
        kinds.append(kind)
    assert json.loads(body[4:])["errorType"] == "Runtime.TruncatedResponse"
    assert (await at_work(client, "r-2")).status == 200


async def test_a_stream_whose_client_does_not_wait_for_the_answer_is_whole(client: Client) -> None:
    await at_work(client)
    chunks = [b"%d" % number for number in range(500)]
    _, writer = await client.connect(streaming(*chunks) + b"0\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert (await client.runtime.receive(soon()))[0] is Kind.STREAM
    for chunk in chunks:
        assert await client.runtime.receive(soon()) == (Kind.CHUNK, chunk)
    assert await client.runtime.receive(soon()) == (Kind.END, PEAK)


async def test_a_stream_that_nobody_takes_waits(client: Client) -> None:
    await at_work(client)
    _, writer = await client.connect(streaming())
    writer.write(b"10000\r\n%b\r\n" % bytes(65_536) * 400)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await writer.drain()
    assert client.runtime._frames.qsize() < 100
    assert (await client.runtime.receive(soon()))[0] is Kind.STREAM
    size = 0
    async with asyncio.timeout(10):
        while size < 400 * 65_536:
            kind, body = await client.runtime.receive(soon())
            assert kind is Kind.CHUNK
            size += len(body)
    writer.close()


async def test_a_stream_that_is_refused_harms_nothing(client: Client) -> None:
    await at_work(client)
    sent = streaming(*[bytes(65_536)] * 100, request_id="another") + b"0\r\n\r\n"
    async with asyncio.timeout(10):
        reader, writer = await client.connect(sent)
        assert b" 400 " in await reader.readline()
    writer.close()
    assert (await client.respond("r-1")).status == 202


# ------------------------------------------------------------------------------------- the lab's side


async def test_a_process_that_goes(client: Client) -> None:
    await at_work(client)
    await client.respond("r-1", "1")
    client.runtime.no_more()
    assert (await client.runtime.receive(soon()))[0] is Kind.RESPONSE, "what it said can still be heard"
    for _ in range(2):
        with pytest.raises(ChannelClosed) as told:
            await client.runtime.receive(soon())
        assert not isinstance(told.value, NotSent)
    with pytest.raises(NotSent):
        await client.runtime.invoke(HEADER, b"2", soon())


async def test_a_process_that_goes_without_taking_the_event() -> None:
    session = RuntimeSession()
    await session.invoke(HEADER, b"1", soon())
    session.no_more()
    with pytest.raises(NotSent):
        await session.receive(soon())


async def test_a_runtime_that_asks_no_more_makes_the_lab_wait_until_the_deadline() -> None:
    session = RuntimeSession()
    await session.invoke(HEADER, b"1", soon())
    with pytest.raises(TimeoutError):
        await session.receive(soon(0.05))
    with pytest.raises(TimeoutError):
        await session.invoke(HEADER, b"2", soon(0.05))
