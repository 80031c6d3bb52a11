"""Who may connect to a WebSocket API: by a signature, or by a function's word.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.authentication import NotAuthenticated
from lablambda.gateway.answers import Refused, message
from lablambda.gateway.callers import iam_caller
from lablambda.gateway.lambda_calls import CallFailed, LambdaCalls
from lablambda.gateway.verdicts import Question, Verdicts
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.http import HttpRequest
from lablambda.model.websocket import Connection
from lablambda.rules.authorizer_answer import MalformedAnswer
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.rules.websocket_event import authorizer_event
from lablambda.rules.websocket_parameters import value_of
from lablambda.rules.websocket_routes import CONNECT


def route_arn(connection: Connection, route_key: str) -> str:
    """What a route is called in policies."""
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{connection.api_id}/{connection.stage}/{route_key}"


class ConnectAuthorizers:
    """Those of all WebSocket APIs. Each connection is asked for anew."""

    def __init__(self, house: House, calls: LambdaCalls) -> None:
        self._house = house
        self._verdicts = Verdicts(house, calls)

    async def admit(
        self,
        connection: Connection,
        request: HttpRequest,
        event: Mapping[str, Any],
        route: Members,
        authorizer: Members | None,
    ) -> Connection:
        """The connection with what is known of who is let in. Raises Refused."""
        match route.get("AuthorizationType", "NONE"), authorizer:
            case "NONE", _:
                return connection
            case "AWS_IAM", _:
                return self._by_signature(connection, request)
            case "CUSTOM", Mapping():
                return await self._by_function(connection, event, authorizer)
        raise Refused(message(500, "Internal server error"))  # its authorizer isn't deployed

    def _by_signature(self, connection: Connection, request: HttpRequest) -> Connection:
        try:
            caller = iam_caller(request, self._house.keys, "execute-api")
        except NotAuthenticated as error:
            missing = error.code == "MissingAuthenticationTokenException"
            raise Refused(message(403, str(error) if missing else "Forbidden")) from None
        named = {"caller": caller.pop("callerId"), "user": caller.pop("userId"), **caller}
        return replace(connection, caller={name: value for name, value in named.items() if value})

    async def _by_function(
        self, connection: Connection, event: Mapping[str, Any], authorizer: Members
    ) -> Connection:
        if not all(value_of(source, event) for source in authorizer["IdentitySource"]):
            raise Refused(message(401, "Unauthorized"))
        arn = route_arn(connection, CONNECT)
        question = Question(
            connection.api_id,
            connection.stage,
            authorizer["AuthorizerId"],
            authorizer["AuthorizerUri"],
            sources=(),
            ttl_s=0,
            with_role=bool(authorizer.get("AuthorizerCredentialsArn")),
        )
        variables = event.get("stageVariables", {})
        try:
            said = await self._verdicts.ask(question, variables, authorizer_event(event, arn))
        except (CallFailed, MalformedAnswer, TimeoutError) as error:
            if isinstance(error, CallFailed) and _is_refusal(error.error):
                raise Refused(message(401, "Unauthorized")) from None
            raise Refused(message(500, "Internal server error")) from None
        if not said.allows(arn):
            raise Refused(message(403, "User is not authorized to access this resource"))
        told = {name: _text(value) for name, value in said.context.items() if value is not None}
        return replace(connection, authorizer={"principalId": said.principal, **told})


def _is_refusal(error: bytes) -> bool:
    """Whether the function failed with the one error that means something."""
    try:
        told = json.loads(error)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("errorMessage") == "Unauthorized"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
