"""The statements of a resource policy, as AddPermission and AddLayerVersionPermission make them."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from lablambda.api.shapes import Parameters
from lablambda.model.errors import (
    InvalidParameterValue,
    PolicyLengthExceeded,
    PreconditionFailed,
    ResourceConflict,
    ResourceNotFound,
)
from lablambda.model.package import Policy
from lablambda.rules.limits import POLICY_BYTES

# parameter: the condition's operator and key
_CONDITIONS = {
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "OrganizationId": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}


def add(policy: Policy, p: Parameters, resource: str) -> tuple[Policy, Mapping[str, Any]]:
    """The policy with the statement that the parameters ask for, and that statement.

    Raises ResourceConflict for a statement id that is taken, PreconditionFailed for a stale
    RevisionId, PolicyLengthExceeded for a policy over 20 KB.
    """
    sid = p["StatementId"]
    if sid in policy.statements:
        raise ResourceConflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement."
        )
    check_revision(policy, p)
    statement = _statement(p, resource)
    return _within_limit(_revised({**policy.statements, sid: statement})), statement


def remove(policy: Policy, p: Parameters) -> Policy:
    """The policy without a statement. Raises ResourceNotFound, PreconditionFailed."""
    sid = p["StatementId"]
    if not policy.statements:
        raise ResourceNotFound("No policy is associated with the given resource.")
    if sid not in policy.statements:
        raise ResourceNotFound(f"Statement {sid} is not found in resource policy.")
    check_revision(policy, p)
    return _revised({kept: body for kept, body in policy.statements.items() if kept != sid})


def replace(policy: Policy, p: Parameters, resource: str) -> Policy:
    """The policy that the parameters hold as a whole.

    Raises InvalidParameterValue for a document that isn't a policy of `resource`.
    """
    check_revision(policy, p)
    try:
        listed = json.loads(p["Policy"])["Statement"]
        given = [dict(item) for item in (listed if isinstance(listed, list) else [listed])]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidParameterValue("The policy isn't a JSON object with a list of statements.") from None
    for number, statement in enumerate(given, 1):
        statement.setdefault("Sid", f"Statement{number}")
        missing = {"Effect", "Principal", "Action"} - set(statement)
        if missing or statement.setdefault("Resource", resource) != resource:
            raise InvalidParameterValue(
                f"Statement {statement['Sid']} of the policy must have Effect, Principal and Action, and no other "
                f"Resource than {resource}."
            )
    return _within_limit(_revised({str(statement["Sid"]): statement for statement in given}))


def document(policy: Policy, absent: str = "The resource you requested does not exist.") -> str:
    """The policy's JSON. Raises ResourceNotFound, saying `absent`, if it has no statement."""
    if not policy.statements:
        raise ResourceNotFound(absent)
    body = {"Version": "2012-10-17", "Id": "default", "Statement": list(policy.statements.values())}
    return text(body)


def text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _within_limit(policy: Policy) -> Policy:
    size = len(text(list(policy.statements.values())))
    if size > POLICY_BYTES:
        raise PolicyLengthExceeded(
            f"The final policy size ({size}) is bigger than the limit ({POLICY_BYTES})."
        )
    return policy


def _revised(statements: Mapping[str, Mapping[str, Any]]) -> Policy:
    return Policy(statements, str(uuid.uuid4()))


def check_revision(policy: Policy, p: Parameters) -> None:
    if p.get("RevisionId") not in (None, policy.revision):
        operation = "GetLayerPolicy" if "LayerName" in p else "GetPolicy"
        raise PreconditionFailed(
            f"The Revision Id provided does not match the latest Revision Id. Call the {operation} API to retrieve "
            "the latest Revision Id"
        )


def _statement(p: Parameters, resource: str) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": p["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(p["Principal"]),
        "Action": p["Action"],
        "Resource": resource,
    }
    conditions: dict[str, dict[str, str]] = {}
    for member, (operator, key) in _CONDITIONS.items():
        if member in p:
            value = p[member]
            conditions.setdefault(operator, {})[key] = value if isinstance(value, str) else str(value).lower()
    return statement | ({"Condition": conditions} if conditions else {})


def _principal(name: str) -> Any:
    if name == "*":
        return "*"
    if re.fullmatch(r"\d{12}", name):
        return {"AWS": f"arn:aws:iam::{name}:root"}
    if name.startswith("arn:"):
        return {"AWS": name}
    if "." not in name:
        raise InvalidParameterValue(
            "The provided principal was invalid. Please check the principal and try again."
        )
    return {"Service": name}
