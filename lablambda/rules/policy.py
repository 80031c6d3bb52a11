"""Whether a function's resource policy lets a service invoke it.

Source: Resource-based policies, https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

INVOKE = "lambda:InvokeFunction"


def allows(
    statements: Iterable[Mapping[str, Any]],
    *,
    principal: str,
    resource: str,
    source_arn: str,
    source_account: str,
    action: str = INVOKE,
) -> bool:
    """Whether any statement lets the service `principal` do `action` on `resource` for `source_arn`."""
    facts = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account}
    return any(
        statement.get("Effect") == "Allow"
        and statement.get("Resource") == resource
        and fnmatchcase(action, str(statement.get("Action")))
        and statement.get("Principal") in ("*", {"Service": principal})
        and _conditions_hold(statement.get("Condition", {}), facts)
        for statement in statements
    )


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
    return operator == "StringEquals" and fact == wanted
