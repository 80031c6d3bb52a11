"""Function URLs: who may call, the request as an event, the result as an answer.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html, urls-auth.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from lablambda.api.authentication import NotAuthenticated
from lablambda.gateway.callers import iam_caller
from lablambda.gateway.streaming import FunctionFailed, streamed
from lablambda.lab.house import House
from lablambda.lab.streamed_answer import StreamedAnswer
from lablambda.model.errors import LabError, TooManyRequests
from lablambda.model.function import Function, Setting
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.model.invocation import Invocation, new_request_id, new_trace_id
from lablambda.model.package import Policy
from lablambda.rules import lineage, policy
from lablambda.rules.addresses import Address, url_id
from lablambda.rules.cors import cors_headers, is_preflight
from lablambda.rules.http_event import TRACE, Match, event_2_0, forwarded
from lablambda.rules.http_result import Malformed, response_2_0
from lablambda.rules.limits import SYNC_PAYLOAD_BYTES
from lablambda.rules.names import function_arn

_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


@dataclass(frozen=True)
class FunctionUrl:
    """A URL that is known: the function as it is now, and the qualifier. What follows from them is found out once."""

    function: Function
    qualifier: str

    @cached_property
    def members(self) -> Mapping[str, Any]:
        """Those of AWS's FunctionUrlConfig."""
        return self.function.setting(Setting.FUNCTION_URL, self.qualifier) or {}

    @cached_property
    def arn(self) -> str:
        return function_arn(self.function.name, self.qualifier or None)

    @cached_property
    def lets_everybody_in(self) -> bool:
        """Whether the function's policy does."""
        facts = {
            "lambda:FunctionUrlAuthType": self.members["AuthType"],
            "lambda:InvokedViaFunctionUrl": "true",
        }
        statements = self.function.policies.get(self.qualifier, Policy()).statements.values()
        return all(
            policy.allows(statements, principal="*", resource=self.arn, facts=facts, action=action)
            for action in (policy.INVOKE_URL, policy.INVOKE)
        )


class FunctionUrls:
    """The URLs of all functions and aliases."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: dict[str, FunctionUrl] = {}

    async def respond(self, request: HttpRequest, address: Address) -> HttpResponse:
        """Never raises for anything that a client or a function did."""
        url = self._find(address.identity)
        if url is None:
            return _refusal(403, None, "AccessDeniedException")
        cors = url.members.get("Cors")
        if not cors:
            return await self._answer(request, address, url)
        if is_preflight(request):
            return HttpResponse(200, headers=cors_headers(cors, request))
        response = await self._answer(request, address, url)
        return replace(response, headers=[*response.headers, *cors_headers(cors, request)])

    async def _answer(self, request: HttpRequest, address: Address, url: FunctionUrl) -> HttpResponse:
        try:
            authorizer = self._admit(request, url)
        except (NotAuthenticated, _Forbidden):
            return _refusal(403, _FORBIDDEN, "AccessDeniedException")
        request_id = new_request_id()
        trace_id = request.header(TRACE) or new_trace_id()
        match = Match(
            api_id=address.identity,
            domain=address.domain,
            stage="$default",
            route_key="$default",
            path=unquote(address.path),
            raw_path=address.path,
            request_id=request_id,
            authorizer=authorizer,
            keeps_cookies=True,
        )
        event = event_2_0(forwarded(request, lineage.passed(trace_id, url.function.name)), match)
        payload = msgspec.json.encode(event)
        if len(payload) > SYNC_PAYLOAD_BYTES:
            told = f"Request must be smaller than {SYNC_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            return _refusal(413, told, "RequestEntityTooLargeException")
        invocation = Invocation(
            url.function.name,
            url.qualifier or None,
            payload,
            url.arn,
            request_id=request_id,
            source="url",
            trace_id=trace_id,
        )
        response = await self._invoke(invocation, streams=url.members.get("InvokeMode") == "RESPONSE_STREAM")
        own = [("x-amzn-requestid", request_id), (TRACE, trace_id)]
        return replace(response, headers=[*response.headers, *own])

    async def _invoke(self, invocation: Invocation, *, streams: bool) -> HttpResponse:
        invoke = self._house.invoker.invoke
        try:
            if streams:
                return await streamed(StreamedAnswer(invoke, invocation))
            outcome = await invoke(invocation)
            return _failure() if outcome.function_error else response_2_0(outcome.payload)
        except TooManyRequests as error:
            return _refusal(429, str(error), "TooManyRequestsException")
        except (Malformed, FunctionFailed, LabError):
            return _failure()

    # ----------------------------------------------------------------------------------- who, and may they

    def _find(self, identity: str) -> FunctionUrl | None:
        for _ in range(2):
            url = self._known.get(identity)
            if url is not None and self._house.catalog.find(url.function.name) is url.function:
                return url
            self._known = {
                url_id(members): FunctionUrl(function, qualifier)
                for function in self._house.catalog.functions()
                for qualifier, members in function.settings.get(Setting.FUNCTION_URL, {}).items()
            }
        return None

    def _admit(self, request: HttpRequest, url: FunctionUrl) -> Mapping[str, Any] | None:
        """What the event says of the caller. Raises NotAuthenticated, _Forbidden."""
        if url.members["AuthType"] == "AWS_IAM":
            return {"iam": iam_caller(request, self._house.keys, "lambda")}
        if not url.lets_everybody_in:
            raise _Forbidden
        return None


class _Forbidden(Exception):
    """The caller may not."""


def _refusal(status: int, text: str | None, kind: str) -> HttpResponse:
    body = json.dumps({"Message": text}).encode()
    return HttpResponse(status, body, [("content-type", "application/json"), ("x-amzn-errortype", kind)])


def _failure() -> HttpResponse:
    return HttpResponse(502, b"Internal Server Error", [("content-type", "application/json")])
