"""What an event source mapping may be, by the kind of its source.

Source: CreateEventSourceMapping, https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html,
and responses recorded from AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.model.errors import InvalidParameterValue, NotImplementedHere
from lablambda.rules.filter_criteria import compile_criteria

_SQS: dict[str, Any] = {
    "BatchSize": 10,
    "MaximumBatchingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
    "StateTransitionReason": "USER_INITIATED",
}
_STREAM: dict[str, Any] = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "StateTransitionReason": "User action",
    "TumblingWindowInSeconds": 0,
}
_DEFAULTS = {"sqs": _SQS, "kinesis": _STREAM, "dynamodb": _STREAM}
_POSITIONS = {"kinesis": ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"), "dynamodb": ("TRIM_HORIZON", "LATEST")}
_NOT_BUILT = (
    "Topics",
    "Queues",
    "SelfManagedEventSource",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "ProvisionedPollerConfig",
)
# What only other kinds of sources may be given: nothing here acts on it.
_OTHERS = {
    "sqs": ("StartingPositionTimestamp",),
    "kinesis": ("ScalingConfig",),
    "dynamodb": ("ScalingConfig",),
}
_OF_KAFKA = ("LoggingConfig", "SourceAccessConfigurations")
_BATCH_TARGETS = ("sqs", "sns", "s3")
_YOUNGEST_AGE_LIMIT_S = 60
_SQS_LARGEST_BATCH, _FIFO_LARGEST_BATCH, _BATCH_WITHOUT_WINDOW = 10_000, 10, 10


def kind_of(source_arn: str) -> str:
    """`sqs`, `kinesis` or `dynamodb`. Raises InvalidParameterValue for any other source."""
    parts = source_arn.split(":")
    kind = parts[2] if len(parts) >= 6 else ""
    if kind not in _DEFAULTS:
        raise InvalidParameterValue("Unrecognized event source.")
    return kind


def created(members: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A new mapping's members: what was given, and AWS's defaults for its source; `now` is seconds since 1970 of lab
    time."""
    _check_built(members)
    if not members.get("EventSourceArn"):
        raise InvalidParameterValue("Unrecognized event source.")
    kind = kind_of(members["EventSourceArn"])
    _check_position(kind, members, now)
    return changed({**_DEFAULTS[kind], "EventSourceArn": members["EventSourceArn"]}, members)


def changed(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`current` with `changes`; a filter with no patterns takes the filter away."""
    _check_built(changes)
    merged = {**current, **changes}
    if "DestinationConfig" in merged:
        merged["DestinationConfig"] = {"OnFailure": {}, **merged["DestinationConfig"]}
    kind = kind_of(merged["EventSourceArn"])
    _check_of_kind(kind, changes)
    if kind == "sqs":
        _check_queue(merged)
    else:
        _check_stream(merged)
    if "FilterCriteria" in merged:
        filters = merged["FilterCriteria"].get("Filters", [])
        compile_criteria(kind, filters)
        if not filters:
            del merged["FilterCriteria"]
    return merged


def _check_built(members: Mapping[str, Any]) -> None:
    not_built = [name for name in _NOT_BUILT if members.get(name)]
    if not_built:
        raise NotImplementedHere(f"{', '.join(not_built)}: sources of this kind are not implemented here.")


def _check_of_kind(kind: str, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        of_streams = name in _STREAM and name not in _DEFAULTS[kind]
        if value is not None and (of_streams or name in _OTHERS[kind] or name in _OF_KAFKA):
            raise InvalidParameterValue(f"Unsupported {name} parameter for given event source mapping type.")


def _check_position(kind: str, members: Mapping[str, Any], now: float) -> None:
    position, moment = members.get("StartingPosition"), members.get("StartingPositionTimestamp")
    if kind == "sqs":
        if position is not None:
            raise InvalidParameterValue("StartingPosition is not valid for SQS event sources.")
    elif position is None:
        raise InvalidParameterValue(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    elif position not in _POSITIONS[kind]:
        raise InvalidParameterValue(
            f"Unsupported starting position for arn type: {members['EventSourceArn']}"
        )
    elif position != "AT_TIMESTAMP" and moment is not None:
        raise InvalidParameterValue("Timestamp only valid with StartingPosition AT_TIMESTAMP")
    elif position == "AT_TIMESTAMP" and moment is None:
        raise InvalidParameterValue("Timestamp must be specified with StartingPosition AT_TIMESTAMP")
    elif moment is not None and float(moment) > now:
        raise InvalidParameterValue("StartingPositionTimestamp cannot be in the future.")


def _check_stream(members: Mapping[str, Any]) -> None:
    if -1 < members["MaximumRecordAgeInSeconds"] < _YOUNGEST_AGE_LIMIT_S:
        raise InvalidParameterValue(
            f"MaximumRecordAgeInSeconds is -1, for no limit, or at least {_YOUNGEST_AGE_LIMIT_S}."
        )
    destinations = members["DestinationConfig"]
    target = destinations.get("OnFailure", {}).get("Destination")
    if destinations.get("OnSuccess", {}).get("Destination") or (
        target and target.split(":")[2] not in _BATCH_TARGETS
    ):
        raise InvalidParameterValue(
            "Unsupported DestinationConfig parameter for given event source mapping type."
        )


def _check_queue(members: Mapping[str, Any]) -> None:
    size, window = members["BatchSize"], members["MaximumBatchingWindowInSeconds"]
    if members["EventSourceArn"].endswith(".fifo"):
        if size > _FIFO_LARGEST_BATCH:
            raise InvalidParameterValue(
                f"A FIFO queue's batches hold at most {_FIFO_LARGEST_BATCH} messages."
            )
        if window:
            raise InvalidParameterValue("Batching window is not supported for FIFO queues.")
    elif size > _SQS_LARGEST_BATCH:
        raise InvalidParameterValue(f"A queue's batches hold at most {_SQS_LARGEST_BATCH} messages.")
    elif size > _BATCH_WITHOUT_WINDOW and window == 0:
        raise InvalidParameterValue(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
