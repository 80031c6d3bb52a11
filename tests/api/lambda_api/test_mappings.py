"""Event source mappings: what is kept of them, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from lablambda.client import Lab
from tests.api_clients import ARN, Create, code_of

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-11-01T00:00:00.000"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


@pytest.fixture(scope="module")
def table(lab: Lab) -> str:
    """A table's stream."""
    made = lab.client("dynamodb").create_table(
        TableName="mapped-table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    return str(made["TableDescription"]["LatestStreamArn"])


@pytest.fixture(scope="module", autouse=True)
def sources(lab: Lab, table: str) -> dict[str, str]:
    """By kind."""
    for name in ("q", "q0", "q1", "q2"):
        lab.client("sqs").create_queue(QueueName=name)
    lab.client("kinesis").create_stream(StreamName="s", ShardCount=1)
    return {"sqs": QUEUE, "kinesis": STREAM, "dynamodb": table}


SQS_DEFAULTS = {
    "BatchSize": 10,
    "MaximumBatchingWindowInSeconds": 0,
    "FunctionResponseTypes": [],
    "StateTransitionReason": "USER_INITIATED",
}
STREAM_DEFAULTS = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "StartingPosition": "LATEST",
    "StateTransitionReason": "User action",
    "TumblingWindowInSeconds": 0,
}


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("sqs", {}, SQS_DEFAULTS),
        ("dynamodb", {"StartingPosition": "LATEST"}, STREAM_DEFAULTS),
        ("kinesis", {"StartingPosition": "LATEST"}, STREAM_DEFAULTS),
    ],
)
def test_a_mappings_life(
    functions: Any,
    create: Create,
    sources: dict[str, str],
    kind: str,
    given: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    source = sources[kind]
    name = create()
    made = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=source, **given)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    uuid = made["UUID"]
    told = {k: v for k, v in made.items() if k not in ("ResponseMetadata", "LastModified", "UUID")}
    assert told == {
        **expected,
        "EventSourceArn": source,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}",
        "FunctionArn": f"{ARN}{name}",
        "State": "Creating",
    }
    assert functions.get_event_source_mapping(UUID=uuid)["State"] == "Enabled"
    updated = functions.update_event_source_mapping(UUID=uuid, BatchSize=5, Enabled=False)
    assert (updated["BatchSize"], updated["State"]) == (5, "Disabling")
    (listed,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert (listed["UUID"], listed["State"]) == (uuid, "Disabled")
    assert functions.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    assert code_of(lambda: functions.get_event_source_mapping(UUID=uuid))[:2] == (
        404,
        "ResourceNotFoundException",
    )


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"EventSourceArn": "arn:aws:s3:::b"}, "InvalidParameterValueException", "Unrecognized event source."),
        ({"FunctionName": "nowhere", "EventSourceArn": QUEUE}, "InvalidParameterValueException", "Function does not exist"),
        ({"EventSourceArn": STREAM}, "InvalidParameterValueException", "1 validation error detected: Value null at 'startingPosition'"),
        ({"EventSourceArn": TABLE, "StartingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException", f"Unsupported starting position for arn type: {TABLE}"),
        ({"EventSourceArn": QUEUE, "BatchSize": 11}, "InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0"),
        ({"EventSourceArn": QUEUE, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}, "InvalidParameterValueException", "Unsupported DestinationConfig parameter for given event source mapping type."),
        ({"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": '{"a": 1}'}]}}, "InvalidParameterValueException", "Invalid filter pattern definition."),
        ({"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": "[" * 4000}]}}, "InvalidParameterValueException", "Invalid filter pattern definition."),
    ],
)  # fmt: skip
def test_mappings_that_cannot_be(
    functions: Any, create: Create, given: dict[str, Any], code: str, message: str
) -> None:
    found = code_of(lambda: functions.create_event_source_mapping(**{"FunctionName": create(), **given}))
    assert found[:2] == (400, code)
    assert found[2].startswith(message)


@pytest.mark.parametrize(
    ("source", "given", "words"),
    [
        (QUEUE, {}, 'An event source mapping with SQS arn (" {source} ") and function (" {name} ") already exists.'),
        (STREAM, {"StartingPosition": "LATEST"}, 'The event source arn (" {source} ") and function (" {name} ") provided'),
    ],
)  # fmt: skip
def test_one_mapping_for_a_source_and_a_function(
    functions: Any, create: Create, source: str, given: dict[str, Any], words: str
) -> None:
    name = create()
    made = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=source, **given)
    found = code_of(
        lambda: functions.create_event_source_mapping(FunctionName=name, EventSourceArn=source, **given)
    )
    assert found[:2] == (409, "ResourceConflictException")
    assert found[2].startswith(words.format(source=source, name=name))
    functions.delete_event_source_mapping(UUID=made["UUID"])


def test_mappings_have_tags_and_pages(functions: Any, create: Create) -> None:
    name = create()
    made = [
        functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn=f"{QUEUE}{number}", Tags={"n": str(number)}
        )
        for number in range(3)
    ]
    pages = functions.get_paginator("list_event_source_mappings").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["EventSourceMappings"]) for page in pages] == [2, 1]
    arn = made[0]["EventSourceMappingArn"]
    functions.tag_resource(Resource=arn, Tags={"more": ""})
    assert functions.list_tags(Resource=arn)["Tags"] == {"n": "0", "more": ""}
    for mapping in made:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
