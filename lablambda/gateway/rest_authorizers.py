"""Whether a request may take a method of a REST API: by a function's word, or by a signature.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lablambda.api.authentication import NotAuthenticated
from lablambda.gateway.callers import iam_caller
from lablambda.gateway.lambda_calls import CallFailed, LambdaCalls
from lablambda.gateway.rest_stages import Passage
from lablambda.gateway.verdicts import Question, Verdicts
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.rest_api import RestPart
from lablambda.rules.authorizer_answer import MalformedAnswer, Verdict
from lablambda.rules.gateway_responses import Failed
from lablambda.rules.patterns import matches
from lablambda.rules.rest_event import request_event, token_event
from lablambda.rules.rest_mapping import value_of

_SIGNATURES = {
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
    "ExpiredTokenException": "EXPIRED_TOKEN",
}


class RestAuthorizers:
    """Those of all REST APIs."""

    def __init__(self, house: House, calls: LambdaCalls) -> None:
        self._house = house
        self._verdicts = Verdicts(house, calls)

    async def admit(self, passage: Passage) -> None:
        """Let the request pass, and note in its context who it is from. Raises Failed."""
        match passage.method["authorizationType"]:
            case "AWS_IAM":
                self._by_signature(passage)
            case "CUSTOM":
                authorizers = passage.served.deployed.parts[RestPart.AUTHORIZER]
                authorizer = authorizers.get(passage.method["authorizerId"])
                if authorizer is None:
                    raise Failed("AUTHORIZER_CONFIGURATION_ERROR", reason="The authorizer isn't deployed")
                await self._by_function(passage, authorizer)

    def _by_signature(self, passage: Passage) -> None:
        try:
            caller = iam_caller(passage.request, self._house.keys, "execute-api")
        except NotAuthenticated as error:
            kind = _SIGNATURES.get(error.code, "INVALID_SIGNATURE")
            raise Failed(kind, str(error) if kind == "INVALID_SIGNATURE" else "", reason=str(error)) from None
        named = {"caller": caller.pop("callerId"), "user": caller.pop("userId"), **caller}
        identity = passage.call.context["identity"]
        known = {name: value for name, value in named.items() if value and name in identity}
        passage.tell(identity={**identity, **known})

    # ------------------------------------------------------------------------------------------ functions

    async def _by_function(self, passage: Passage, authorizer: Members) -> None:
        sources = _sources(passage, authorizer)
        arn = passage.arn(passage.call.path)
        is_token = authorizer["type"] == "TOKEN"
        event = token_event(sources[0], arn) if is_token else request_event(passage.call, arn)
        question = Question(
            passage.served.api.identity,
            passage.served.name,
            authorizer["id"],
            authorizer["authorizerUri"],
            tuple(sources),
            authorizer["authorizerResultTtlInSeconds"],
            with_role=bool(authorizer.get("authorizerCredentials")),
            flushed=self._house.rest_apis.flushed(passage.served.api.identity, passage.served.name),
        )
        try:
            said = await self._verdicts.ask(question, passage.call.stage_variables, event)
            told = _told(said)
        except (CallFailed, MalformedAnswer, TimeoutError) as error:
            if isinstance(error, CallFailed) and _is_refusal(error.error):
                raise Failed("UNAUTHORIZED") from None
            raise Failed("AUTHORIZER_CONFIGURATION_ERROR", reason=str(error)) from None
        passage.tell(authorizer=told)
        passage.usage_key = said.usage_key
        if not said.allows(arn):
            raise Failed("ACCESS_DENIED")


def _sources(passage: Passage, authorizer: Members) -> list[str]:
    """What the request shows for itself. Raises Failed if it doesn't show all."""
    named = [one.strip() for one in (authorizer.get("identitySource") or "").split(",") if one.strip()]
    shown = [value for one in named for value in value_of(one, passage.call)[-1:] if value]
    if len(shown) < len(named):
        raise Failed("UNAUTHORIZED")
    pattern = authorizer.get("identityValidationExpression")
    if authorizer["type"] == "TOKEN" and pattern and not matches(pattern, shown[0]):
        raise Failed("UNAUTHORIZED")
    return shown


def _told(said: Verdict) -> Mapping[str, Any]:
    """What the function is told of the caller: text, and nothing that has parts."""
    told: dict[str, Any] = {"principalId": said.principal}
    for name, value in said.context.items():
        if isinstance(value, dict | list):
            raise MalformedAnswer(f"{name} in context is neither text nor a number nor a boolean")
        if value is not None:
            told[name] = value if isinstance(value, str) else json.dumps(value)
    return told


def _is_refusal(error: bytes) -> bool:
    """Whether the function failed with the one error that means something."""
    try:
        told = json.loads(error)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("errorMessage") == "Unauthorized"
