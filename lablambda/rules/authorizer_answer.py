"""What an authorizer function's answer means.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_INVOKE = "execute-api:invoke"


class MalformedAnswer(Exception):
    """The answer is neither a policy nor a simple one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`statements` are those of a policy, empty for a simple answer, which `allowed` is. `context` goes to the
    integration; `usage_key` is an API key that the caller has by it."""

    allowed: bool = False
    statements: tuple[Mapping[str, Any], ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    principal: str = ""
    usage_key: str = ""

    def allows(self, arn: str) -> bool:
        """Whether a request to the route of that ARN may pass."""
        if not self.statements:
            return self.allowed
        effects = {str(statement["Effect"]) for statement in self.statements if _covers(statement, arn)}
        return effects == {"Allow"}


def verdict(payload: bytes, *, simple: bool) -> Verdict:
    """Read an answer. Raises MalformedAnswer."""
    try:
        answer = json.loads(payload)
    except ValueError:
        raise MalformedAnswer("the answer isn't JSON") from None
    if not isinstance(answer, dict):
        raise MalformedAnswer("the answer isn't an object")
    context = answer.get("context") or {}
    if not isinstance(context, dict):
        raise MalformedAnswer("context isn't an object")
    if simple:
        if not isinstance(answer.get("isAuthorized"), bool):
            raise MalformedAnswer("isAuthorized is neither true nor false")
        return Verdict(allowed=answer["isAuthorized"], context=context)
    return _policy(answer, context)


def _policy(answer: Mapping[str, Any], context: Mapping[str, Any]) -> Verdict:
    principal, document = answer.get("principalId"), answer.get("policyDocument")
    if not isinstance(principal, str) or not isinstance(document, dict):
        raise MalformedAnswer("the answer has no principalId or no policyDocument")
    statements = document.get("Statement")
    listed: list[Any] = statements if isinstance(statements, list) else [statements]
    if not listed or not all(isinstance(s, dict) and s.get("Effect") in ("Allow", "Deny") for s in listed):
        raise MalformedAnswer("the policy has no statements that allow or deny")
    usage_key = str(answer.get("usageIdentifierKey") or "")
    return Verdict(statements=tuple(listed), context=context, principal=principal, usage_key=usage_key)


def _covers(statement: Mapping[str, Any], arn: str) -> bool:
    actions = [action.lower() for action in _listed(statement.get("Action"))]
    return any(_matches(action, _INVOKE) for action in actions) and any(
        _matches(resource, arn) for resource in _listed(statement.get("Resource"))
    )


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _matches(pattern: str, text: str) -> bool:
    """With the wildcards of policies: `*` for any text, `?` for one character."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None
