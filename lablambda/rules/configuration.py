"""What a function's configuration may be: AWS's defaults, and the checks that its model doesn't state.

Sources: CreateFunction, https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html, and
responses recorded from AWS. Shapes, patterns and ranges are checked before, from botocore's model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import Version
from lablambda.model.package import Layer
from lablambda.rules import snap_start
from lablambda.rules.limits import ENVIRONMENT_BYTES, LAYERS, UNZIPPED_BYTES

_UNABLE = (
    "Lambda was unable to configure your environment variables because the environment variables you have "
    "provided"
)
_NO_VPC = {"Ipv6AllowedForDualStack": False, "SecurityGroupIds": [], "SubnetIds": [], "VpcId": ""}
# What a caller may not set on a function.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "TZ",
    }
)


def defaults(name: str) -> dict[str, Any]:
    """AWS's values for what CreateFunction leaves out."""
    return {
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }


def changed(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`current` with `changes`, as UpdateFunctionConfiguration applies them.

    An empty target, key or list takes the setting away; a LoggingConfig is completed by what was there.
    """
    merged = {**current, **changes}
    if "LoggingConfig" in changes:
        merged["LoggingConfig"] = _logging({**current["LoggingConfig"], **changes["LoggingConfig"]}, changes)
    for member in ("SnapStart", "TracingConfig"):  # an empty one changes nothing
        merged[member] = {**current[member], **changes.get(member, {})}
    target = changes.get("DeadLetterConfig", {}).get("TargetArn")
    if target == "":
        del merged["DeadLetterConfig"]
    elif target is None and "DeadLetterConfig" in current:  # recorded from AWS: {} changes nothing
        merged["DeadLetterConfig"] = current["DeadLetterConfig"]
    if "VpcConfig" in changes:
        merged["VpcConfig"] = {**_NO_VPC, **changes["VpcConfig"]}
    for member in ("KMSKeyArn", "FileSystemConfigs"):
        if not merged.get(member):
            merged.pop(member, None)
    return merged


def _logging(logging: dict[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """Levels belong to JSON, where both are INFO unless told otherwise; Text has none."""
    levels = ("ApplicationLogLevel", "SystemLogLevel")
    if logging["LogFormat"] == "JSON":
        return {**dict.fromkeys(levels, "INFO"), **logging}
    given = [level for level in levels if level in changes["LoggingConfig"]]
    if given:
        raise InvalidParameterValue(
            f"{' and '.join(given)} can be set only when LogFormat is JSON. Set LogFormat to JSON, or leave it out."
        )
    return {name: value for name, value in logging.items() if name not in levels}


def check(version: Version) -> None:
    """Refuse a version that AWS wouldn't take, or that this lab can't run."""
    snap_start.check(version)
    _check_variables(version.variables)
    _check_layers(version.layers)
    unzipped = version.package.unzipped + sum(layer.package.unzipped for layer in version.layers)
    if unzipped > UNZIPPED_BYTES:
        raise InvalidParameterValue(
            f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_BYTES} bytes. "
            f"The actual size is {unzipped} bytes."
        )


def _check_variables(variables: Mapping[str, str]) -> None:
    taken = sorted(RESERVED.intersection(variables))
    if taken:
        raise InvalidParameterValue(
            f"{_UNABLE} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > ENVIRONMENT_BYTES:
        raise InvalidParameterValue(f"{_UNABLE} exceeded the 4KB limit. String measured: {measured}")


def _check_layers(layers: Sequence[Layer]) -> None:
    if len(layers) > LAYERS:
        raise InvalidParameterValue(f"Cannot reference more than {LAYERS} layers.")
    names = [layer.name for layer in layers]
    doubled = [layer.arn for layer in layers if names.count(layer.name) > 1]
    if doubled:
        raise InvalidParameterValue(
            "Two different versions of the same layer are not allowed to be referenced in the same function. "
            f"{' and '.join(doubled[:2])} are versions of the same layer."
        )
