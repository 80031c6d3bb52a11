"""Whether a function's resource policy lets a service invoke it.

Source: Resource-based policies, https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lablambda.rules.names import REGION

INVOKE, INVOKE_URL = "lambda:InvokeFunction", "lambda:InvokeFunctionUrl"


def allows(
    statements: Iterable[Mapping[str, Any]],
    *,
    principal: str,
    resource: str,
    facts: Mapping[str, str],
    action: str = INVOKE,
) -> bool:
    """Whether the statements let `principal` (a service, or whoever for "*") do `action` on `resource`: one must
    allow it and none deny it. `facts` are the request's condition keys, such as `AWS:SourceArn`."""
    facts = {key.lower(): value for key, value in facts.items()}
    effects = {
        statement.get("Effect")
        for statement in statements
        if resource in _listed(statement.get("Resource"))
        and any(fnmatchcase(action, wanted) for wanted in _listed(statement.get("Action")))
        and _is_for(principal, statement.get("Principal"))
        and _conditions_hold(statement.get("Condition", {}), facts)
    }
    return "Allow" in effects and "Deny" not in effects


def _listed(value: Any) -> list[str]:
    """A policy may write a list of one without its brackets."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _is_for(principal: str, written: Any) -> bool:
    if not isinstance(written, Mapping):
        return bool(written == "*")
    # A service may be named with its region: logs.us-east-1.amazonaws.com.
    named = [name.replace(f".{REGION}.", ".") for name in _listed(written.get("Service"))]
    return principal in named or "*" in _listed(written.get("AWS"))


def _conditions_hold(conditions: Mapping[str, Mapping[str, str]], facts: Mapping[str, str]) -> bool:
    return all(
        _compare(operator, facts.get(key.lower(), ""), wanted)
        for operator, pairs in conditions.items()
        for key, wanted in pairs.items()
    )


def _compare(operator: str, fact: str, wanted: str) -> bool:
    """An operator that isn't known here never holds: better refused than let through."""
    if operator in ("ArnLike", "ArnEquals", "StringLike"):
        return fnmatchcase(fact, wanted)
    return operator in ("StringEquals", "Bool") and fact == wanted
