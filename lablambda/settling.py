"""Waiting for what AWS carries out behind its answer, where the next step would be refused or find it undone."""

from __future__ import annotations

import time
from typing import Any

from lablambda.rules.step import Step

# Operations that go on behind their answer: the waiter that knows their end, and what it is asked about.
_CHANGES = {
    "CreateFunction": ("function_active_v2", "FunctionName"),
    "UpdateFunctionCode": ("function_updated_v2", "FunctionName"),
    "UpdateFunctionConfiguration": ("function_updated_v2", "FunctionName"),
    "CreateTable": ("table_exists", "TableName"),
    "UpdateTable": ("table_exists", "TableName"),
    "CreateStream": ("stream_exists", "StreamName"),
}
_POLL_S, _SETTLED_WITHIN_S = 0.005, 120.0


class Unsettled(Exception):
    """A change ended badly, or not in time; the message is AWS's reason."""


def wait_until_settled(service: Any, step: Step, answer: Any) -> None:
    """Wait until what the step began is done; at once if it was done with its answer. Raises Unsettled."""
    match step.operation:
        case "PublishVersion":
            where = {"FunctionName": step.parameters["FunctionName"], "Qualifier": answer["Version"]}
            _wait(service, "published_version_active", where)
        case "PutProvisionedConcurrencyConfig":
            _wait_until_ready(service, step)
        case operation if operation in _CHANGES:
            name, subject = _CHANGES[operation]
            _wait(service, name, {subject: step.parameters[subject]})


def _wait(service: Any, waiter: str, where: dict[str, Any]) -> None:
    from botocore.exceptions import WaiterError

    patience = {"Delay": _POLL_S, "MaxAttempts": int(_SETTLED_WITHIN_S / _POLL_S)}
    try:
        service.get_waiter(waiter).wait(**where, WaiterConfig=patience)
    except WaiterError as error:
        raise Unsettled(_why(error)) from None


def _why(error: Any) -> str:
    """The state that the function came to, in its own words."""
    found = error.last_response.get("Configuration", error.last_response)
    reasons = (found.get(name) for name in ("StateReason", "LastUpdateStatusReason"))
    return next((str(reason) for reason in reasons if reason), str(error))


def _wait_until_ready(functions: Any, step: Step) -> None:
    """For provisioned concurrency botocore has no waiter."""
    where = {name: step.parameters[name] for name in ("FunctionName", "Qualifier")}
    end = time.monotonic() + _SETTLED_WITHIN_S
    while (found := functions.get_provisioned_concurrency_config(**where))["Status"] == "IN_PROGRESS":
        if time.monotonic() > end:
            raise Unsettled(f"it was still in progress after {_SETTLED_WITHIN_S:g} s")
        time.sleep(_POLL_S)
    if found["Status"] == "FAILED":
        raise Unsettled(found.get("StatusReason", "it failed"))
