"""Whether a request may take its route: by a token, by a function's word, or by a signature.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html,
http-api-lambda-authorizer.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from lablambda.api.authentication import NotAuthenticated
from lablambda.gateway.answers import Refused, message
from lablambda.gateway.callers import iam_caller
from lablambda.gateway.key_sets import KeySets
from lablambda.gateway.lambda_calls import CallFailed, LambdaCalls
from lablambda.gateway.verdicts import Question, Verdicts
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.http import HttpRequest
from lablambda.rules.authorizer_answer import MalformedAnswer
from lablambda.rules.http_event import Match, event_1_0, event_2_0
from lablambda.rules.jwt_claims import InvalidToken, check_claims, has_scope, told
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.rules.parameter_mapping import evaluate

Authorized = Mapping[str, Any] | None


def route_arn(request: HttpRequest, match: Match, path: str) -> str:
    """What a request to an API is called in policies."""
    place = f"{match.stage}/{request.method}{path}"
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{match.api_id}/{place}"


class Authorizers:
    """Those of all HTTP APIs."""

    def __init__(self, house: House, calls: LambdaCalls) -> None:
        self._house = house
        self._keys = KeySets()
        self._verdicts = Verdicts(house, calls)

    async def admit(
        self, request: HttpRequest, match: Match, route: Members, authorizer: Members | None
    ) -> Authorized:
        """What the event says of who is let in. Raises Refused."""
        match route.get("AuthorizationType", "NONE"), authorizer:
            case "NONE", _:
                return None
            case "AWS_IAM", _:
                return self._by_signature(request)
            case "JWT", Mapping():
                return await self._by_token(request, match, route, authorizer)
            case "CUSTOM", Mapping():
                return await self._by_function(request, match, authorizer)
        raise Refused(message(500, "Internal Server Error"))  # its authorizer isn't deployed

    def _by_signature(self, request: HttpRequest) -> Authorized:
        try:
            return {"iam": iam_caller(request, self._house.keys, "execute-api")}
        except NotAuthenticated:
            raise Refused(message(403, "Forbidden")) from None

    # -------------------------------------------------------------------------------------------- tokens

    async def _by_token(
        self, request: HttpRequest, match: Match, route: Members, authorizer: Members
    ) -> Authorized:
        token = evaluate(authorizer["IdentitySource"][0], request, match)
        if not token:
            raise _unauthorized()
        kind, _, rest = token.partition(" ")
        token = rest.strip() if kind.lower() == "bearer" and rest else token
        wanted = authorizer["JwtConfiguration"]
        try:
            claims = await self._keys.claims(token, wanted["Issuer"])
            check_claims(claims, issuer=wanted["Issuer"], audience=wanted["Audience"], now=time.time())
        except InvalidToken as error:
            raise _unauthorized(
                f'error="invalid_token" error_description="{_quotable(str(error))}"'
            ) from None
        scopes = route.get("AuthorizationScopes") or []
        if not has_scope(claims, scopes):
            challenge = f'Bearer scope="{" ".join(scopes)}" error="insufficient_scope"'
            raise Refused(message(403, "Forbidden", [("www-authenticate", challenge)]))
        return {"jwt": {"claims": told(claims), "scopes": scopes or None}}

    # ------------------------------------------------------------------------------------------ functions

    async def _by_function(self, request: HttpRequest, match: Match, authorizer: Members) -> Authorized:
        sources = [evaluate(source, request, match) for source in authorizer["IdentitySource"]]
        if not all(sources):
            raise _unauthorized()
        arn = route_arn(request, match, match.path)
        shown = [str(source) for source in sources]
        question = Question(
            match.api_id,
            match.stage,
            authorizer["AuthorizerId"],
            authorizer["AuthorizerUri"],
            tuple(shown),
            authorizer.get("AuthorizerResultTtlInSeconds", 0),
            with_role=bool(authorizer.get("AuthorizerCredentialsArn")),
            simple=bool(authorizer.get("EnableSimpleResponses")),
        )
        event = _event(request, match, authorizer, shown, arn)
        try:
            said = await self._verdicts.ask(question, match.stage_variables or {}, event)
        except (CallFailed, MalformedAnswer, TimeoutError):
            raise Refused(message(500, "Internal Server Error")) from None
        if not said.allows(arn):
            raise Refused(message(403, "Forbidden"))
        if authorizer.get("AuthorizerPayloadFormatVersion") == "1.0":
            return {"principalId": said.principal, **said.context, "lambda": said.context}
        return {"lambda": said.context}


def _event(
    request: HttpRequest, match: Match, authorizer: Members, sources: list[str], arn: str
) -> dict[str, Any]:
    bodiless = replace(request, body=b"")
    if authorizer.get("AuthorizerPayloadFormatVersion") == "1.0":
        source = ",".join(sources)
        given = {"methodArn": arn, "identitySource": source, "authorizationToken": source}
        return {"type": "REQUEST", **event_1_0(bodiless, match), **given}
    return {"type": "REQUEST", **event_2_0(bodiless, match), "routeArn": arn, "identitySource": sources}


def _unauthorized(reason: str = "") -> Refused:
    return Refused(message(401, "Unauthorized", [("www-authenticate", f"Bearer {reason}".strip())]))


def _quotable(text: str) -> str:
    """Fit for a header's quoted text."""
    return "".join(letter for letter in text if 31 < ord(letter) < 127 and letter not in '"\\')
