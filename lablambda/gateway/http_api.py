"""HTTP APIs: a request finds its stage and route, is let in, and goes to the route's integration.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from lablambda.gateway.access_logs import write_route_access
from lablambda.gateway.answers import Refused, message
from lablambda.gateway.authorizers import Authorizers, route_arn
from lablambda.gateway.http_proxy import HttpProxy
from lablambda.gateway.lambda_calls import Call, CallFailed, LambdaCalls
from lablambda.gateway.patience import answered_within
from lablambda.gateway.throttles import Throttles, route_limits
from lablambda.lab.house import House
from lablambda.model.api import Members, Parts
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.model.http_api import HttpApi, Part
from lablambda.model.invocation import new_trace_id
from lablambda.rules.addresses import Address
from lablambda.rules.cors import PREFIX, cors_headers, is_preflight
from lablambda.rules.http_event import TRACE, Match, event_1_0, event_2_0, forwarded, new_request_id
from lablambda.rules.http_path import decoded
from lablambda.rules.http_result import Malformed, response_1_0, response_2_0
from lablambda.rules.http_routes import DEFAULT, Routes
from lablambda.rules.limits import SYNC_PAYLOAD_BYTES
from lablambda.rules.parameter_mapping import context_values, mapped_request, mapped_response


@dataclass(slots=True)
class Passage:
    """A request on its way through: where it is to go, and what access logs tell of it."""

    api: HttpApi
    stage: str
    request: HttpRequest
    match: Match
    route: Members = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def stage_members(self) -> Members:
        return self.api.all(Part.STAGE)[self.stage]


class HttpApiDoor:
    """The HTTP APIs of a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._calls = LambdaCalls(house)
        self._authorizers = Authorizers(house, self._calls)
        self._proxy = HttpProxy()
        self._routes: dict[tuple[str, str], tuple[Parts, Routes]] = {}
        self._throttles = Throttles(house.clock.now)

    async def respond(self, request: HttpRequest, address: Address) -> HttpResponse:
        """Never raises for anything that a client or a function did."""
        api = self._house.http_apis.find(address.identity)
        if api is None or api.is_websocket or api.members.get("DisableExecuteApiEndpoint"):
            return message(404, "Not Found")
        cors = api.members.get("CorsConfiguration") or {}
        if cors and is_preflight(request):
            return HttpResponse(204, headers=cors_headers(cors, request))
        request_id = new_request_id()
        response = await self._pass(api, request, address, request_id)
        headers = [*response.headers, ("apigw-requestid", request_id)]
        if cors:  # the gateway's word counts, not the function's
            headers = [pair for pair in headers if not pair[0].startswith(PREFIX)] + cors_headers(
                cors, request
            )
        return replace(response, headers=headers)

    async def close(self) -> None:
        await self._proxy.close()

    async def _pass(
        self, api: HttpApi, request: HttpRequest, address: Address, request_id: str
    ) -> HttpResponse:
        stage, path = _stage(api, address.path)
        served = api.deployed(stage)
        if served is None:
            return message(404, "Not Found")
        shown = decoded(address.path)
        if shown is None:
            return message(400, "Bad Request")
        match = Match(
            api_id=api.identity,
            domain=address.domain,
            stage=stage,
            route_key="",
            path=shown,
            raw_path=shown,
            request_id=request_id,
            stage_variables=api.all(Part.STAGE)[stage].get("StageVariables"),
        )
        passage = Passage(api, stage, request, match)
        try:
            response = await self._answer(passage, served, path)
        except Refused as refused:
            response = refused.response
        self._log(passage, response)
        return response

    async def _answer(self, passage: Passage, served: Parts, path: str) -> HttpResponse:
        found = self._routes_of(passage, served).match(passage.request.method, path)
        if found is None:
            raise Refused(message(404, "Not Found"))
        passage.route, variables = found
        passage.match = replace(passage.match, route_key=passage.route["RouteKey"], path_variables=variables)
        key = passage.route["RouteKey"]
        place = (passage.api.identity, passage.stage, key)
        if not self._throttles.admit(place, route_limits(passage.stage_members, key)):
            raise Refused(message(429, "Too Many Requests"))
        authorizer = served[Part.AUTHORIZER].get(passage.route.get("AuthorizerId", ""))
        admitted = await self._authorizers.admit(passage.request, passage.match, passage.route, authorizer)
        if admitted is not None:
            passage.match = replace(passage.match, authorizer=admitted)
        identity = str(passage.route.get("Target", "")).removeprefix("integrations/")
        integration = served[Part.INTEGRATION].get(identity)
        if integration is None:
            raise Refused(message(500, "Internal Server Error"))
        return await self._integrate(passage, integration)

    def _routes_of(self, passage: Passage, served: Parts) -> Routes:
        """The routes of what the stage serves, made ready once."""
        key = (passage.api.identity, passage.stage)
        known = self._routes.get(key)
        if known is None or known[0] is not served:
            known = self._routes[key] = served, Routes(served[Part.ROUTE].values())
        return known[1]

    # -------------------------------------------------------------------------------------- integrations

    async def _integrate(self, passage: Passage, integration: Members) -> HttpResponse:
        started = time.monotonic()
        mapping = integration.get("RequestParameters") or {}
        request, path = mapped_request(mapping, passage.request, passage.match)
        try:
            if integration["IntegrationType"] == "AWS_PROXY":
                response = await self._to_function(passage, request, integration)
            else:
                async with asyncio.timeout(integration["TimeoutInMillis"] / 1000):
                    response = await self._proxy.send(
                        request,
                        integration["IntegrationUri"],
                        passage.match.path_variables or {},
                        method=integration.get("IntegrationMethod", "ANY"),
                        path=path,
                    )
        except TimeoutError:
            passage.notes["integrationErrorMessage"] = "Endpoint request timed out"
            raise Refused(message(503, "Service Unavailable")) from None
        finally:
            passage.notes["integrationLatency"] = int((time.monotonic() - started) * 1000)
        passage.notes["integration.status"] = response.status
        changes = integration.get("ResponseParameters") or {}
        return mapped_response(changes, response, passage.request, passage.match)

    async def _to_function(
        self, passage: Passage, request: HttpRequest, integration: Members
    ) -> HttpResponse:
        trace_id = request.header(TRACE) or new_trace_id()
        whole = forwarded(request, trace_id)
        version_1 = integration.get("PayloadFormatVersion") == "1.0"
        event = (event_1_0 if version_1 else event_2_0)(whole, passage.match)
        payload = msgspec.json.encode(event)
        if len(payload) > SYNC_PAYLOAD_BYTES:
            raise Refused(message(413, "Request Entity Too Large"))
        path = passage.route["RouteKey"].partition(" ")[2] or f"/{DEFAULT}"
        try:
            outcome = await answered_within(
                integration["TimeoutInMillis"],
                self._calls.call(
                    Call(
                        integration["IntegrationUri"],
                        passage.match.stage_variables or {},
                        payload,
                        source_arn=route_arn(request, passage.match, path),
                        with_role=bool(integration.get("CredentialsArn")),
                        trace_id=trace_id,
                    )
                ),
            )
            passage.notes["integrationStatus"] = 200
            return (response_1_0 if version_1 else response_2_0)(outcome.payload)
        except CallFailed as error:
            passage.notes["integrationErrorMessage"] = str(error)
            answer = (
                message(503, "Service Unavailable")
                if error.throttled
                else message(500, "Internal Server Error")
            )
            raise Refused(answer) from None
        except Malformed as error:
            passage.notes["integrationErrorMessage"] = f"The function's result isn't one: {error}"
            raise Refused(message(500, "Internal Server Error")) from None

    # -------------------------------------------------------------------------------------------- logging

    def _log(self, passage: Passage, response: HttpResponse) -> None:
        def values() -> Mapping[str, object]:
            return {
                **context_values(passage.request, passage.match),
                **passage.notes,
                "status": response.status,
                "responseLength": len(response.body),
                "responseLatency": int((time.time() - passage.request.received) * 1000),
            }

        write_route_access(self._house, passage.stage_members, values)


def _stage(api: HttpApi, path: str) -> tuple[str, str]:
    """The stage that a path begins with, and the rest of it; else `$default` and the whole path."""
    name, slash, rest = path[1:].partition("/")
    if name != DEFAULT and name in api.all(Part.STAGE):
        return name, f"/{rest}" if slash else "/"
    return DEFAULT, path
