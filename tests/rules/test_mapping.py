"""What mappings may be, by their source."""

from __future__ import annotations

from typing import Any

import pytest

from lablambda.model.errors import InvalidParameterValue, NotImplementedHere
from lablambda.rules import mapping

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
NOW = 1_800_000_000.0
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Unrecognized event source."),
        ({"EventSourceArn": "nonsense"}, "Unrecognized event source."),
        ({"EventSourceArn": QUEUE, "StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        ({"EventSourceArn": STREAM, "StartingPosition": "LATEST", "StartingPositionTimestamp": 1}, "Timestamp only valid with StartingPosition AT_TIMESTAMP"),
        ({"EventSourceArn": STREAM, "StartingPosition": "AT_TIMESTAMP"}, "Timestamp must be specified"),
        ({"EventSourceArn": STREAM, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": NOW + 1}, "StartingPositionTimestamp cannot be in the future."),
        ({"EventSourceArn": f"{QUEUE}.fifo", "BatchSize": 11}, "at most 10 messages"),
        ({"EventSourceArn": f"{QUEUE}.fifo", "MaximumBatchingWindowInSeconds": 1}, "not supported for FIFO"),
        ({"EventSourceArn": QUEUE, "ParallelizationFactor": 2}, "Unsupported ParallelizationFactor parameter"),
        *(
            ({"EventSourceArn": QUEUE, name: value}, f"Unsupported {name} parameter for given event source mapping type.")
            for name, value in (
                ("BisectBatchOnFunctionError", True), ("DestinationConfig", {"OnFailure": {"Destination": QUEUE}}),
                ("MaximumRecordAgeInSeconds", 60), ("MaximumRetryAttempts", 1), ("TumblingWindowInSeconds", 1),
                ("StartingPositionTimestamp", 1), ("LoggingConfig", {"SystemLogLevel": "WARN"}),
                ("SourceAccessConfigurations", []),
            )
        ),
        *(
            ({"EventSourceArn": STREAM, "StartingPosition": "LATEST", name: value}, f"Unsupported {name} parameter")
            for name, value in (
                ("ScalingConfig", {"MaximumConcurrency": 2}),
                ("DestinationConfig", {"OnSuccess": {"Destination": QUEUE}}),
                ("DestinationConfig", {"OnFailure": {"Destination": "arn:aws:lambda:us-east-1:000000000000:function:f"}}),
            )
        ),
        ({"EventSourceArn": STREAM, "StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 59}, "at least 60"),
        *(
            ({"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": pattern}]}}, "Invalid filter pattern definition.")
            for pattern in ("", "[1]", '"text"', '{"a": {}}', '{"a": []}', '{"a": {"b": 1}}', "{")
        ),
    ],
)  # fmt: skip
def test_mappings_that_cannot_be(members: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        mapping.created(members, NOW)
    assert message in str(caught.value)


def test_kafka_is_not_built() -> None:
    with pytest.raises(NotImplementedHere, match="Topics"):
        mapping.created({"Topics": ["t"], "SelfManagedEventSource": {"Endpoints": {}}}, NOW)


def test_what_is_not_built_is_refused_later_too() -> None:
    made = mapping.created({"EventSourceArn": QUEUE}, NOW)
    with pytest.raises(NotImplementedHere, match="ProvisionedPollerConfig"):
        mapping.changed(made, {"ProvisionedPollerConfig": {"MinimumPollers": 2}})
    with pytest.raises(InvalidParameterValue, match="Unsupported ParallelizationFactor"):
        mapping.changed(made, {"ParallelizationFactor": 2})


def test_a_destination_comes_and_goes() -> None:
    members = {"EventSourceArn": STREAM, "StartingPosition": "LATEST"}
    given = {"OnFailure": {"Destination": QUEUE}}
    made = mapping.created({**members, "DestinationConfig": given}, NOW)
    assert made["DestinationConfig"] == given
    assert mapping.changed(made, {"DestinationConfig": {}})["DestinationConfig"] == {"OnFailure": {}}


def test_filters_come_and_go() -> None:
    criteria = {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]}
    made = mapping.created({"EventSourceArn": QUEUE, "FilterCriteria": criteria}, NOW)
    assert made["FilterCriteria"] == criteria
    assert "FilterCriteria" not in mapping.changed(made, {"FilterCriteria": {}})


def test_a_window_allows_large_batches() -> None:
    made = mapping.created(
        {"EventSourceArn": QUEUE, "BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 1}, NOW
    )
    with pytest.raises(InvalidParameterValue, match="must be greater than 0"):
        mapping.changed(made, {"MaximumBatchingWindowInSeconds": 0})
