"""Streams polled for functions, by the public interface."""

from __future__ import annotations

import base64
import itertools
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api_clients import Create, create, functions, got

__all__ = ["create", "functions"]
_numbers = itertools.count()
ECHO = """
import base64, json
def handler(event, context):
    print('GOT', json.dumps([base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]))
"""
SQS = "arn:aws:sqs:us-east-1:000000000000:"


def make_stream(lab: Lab, shards: int = 1) -> tuple[str, str]:
    """A Kinesis stream: its name and its ARN."""
    name = f"stream-{next(_numbers)}"
    lab.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
    return name, f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"


def make_table(lab: Lab, view: str = "NEW_AND_OLD_IMAGES") -> tuple[Any, str]:
    """A table and the ARN of its stream."""
    table = lab.client("dynamodb").create_table(
        TableName=f"table-{next(_numbers)}",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )["TableDescription"]
    return table["TableName"], table["LatestStreamArn"]


def put(lab: Lab, stream: str, *texts: str, key: str = "k") -> None:
    for text in texts:
        lab.client("kinesis").put_record(StreamName=stream, Data=text.encode(), PartitionKey=key)


def test_a_record_becomes_an_event(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create("import json\ndef handler(event, context): print('GOT', json.dumps(event))")
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST")
    sent = lab.client("kinesis").put_record(StreamName=stream, Data=b"\x00hi", PartitionKey="k1")
    lab.settle()
    ((record,),) = [event["Records"] for event in got(lab, name)]
    arrived = record["kinesis"].pop("approximateArrivalTimestamp")
    assert abs(arrived - lab.clock.now) < 60
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k1",
            "sequenceNumber": sent["SequenceNumber"],
            "data": base64.b64encode(b"\x00hi").decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{sent['ShardId']}:{sent['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": functions.get_function_configuration(FunctionName=name)["Role"],
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }


def test_a_changed_item_becomes_an_event(lab: Lab, functions: Any, create: Create) -> None:
    table, arn = make_table(lab)
    name = create("import json\ndef handler(event, context): print('GOT', json.dumps(event))")
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
    )
    dynamodb = lab.client("dynamodb")
    item = {"id": {"S": "a"}, "n": {"N": "1"}, "raw": {"B": b"\x00\x01"}, "list": {"L": [{"B": b"\x02"}]}}
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item={**item, "n": {"N": "2"}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})
    lab.settle()
    records = [record for event in got(lab, name) for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    image = {"id": {"S": "a"}, "n": {"N": "1"}, "raw": {"B": "AAE="}, "list": {"L": [{"B": "Ag=="}]}}
    first = records[0]
    assert first["dynamodb"]["NewImage"] == image
    assert "OldImage" not in first["dynamodb"]
    assert first["dynamodb"]["Keys"] == {"id": {"S": "a"}}
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], int)
    assert {key: first[key] for key in ("eventSource", "eventSourceARN", "awsRegion")} == {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }
    assert records[1]["dynamodb"]["OldImage"] == image
    assert "NewImage" not in records[2]["dynamodb"]


def test_a_backlog_comes_in_order_and_in_batches(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    put(lab, stream, *map(str, range(25)))
    name = create(ECHO)
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", BatchSize=10
    )
    lab.settle()
    batches = got(lab, name)
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [text for batch in batches for text in batch] == [str(n) for n in range(25)]


def test_each_shard_is_read(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab, shards=3)
    name = create(ECHO)
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST")
    for n in range(30):
        put(lab, stream, str(n), key=str(n))
    lab.settle()
    assert sorted(int(text) for batch in got(lab, name) for text in batch) == list(range(30))


def test_children_are_read_after_their_parents(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST")
    kinesis = lab.client("kinesis")
    put(lab, stream, "a", "b")
    kinesis.update_shard_count(StreamName=stream, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(lab, stream, "c", key="k")
    kinesis.update_shard_count(StreamName=stream, TargetShardCount=1, ScalingType="UNIFORM_SCALING")
    put(lab, stream, "d", key="k")
    lab.settle()
    assert [text for batch in got(lab, name) for text in batch] == ["a", "b", "c", "d"]


def test_from_a_moment_on(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    put(lab, stream, "early")
    lab.clock.advance("10m")
    moment = lab.clock.now
    lab.clock.advance("10m")
    put(lab, stream, "late")
    name = create(ECHO)
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=moment,
    )
    lab.settle()
    assert got(lab, name) == [["late"]]


def test_a_window_gathers_a_batch(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        BatchSize=3,
        MaximumBatchingWindowInSeconds=300,
    )
    put(lab, stream, "a", "b", "c", "d")
    lab.settle()
    assert got(lab, name) == [["a", "b", "c"]]
    lab.clock.advance("5m")
    lab.settle()
    assert got(lab, name) == [["a", "b", "c"], ["d"]]


def test_filtered_records_are_passed_over(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        FilterCriteria={
            "Filters": [{"Pattern": '{"data": {"n": [{"numeric": [">", 1]}]}, "partitionKey": ["k"]}'}]
        },
    )
    put(lab, stream, '{"n": 1}', '{"n": 2}', "no JSON", '{"n": 3}')
    put(lab, stream, '{"n": 4}', key="other")
    lab.settle()
    assert [text for batch in got(lab, name) for text in batch] == ['{"n": 2}', '{"n": 3}']


FUSSY = """
import base64, json
def handler(event, context):
    texts = [base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]
    print('GOT', json.dumps(texts))
    if 'bad' in texts:
        raise ValueError('bad')
"""


def make_queue(lab: Lab) -> tuple[str, str]:
    name = f"failures-{next(_numbers)}"
    return lab.client("sqs").create_queue(QueueName=name)["QueueUrl"], SQS + name


def received(lab: Lab, url: str) -> list[Any]:
    messages = lab.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def wait_out(lab: Lab) -> None:
    """Let all that is retried be retried."""
    lab.settle()
    for _ in range(6):
        lab.clock.advance("61s")
        lab.settle()


def test_a_batch_is_halved_until_the_bad_record_is_alone(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    url, queue = make_queue(lab)
    name = create(FUSSY)
    texts = ["a", "b", "bad", "c", "d"]
    put(lab, stream, *texts)
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    wait_out(lab)
    assert got(lab, name) == [texts, ["a", "b", "bad"], ["a", "b"], ["bad"], ["bad"], ["c", "d"]]
    (record,) = received(lab, url)
    info = record.pop("KinesisBatchInfo")
    assert info.pop("startSequenceNumber") == info.pop("endSequenceNumber")
    assert info.pop("approximateArrivalOfFirstRecord") == info.pop("approximateArrivalOfLastRecord")
    assert info == {"shardId": "shardId-000000000000", "batchSize": 1, "streamArn": arn}
    assert record["requestContext"].pop("requestId")
    assert record.pop("timestamp")
    assert record == {
        "requestContext": {
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
    }


def test_a_batch_that_gets_too_old_is_given_up(lab: Lab, functions: Any, create: Create) -> None:
    table, arn = make_table(lab)
    url, queue = make_queue(lab)
    name = create("def handler(event, context): raise ValueError('never')")
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    lab.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "a"}})
    lab.settle()
    assert received(lab, url) == []
    wait_out(lab)
    (record,) = received(lab, url)
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in record
    assert record["DDBStreamBatchInfo"]["streamArn"] == arn
    assert record["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"].endswith("Z")
    assert "." not in record["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"]


def test_a_bucket_gets_the_batch_too(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    bucket = f"failures-{next(_numbers)}"
    lab.client("s3").create_bucket(Bucket=bucket)
    name = create(FUSSY)
    uuid = functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )["UUID"]
    put(lab, stream, "bad")
    lab.settle()
    (found,) = lab.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"].startswith(f"aws/lambda/{uuid}/shardId-000000000000/")
    record = json.loads(lab.client("s3").get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    ((text,),) = [[base64.b64decode(r["kinesis"]["data"]) for r in json.loads(record["payload"])["Records"]]]
    assert text == b"bad"


def test_what_failed_is_tried_again_from_the_first_on(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create("""
import base64, json
calls = []
def handler(event, context):
    texts = [base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]
    print('GOT', json.dumps(texts))
    calls.append(texts)
    if len(calls) == 1:
        numbers = [r['kinesis']['sequenceNumber'] for r in event['Records']]
        return {'batchItemFailures': [{'itemIdentifier': numbers[2]}, {'itemIdentifier': numbers[1]}]}
""")
    put(lab, stream, "a", "b", "c", "d")
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    wait_out(lab)
    assert got(lab, name) == [["a", "b", "c", "d"], ["b", "c", "d"]]


def test_keys_keep_their_order_in_parallel_lanes(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    for n in range(40):
        put(lab, stream, f"{n % 4}-{n:02}", key=str(n % 4))
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=5,
        ParallelizationFactor=4,
    )
    lab.settle()
    texts = [text for batch in got(lab, name) for text in batch]
    assert len(texts) == 40
    for key in "0123":
        mine = [text for text in texts if text.startswith(f"{key}-")]
        assert mine == sorted(mine)


def test_a_poison_key_holds_up_only_its_lane(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(FUSSY)
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        BatchSize=1,
        ParallelizationFactor=10,
    )
    put(lab, stream, "bad", key="0")
    for n in range(10):
        put(lab, stream, f"good-{n}", key=str(n))
    lab.settle()
    texts = {text for batch in got(lab, name) for text in batch}
    assert "bad" in texts
    assert len(texts) > 5
    assert "good-0" not in texts


WINDOWED = """
import base64, json
def handler(event, context):
    texts = [base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]
    state = event['state']
    print('GOT', json.dumps([texts, state, event['isFinalInvokeForWindow'], event['isWindowTerminatedEarly']]))
    print('WINDOW', event['window']['start'], event['window']['end'], event['shardId'], event['eventSourceARN'])
    if event['isFinalInvokeForWindow']:
        return {'state': {}}
    return {'state': {'sum': state.get('sum', 0) + sum(map(int, texts))}}
"""


def test_a_tumbling_window_keeps_a_state(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(WINDOWED)
    functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        TumblingWindowInSeconds=900,
    )
    lab.clock.advance(900 - lab.clock.now % 900)  # to a window's start
    put(lab, stream, "1")
    lab.settle()
    put(lab, stream, "2")
    lab.settle()
    lab.clock.advance("15m")
    lab.settle()
    put(lab, stream, "5")
    lab.settle()
    assert got(lab, name) == [
        [["1"], {}, False, False],
        [["2"], {"sum": 1}, False, False],
        [[], {"sum": 3}, True, False],
        [["5"], {}, False, False],
    ]
    windows = [line.message for line in lab.function(name).logs() if line.message.startswith("WINDOW")]
    assert all(line.endswith(f"shardId-000000000000 {arn}") for line in windows)
    assert ":00Z" in windows[0]


def test_a_throttled_stream_waits(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    uuid = functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST", MaximumRetryAttempts=0
    )["UUID"]
    put(lab, stream, "patient")
    wait_out(lab)
    assert functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "PROBLEM: Rate Exceeded."
    functions.delete_function_concurrency(FunctionName=name)
    wait_out(lab)
    assert got(lab, name) == [["patient"]]
    assert functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK"


def test_a_mapping_goes_on_where_it_was(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    uuid = functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST"
    )["UUID"]
    put(lab, stream, "a")
    lab.settle()
    functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    put(lab, stream, "b")
    lab.settle()
    assert got(lab, name) == [["a"]]
    functions.update_event_source_mapping(UUID=uuid, Enabled=True, BatchSize=7)
    lab.settle()
    assert got(lab, name) == [["a"], ["b"]]
    functions.delete_event_source_mapping(UUID=uuid)
    put(lab, stream, "c")
    lab.settle()
    assert got(lab, name) == [["a"], ["b"]]


def test_a_stream_that_is_deleted_and_made_again(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(ECHO)
    uuid = functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="LATEST"
    )["UUID"]
    put(lab, stream, "a")
    lab.settle()
    lab.client("kinesis").delete_stream(StreamName=stream)
    lab.clock.advance("61s")
    lab.settle()
    result = functions.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
    assert result.startswith("PROBLEM: ResourceNotFoundException")
    lab.client("kinesis").create_stream(StreamName=stream, ShardCount=1)
    put(lab, stream, "b")
    lab.settle()
    assert got(lab, name) == [["a"], ["b"]]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:kinesis:us-east-1:000000000000:stream/nowhere",
        "arn:aws:dynamodb:us-east-1:000000000000:table/nowhere/stream/2026-01-01T00:00:00.000",
    ],
)
def test_a_stream_that_isnt_there(functions: Any, create: Create, arn: str) -> None:
    with pytest.raises(ClientError, match=f"Stream not found: {arn}"):
        functions.create_event_source_mapping(
            FunctionName=create(ECHO), EventSourceArn=arn, StartingPosition="LATEST"
        )


def total(lab: Lab, metric: str, name: str, value: str) -> float:
    start, end = time.time() - 3600, time.time() + 3600
    points = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value}],
        StartTime=start,
        EndTime=end,
        Period=7200,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_what_a_mapping_did_is_counted(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    name = create(FUSSY)
    pattern = json.dumps({"data": [{"anything-but": ["skip"]}]})
    uuid = functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="LATEST",
        MaximumRetryAttempts=1,
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
        MetricsConfig={"Metrics": ["EventCount"]},
    )["UUID"]
    put(lab, stream, "a")
    lab.settle()
    put(lab, stream, "skip")
    lab.settle()
    put(lab, stream, "bad")
    wait_out(lab)
    counts = {
        metric: total(lab, f"{metric}EventCount", "EventSourceMappingUUID", uuid)
        for metric in ("Polled", "FilteredOut", "Invoked", "FailedInvoke", "Dropped")
    }
    assert counts == {"Polled": 3, "FilteredOut": 1, "Invoked": 3, "FailedInvoke": 2, "Dropped": 1}
    assert total(lab, "IteratorAge", "FunctionName", name) > 0
    metrics = lab.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="PolledEventCount")
    assert {"Name": "EventSourceMappingUUID", "Value": uuid} in [
        dimension for metric in metrics["Metrics"] for dimension in metric["Dimensions"]
    ]


def test_events_arent_counted_unless_asked_for(lab: Lab, functions: Any, create: Create) -> None:
    stream, arn = make_stream(lab)
    uuid = functions.create_event_source_mapping(
        FunctionName=create(ECHO), EventSourceArn=arn, StartingPosition="LATEST"
    )["UUID"]
    put(lab, stream, "a")
    lab.settle()
    assert total(lab, "PolledEventCount", "EventSourceMappingUUID", uuid) == 0
