"""What answers the routes of WebSocket APIs: functions, other servers, or nobody (MOCK).

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integrations.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from lablambda.gateway.answers import Refused
from lablambda.gateway.http_proxy import HttpProxy
from lablambda.gateway.lambda_calls import Call, CallFailed, LambdaCalls
from lablambda.gateway.patience import answered_within
from lablambda.gateway.websocket_authorizers import route_arn
from lablambda.model.api import Members
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.model.websocket import Connection
from lablambda.rules.http_result import Malformed
from lablambda.rules.websocket_parameters import mapped
from lablambda.rules.websocket_result import reply_of

_JSON = ("content-type", "application/json")


class NoAnswer(Exception):
    """There is none. `status` and `told` are for the client, the message for access logs."""

    def __init__(self, reason: str, status: int = 500, told: str = "Internal server error") -> None:
        super().__init__(reason)
        self.status = status
        self.told = told


class Integrations:
    """Those of all WebSocket APIs."""

    def __init__(self, calls: LambdaCalls) -> None:
        self._calls = calls
        self._proxy = HttpProxy()

    async def ask(
        self, connection: Connection, event: Mapping[str, Any], route: Members, integration: Members | None
    ) -> HttpResponse:
        """The answer to an event. Raises NoAnswer."""
        if integration is None:
            raise NoAnswer(f"The route {route['RouteKey']} has no integration")
        asking = self._ask(connection, event, route, integration)
        try:
            return await answered_within(integration["TimeoutInMillis"], asking)
        except TimeoutError:
            raise NoAnswer("Endpoint request timed out", 504, "Endpoint request timed out") from None

    async def _ask(
        self, connection: Connection, event: Mapping[str, Any], route: Members, integration: Members
    ) -> HttpResponse:
        match integration["IntegrationType"]:
            case "AWS_PROXY":
                arn = route_arn(connection, route["RouteKey"])
                return await self._ask_function(event, integration, arn)
            case "HTTP_PROXY":
                return await self._ask_server(connection, event, integration)
            case "MOCK":
                return HttpResponse(_mock_status(integration))
        raise NoAnswer(f"{integration['IntegrationType']} integrations are not implemented")

    async def _ask_function(self, event: Mapping[str, Any], integration: Members, arn: str) -> HttpResponse:
        call = Call(
            integration["IntegrationUri"],
            event.get("stageVariables", {}),
            msgspec.json.encode(event),
            source_arn=arn,
            with_role=bool(integration.get("CredentialsArn")),
        )
        try:
            outcome = await self._calls.call(call)
            return reply_of(outcome.payload)
        except CallFailed as error:
            raise NoAnswer(str(error), 502 if error.error else 500) from None
        except Malformed as error:
            raise NoAnswer(f"The function's result isn't one: {error}", 502) from None

    async def _ask_server(
        self, connection: Connection, event: Mapping[str, Any], integration: Members
    ) -> HttpResponse:
        headers, query = mapped(integration.get("RequestParameters") or {}, event)
        method = integration.get("IntegrationMethod", "POST")
        request = HttpRequest(
            method=method,
            path="/",
            query=urlencode(query),
            headers=[_JSON, *headers],
            body=event.get("body", "").encode(),
            source_ip=connection.source_ip,
            protocol="HTTP/1.1",
            received=0.0,
        )
        try:
            return await self._proxy.send(
                request, integration["IntegrationUri"], {}, method=method, path=None
            )
        except Refused:
            raise NoAnswer(f"{integration['IntegrationUri']} gives no answer", 502) from None

    async def close(self) -> None:
        await self._proxy.close()


def _mock_status(integration: Members) -> int:
    """The `statusCode` of its request template; 200 without one."""
    for template in (integration.get("RequestTemplates") or {}).values():
        try:
            return int(json.loads(template)["statusCode"])
        except (ValueError, KeyError, TypeError):
            raise NoAnswer('A MOCK integration takes templates such as {"statusCode": 200} alone') from None
    return 200
