"""What answers the methods of REST APIs: functions, other servers, or nobody (MOCK).

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-integration-settings.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace

from lablambda.gateway.answers import Refused
from lablambda.gateway.http_proxy import HttpProxy
from lablambda.gateway.lambda_calls import Call, CallFailed, LambdaCalls
from lablambda.gateway.patience import answered_within
from lablambda.gateway.rest_stages import Passage
from lablambda.model.api import Members
from lablambda.model.http import Headers, HttpRequest, HttpResponse
from lablambda.rules.gateway_responses import Failed, failed_inside
from lablambda.rules.http_event import TRACE, parameters
from lablambda.rules.http_result import response_rest
from lablambda.rules.lambda_uri import filled
from lablambda.rules.limits import ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES
from lablambda.rules.rest_event import proxy_event
from lablambda.rules.rest_mapping import mapped_request
from lablambda.rules.rest_transformations import Given, answer, request_body

# Headers of a proxy's answer that are the gateway's own come by another name.
_REMAPPED = frozenset({"authorization", "date", "host", "server", "user-agent", "www-authenticate"})
_JSON = ("content-type", "application/json")
# What Lambda says of an event that is none.
_NO_JSON = b'{"Type":"User","message":"Could not parse request body into json"}'


class RestIntegrations:
    """Those of all REST APIs."""

    def __init__(self, calls: LambdaCalls) -> None:
        self._calls = calls
        self._proxy = HttpProxy()

    async def ask(self, passage: Passage) -> HttpResponse:
        """The answer to the request. Raises Failed, Malformed, InvalidTemplate."""
        integration = passage.method.get("methodIntegration")
        if integration is None:
            raise Failed("API_CONFIGURATION_ERROR", reason="The method has no integration")
        started = time.monotonic()
        try:
            return await answered_within(integration["timeoutInMillis"], self._ask(passage, integration))
        except TimeoutError:
            raise Failed("INTEGRATION_TIMEOUT") from None
        finally:
            passage.notes["integrationLatency"] = int((time.monotonic() - started) * 1000)

    async def close(self) -> None:
        await self._proxy.close()

    async def _ask(self, passage: Passage, integration: Members) -> HttpResponse:
        match integration["type"]:
            case "AWS_PROXY":
                return _remapped(await self._pass_to_function(passage, integration))
            case "HTTP_PROXY":
                return _remapped(await self._pass_to_server(passage, integration))
            case "AWS":
                given = await self._ask_function(passage, integration)
            case "HTTP":
                given = await self._ask_server(passage, integration)
            case _:
                given = _mocked(passage, integration)
        return answer(given, passage.method, passage.call)

    # ------------------------------------------------------------------------------------------ functions

    async def _pass_to_function(self, passage: Passage, integration: Members) -> HttpResponse:
        payload = msgspec.json.encode(proxy_event(passage.call))
        if len(payload) > SYNC_PAYLOAD_BYTES:
            raise Failed("REQUEST_TOO_LARGE")
        try:
            if integration.get("responseTransferMode") == "STREAM":
                return await self._calls.stream(_call(passage, integration, payload))
            outcome = await self._calls.call(_call(passage, integration, payload))
        except CallFailed as error:
            raise _no_answer(error) from None
        passage.notes |= {"integrationStatus": 200, "integration.status": 200}
        return response_rest(outcome.payload, binary=passage.call.wants_binary())

    async def _ask_function(self, passage: Passage, integration: Members) -> Given:
        """A function that fails has an answer, too: its error. One that is only asked to run at some time has none."""
        headers, _, _ = mapped_request(integration.get("requestParameters") or {}, passage.call)
        payload = request_body(integration, passage.call) or b"{}"
        queued = ("x-amz-invocation-type", "Event") in headers
        if len(payload) > (ASYNC_PAYLOAD_BYTES if queued else SYNC_PAYLOAD_BYTES):
            raise Failed("REQUEST_TOO_LARGE")
        if not _is_json(payload):
            return Given(HttpResponse(400, _NO_JSON, [_JSON]), "400")
        try:
            if queued:
                await self._calls.queue(_call(passage, integration, payload))
                return Given(HttpResponse(202), "202")
            outcome = await self._calls.call(_call(passage, integration, payload))
        except CallFailed as error:
            if not error.error:
                raise _no_answer(error) from None
            return Given(HttpResponse(200, error.error, [_JSON]), _message_of(error.error))
        return Given(HttpResponse(200, outcome.payload, [_JSON]), "200")

    # -------------------------------------------------------------------------------------------- servers

    async def _pass_to_server(self, passage: Passage, integration: Members) -> HttpResponse:
        headers, query, path = mapped_request(integration.get("requestParameters") or {}, passage.call)
        named = {name for name, _ in headers}
        kept = [pair for pair in passage.request.headers if pair[0] not in named]
        whole = _encoded({**parameters(passage.request), **query}) if query else passage.request.query
        request = replace(passage.request, headers=[*kept, *headers], query=whole)
        return await self._send(passage, integration, request, path)

    async def _ask_server(self, passage: Passage, integration: Members) -> Given:
        """Of the headers it gets those that are mapped, and which type the body has."""
        headers, query, path = mapped_request(integration.get("requestParameters") or {}, passage.call)
        kept = [pair for pair in passage.request.headers if pair[0] in ("accept", "content-type")]
        body = request_body(integration, passage.call)
        request = replace(passage.request, headers=[*kept, *headers], query=_encoded(query), body=body)
        response = await self._send(passage, integration, request, path)
        return Given(response, str(response.status))

    async def _send(
        self, passage: Passage, integration: Members, request: HttpRequest, path: Mapping[str, str]
    ) -> HttpResponse:
        uri = filled(integration["uri"], passage.call.stage_variables)
        try:
            response = await self._proxy.send(request, uri, path, method=integration["httpMethod"], path=None)
        except Refused:
            raise Failed("INTEGRATION_FAILURE", reason=f"{uri} gives no answer") from None
        passage.notes["integration.status"] = response.status
        return response


def _mocked(passage: Passage, integration: Members) -> Given:
    """Nobody is asked: the status is that of the request's template."""
    body = request_body(integration, passage.call)
    try:
        status = int(json.loads(body)["statusCode"])
    except (ValueError, KeyError, TypeError, RecursionError):
        told = 'The template of a MOCK integration gives JSON with a status: {"statusCode": 200}'
        raise failed_inside(500, told) from None
    return Given(HttpResponse(status), str(status))


def _call(passage: Passage, integration: Members, payload: bytes) -> Call:
    return Call(
        integration["uri"],
        passage.call.stage_variables,
        payload,
        source_arn=passage.arn(passage.call.resource),
        with_role=bool(integration.get("credentials")),
        trace_id=passage.request.header(TRACE),
    )


def _no_answer(error: CallFailed) -> Failed:
    """A function that failed is a bad gateway; one that couldn't be asked is the API's own mistake."""
    return failed_inside(502 if error.error else 500, str(error))


def _is_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _message_of(error: bytes) -> str:
    try:
        told = json.loads(error)
    except ValueError:
        return ""
    return str(told.get("errorMessage") or "") if isinstance(told, dict) else ""


def _encoded(query: Mapping[str, list[str]]) -> str:
    return urlencode(query, doseq=True, quote_via=quote)


def _remapped(response: HttpResponse) -> HttpResponse:
    headers: Headers = [
        (f"x-amzn-remapped-{name}" if name in _REMAPPED else name, value) for name, value in response.headers
    ]
    return replace(response, headers=headers)
