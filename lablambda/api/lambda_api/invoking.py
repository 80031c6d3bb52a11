"""Invoking functions: with an answer, for later, or only to see whether one could."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from lablambda.api import event_stream
from lablambda.api.lambda_api.references import reference
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.lab.streamed_answer import StreamedAnswer
from lablambda.model.errors import InvalidRequestContent, RequestTooLarge
from lablambda.model.invocation import Invocation, Outcome, Report, new_request_id, new_trace_id
from lablambda.rules import lineage
from lablambda.rules.cost import FREE_STORAGE_MB, X86
from lablambda.rules.limits import (
    ASYNC_PAYLOAD_BYTES,
    CLIENT_CONTEXT_BYTES,
    LOG_TAIL_BYTES,
    SYNC_PAYLOAD_BYTES,
)

Result = Mapping[str, Any]


async def invoke(house: House, p: Parameters) -> Result:
    kind = p.get("InvocationType", "RequestResponse")
    invocation = _invocation(house, p, p.get("Payload", b""), kind)
    if kind == "DryRun":
        return {"_status": 204}
    if kind == "Event":
        await house.queue.put(invocation)
        return {"_status": 202, "_headers": _headers(invocation)}
    outcome = await house.invoker.invoke(invocation)
    return {
        "_headers": _headers(invocation) + _billed_by(outcome.report),
        "FunctionError": outcome.function_error,
        "LogResult": _tail(outcome) if p.get("LogType") == "Tail" else None,
        "Payload": outcome.payload,
        "ExecutedVersion": outcome.executed_version,
    }


async def invoke_async(house: House, p: Parameters) -> Result:
    invocation = _invocation(house, p, p["InvokeArgs"], "Event")
    await house.queue.put(invocation)
    return {"Status": 202, "_headers": _headers(invocation)}


async def invoke_with_response_stream(house: House, p: Parameters) -> Result:
    kind = p.get("InvocationType", "RequestResponse")
    invocation = _invocation(house, p, p.get("Payload", b""), kind)
    if kind == "DryRun":
        return {"_status": 204}
    answer = StreamedAnswer(house.invoker.invoke, invocation)
    executed_version = (await answer.beginning()).executed_version
    return {
        "_headers": _headers(invocation),
        "_parts": _events(answer, tail=p.get("LogType") == "Tail"),
        "ExecutedVersion": executed_version,
    }


async def _events(answer: StreamedAnswer, *, tail: bool) -> AsyncIterator[bytes]:
    """The messages to send.
    Source: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html"""
    async for part in answer.parts():
        yield event_stream.event("PayloadChunk", "application/octet-stream", part)
    outcome = await answer.outcome()
    last = _failure(outcome) | ({"LogResult": _tail(outcome)} if tail else {})
    yield event_stream.event("InvokeComplete", "application/json", json.dumps(last).encode())


def _headers(invocation: Invocation) -> list[tuple[str, str]]:
    trace = lineage.passed(invocation.trace_id, invocation.function)  # as the function sees it
    return [("x-amzn-RequestId", invocation.request_id), ("X-Amzn-Trace-Id", trace)]


def _billed_by(report: Report) -> list[tuple[str, str]]:
    """What the price depends on besides AWS's REPORT line, for this package's own client; unless it is usual."""
    if report.architecture == X86 and report.storage_mb == FREE_STORAGE_MB:
        return []
    return [("x-lablambda-billed-by", f"{report.architecture} {report.storage_mb}")]


def _failure(outcome: Outcome) -> dict[str, str]:
    if outcome.function_error is None:
        return {}
    return {"ErrorCode": outcome.function_error, "ErrorDetails": outcome.payload.decode(errors="replace")}


def _invocation(house: House, p: Parameters, payload: bytes, kind: str) -> Invocation:
    """The invocation that a request asks for. Raises ResourceNotFound, and for a payload that isn't fit."""
    named = reference(p)
    house.catalog.version(named)
    return Invocation(
        function=named.name,
        qualifier=named.qualifier,
        payload=_checked(payload, kind),
        arn=named.arn,
        request_id=new_request_id(),
        trace_id=p.get("_trace_id") or new_trace_id(),
        client_context=None if kind == "Event" else _client_context(p.get("ClientContext")),
    )


def _checked(body: bytes, kind: str) -> bytes:
    if kind == "Event" and len(body) > ASYNC_PAYLOAD_BYTES:
        raise RequestTooLarge(
            f"{len(body)} byte payload is too large for the Event invocation type (limit {ASYNC_PAYLOAD_BYTES} bytes)"
        )
    if len(body) > SYNC_PAYLOAD_BYTES:
        raise RequestTooLarge(
            f"Request must be smaller than {SYNC_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
        )
    if not body:
        return b"{}"
    try:
        json.loads(body, parse_constant=_no_value)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContent(
            f"Could not parse request body into json: Could not parse payload into json: {error}"
        ) from None
    return body


def _no_value(name: str) -> None:
    """NaN and the infinities are Python's idea; AWS's parser doesn't take them either."""
    raise ValueError(f"Non-standard token '{name}'")


def _client_context(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > CLIENT_CONTEXT_BYTES:
        raise RequestTooLarge(f"Client context must be no more than {CLIENT_CONTEXT_BYTES} bytes.")
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:  # bad base64, or what it holds isn't text
        raise InvalidRequestContent("Client context must be a valid Base64-encoded JSON object.") from None


def _tail(outcome: Outcome) -> str:
    return base64.b64encode(outcome.log_tail(LOG_TAIL_BYTES)).decode()
