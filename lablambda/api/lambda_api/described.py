"""AWS's FunctionConfiguration, as most of Lambda's operations answer it."""

from __future__ import annotations

from typing import Any

from lablambda.model.function import LATEST, Phase, Version
from lablambda.rules import platform_log, snap_start
from lablambda.rules.names import function_arn

_BEING_CREATED = "The function is being created."
# Recorded from AWS: an update's reason is worded like a creation's.
_STATES: dict[Phase, dict[str, str]] = {
    Phase.CREATING: {"State": "Pending", "StateReason": _BEING_CREATED, "StateReasonCode": "Creating"},
    Phase.UPDATING: {
        "State": "Active",
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": _BEING_CREATED,
        "LastUpdateStatusReasonCode": "Creating",
    },
    Phase.ACTIVE: {"State": "Active", "LastUpdateStatus": "Successful"},
    Phase.FAILED: {"State": "Failed", "StateReasonCode": "InternalError"},
    Phase.UPDATE_FAILED: {
        "State": "Active",
        "LastUpdateStatus": "Failed",
        "LastUpdateStatusReasonCode": "InternalError",
    },
}
_NOT_LISTED = ("State", "LastUpdateStatus", "RuntimeVersionConfig")
_REASON_MEMBER = {Phase.FAILED: "StateReason", Phase.UPDATE_FAILED: "LastUpdateStatusReason"}


def configuration(version: Version, *, arn: str | None = None) -> dict[str, Any]:
    """The version as AWS describes it; `arn` is how the caller named it, if that matters."""
    described = {
        **version.configuration,
        **_STATES[version.phase],
        "FunctionName": version.name,
        "FunctionArn": arn or version.arn,
        "CodeSize": version.package.size,
        "CodeSha256": version.package.sha256,
        "LastModified": version.last_modified,
        "Version": version.number,
        "RevisionId": version.revision,
        "SnapStart": _snap_start(version),
        "RuntimeVersionConfig": {"RuntimeVersionArn": platform_log.runtime_version_arn(version.runtime)},
    }
    if version.phase is Phase.FAILED and snap_start.is_optimized(version):
        described["StateReasonCode"] = "FunctionError"
    if version.phase in _REASON_MEMBER:
        described[_REASON_MEMBER[version.phase]] = version.reason
    if version.layers:
        described["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.package.size} for layer in version.layers]
    return described


def listed_configuration(version: Version, *, qualified: bool) -> dict[str, Any]:
    """The version as lists have it: without its state, and $LATEST by its qualified ARN if asked."""
    arn = function_arn(version.name, LATEST) if qualified and version.number == LATEST else None
    described = configuration(version, arn=arn)
    return {name: value for name, value in described.items() if not name.startswith(_NOT_LISTED)}


def _snap_start(version: Version) -> dict[str, str]:
    wanted = version.configuration["SnapStart"]["ApplyOn"]
    on = snap_start.is_optimized(version)
    return {"ApplyOn": wanted, "OptimizationStatus": "On" if on else "Off"}
