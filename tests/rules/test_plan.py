from __future__ import annotations

from dataclasses import replace
from typing import Any

from lablambda.model.deployment import Deployment
from lablambda.model.source import (
    PatternSource,
    QueueSource,
    S3Source,
    ScheduleSource,
    Source,
    StreamSource,
    TableSource,
    TopicSource,
)
from lablambda.rules.plan import Code, plan, source_steps
from lablambda.rules.step import CELL, LINE, Attached, Current, LayerOf, Step, StreamOf, Target

ARN = "arn:aws:lambda:us-east-1:000000000000:function:thumb"
CODE = Code(b"zip", "sha")
WANTED = Deployment(
    "thumb", "python3.13", "f.handler", {"f.py": b""}, sources=(S3Source("photos", "", ".jpg"),)
)
DEPLOYED: dict[str, Any] = {
    "Runtime": "python3.13",
    "Handler": "f.handler",
    "MemorySize": 128,
    "Timeout": 3,
    "CodeSha256": "sha",
}


def operations(steps: list[Step]) -> list[str]:
    return [step.operation for step in steps]


def make(current: Current, wanted: Deployment = WANTED, code: Code = CODE) -> list[Step]:
    return plan(current, wanted, code, role="arn:aws:iam::000000000000:role/r", arn=ARN)


def notifications(steps: list[Step]) -> Any:
    put = next(step for step in steps if step.operation == "PutBucketNotificationConfiguration")
    return put.parameters["NotificationConfiguration"]["LambdaFunctionConfigurations"]


def attached() -> Current:
    """What is there after the first deployment of WANTED."""
    steps = make(Current(buckets={"photos": None}))
    permission = next(step for step in steps if step.operation == "AddPermission").parameters
    return Current(
        function=DEPLOYED,
        statements={permission["StatementId"]: permission["SourceArn"]},
        attached={S3Source("photos", "", ".jpg"): Attached(CELL)},
        buckets={"photos": {"LambdaFunctionConfigurations": notifications(steps)}},
    )


def test_from_nothing() -> None:
    steps = make(Current(buckets={"photos": None}))
    assert operations(steps) == [
        "CreateFunction",
        "CreateBucket",
        "AddPermission",
        "PutBucketNotificationConfiguration",
    ]
    (notification,) = notifications(steps)
    assert notification["LambdaFunctionArn"] == ARN
    assert notification["Events"] == ["s3:ObjectCreated:*"]
    assert notification["Filter"]["Key"]["FilterRules"] == [{"Name": "suffix", "Value": ".jpg"}]


def test_nothing_to_do() -> None:
    assert make(attached()) == []


def test_only_the_code_changed() -> None:
    assert operations(make(attached(), code=Code(b"new", "other"))) == ["UpdateFunctionCode"]


def test_only_what_changed_is_sent() -> None:
    (step,) = make(attached(), replace(WANTED, memory_mb=512, variables={"GREY": "1"}))
    assert step.operation == "UpdateFunctionConfiguration"
    assert step.parameters == {
        "FunctionName": "thumb",
        "MemorySize": 512,
        "Environment": {"Variables": {"GREY": "1"}},
    }


def test_another_functions_notifications_are_kept() -> None:
    others = {"Id": "other", "LambdaFunctionArn": "arn:other", "Events": ["s3:ObjectRemoved:*"]}
    queue = {"Id": "q", "QueueArn": "arn:q", "Events": ["s3:ObjectCreated:*"]}
    bucket = {
        "LambdaFunctionConfigurations": [others],
        "QueueConfigurations": [queue],
        "ResponseMetadata": {},
    }
    steps = make(Current(buckets={"photos": bucket}))
    assert notifications(steps)[0] == others
    configuration = steps[-1].parameters["NotificationConfiguration"]
    assert configuration["QueueConfigurations"] == [queue]
    assert "ResponseMetadata" not in configuration


def test_a_bucket_that_tells_another_of_the_same_objects_is_told_of_beforehand() -> None:
    other = {
        "Id": "other",
        "LambdaFunctionArn": "arn:aws:lambda:r:0:function:grey",
        "Events": ["s3:ObjectCreated:Put"],
    }
    steps = make(Current(buckets={"photos": {"LambdaFunctionConfigurations": [other]}}))
    assert "grey and thumb would both be told" in steps[-1].advice
    apart = other | {"Filter": {"Key": {"FilterRules": [{"Name": "Suffix", "Value": ".png"}]}}}
    assert make(Current(buckets={"photos": {"LambdaFunctionConfigurations": [apart]}}))[-1].advice == ""


def test_a_source_of_a_line_becomes_the_cells_when_the_cell_says_it() -> None:
    by_line = {**notifications(make(Current(buckets={"photos": None})))[0]}
    by_line["Id"] = by_line["Id"].replace("lablambda-", "lablambda_on-")
    steps = make(Current(buckets={"photos": {"LambdaFunctionConfigurations": [by_line]}}))
    assert [notification["Id"] for notification in notifications(steps)] == [
        by_line["Id"].replace("lablambda_on-", "lablambda-")
    ]


def test_a_source_that_is_no_longer_wanted_is_detached() -> None:
    current = replace(attached(), buckets={**attached().buckets, "scans": None})
    steps = make(current, replace(WANTED, sources=(S3Source("scans"),)))
    assert [step.text for step in steps] == [
        "create bucket scans",
        "let bucket scans invoke thumb",
        "no longer notify thumb of photos",
        "notify thumb of s3:scans",
        "no longer let photos invoke thumb",
    ]


def test_requirements_become_a_layer_once() -> None:
    wanted = replace(WANTED, sources=(), requires=("pillow",))
    code = replace(CODE, layers={"requires-1": b"zip"})
    publish, create = make(Current(), wanted, code)
    assert publish.operation == "PublishLayerVersion"
    assert create.parameters["Layers"] == [LayerOf("requires-1")]
    (create,) = make(Current(layers={"requires-1": "arn:layer:1"}), wanted, code)
    assert create.parameters["Layers"] == ["arn:layer:1"]


QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


def test_a_queue_is_made_and_polled() -> None:
    wanted = replace(WANTED, sources=(QueueSource("orders"), QueueSource("steps.fifo")), timeout_s=10)
    create, *steps = make(Current(existing=(QueueSource("steps.fifo"),)), wanted)
    assert create.operation == "CreateFunction"
    assert operations(steps) == ["CreateQueue", "CreateEventSourceMapping", "CreateEventSourceMapping"]
    assert steps[0].parameters == {"QueueName": "orders", "Attributes": {"VisibilityTimeout": "60"}}
    assert [step.parameters["EventSourceArn"] for step in steps[1:]] == [
        QUEUE + "orders",
        QUEUE + "steps.fifo",
    ]


def test_a_fifo_queue_is_made_as_one() -> None:
    steps = make(Current(), replace(WANTED, sources=(QueueSource("steps.fifo"),)))
    (queue,) = (step for step in steps if step.operation == "CreateQueue")
    assert queue.parameters["Attributes"]["FifoQueue"] == "true"


def test_only_what_a_plan_polls_is_no_longer_polled() -> None:
    attached: dict[Source, Attached] = {
        QueueSource("orders"): Attached(CELL, "1"),
        QueueSource("old"): Attached(CELL, "2"),
        QueueSource("theirs"): Attached("", "3"),
        QueueSource("by-hand"): Attached(LINE, "4"),
    }
    current = Current(function=DEPLOYED, existing=(QueueSource("orders"),), attached=attached)
    steps = make(current, replace(WANTED, sources=(QueueSource("orders"),)))
    assert [(step.operation, step.parameters) for step in steps] == [
        ("DeleteEventSourceMapping", {"UUID": "2"})
    ]


def test_a_table_is_made_and_its_stream_polled() -> None:
    wanted = replace(WANTED, sources=(TableSource("users"), StreamSource("clicks")))
    _, *steps = make(Current(), wanted)
    assert operations(steps) == [
        "CreateTable",
        "CreateEventSourceMapping",
        "CreateStream",
        "CreateEventSourceMapping",
    ]
    assert steps[1].parameters["EventSourceArn"] == StreamOf("users")
    assert steps[3].parameters["EventSourceArn"] == "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"


def test_a_table_without_a_stream_is_given_one() -> None:
    wanted = replace(WANTED, sources=(TableSource("users"),))
    assert operations(make(Current(streams={"users": ""}), wanted))[1:] == [
        "UpdateTable",
        "CreateEventSourceMapping",
    ]
    (mapping,) = make(Current(streams={"users": "arn:stream"}), wanted)[1:]
    assert mapping.parameters["EventSourceArn"] == "arn:stream"


def test_a_topic_is_made_and_subscribed_to() -> None:
    source = TopicSource("news")
    _, *steps = make(Current(), replace(WANTED, sources=(source,)))
    assert operations(steps) == ["CreateTopic", "AddPermission", "Subscribe"]
    current = Current(function=DEPLOYED, attached={source: Attached(CELL, "arn:subscription")})
    assert make(current, replace(WANTED, sources=(source,))) == []
    steps = make(current, replace(WANTED, sources=()))
    assert operations(steps) == ["Unsubscribe", "RemovePermission"]
    assert steps[0].parameters == {"SubscriptionArn": "arn:subscription"}


def test_rules_are_made_and_deleted() -> None:
    for source in (ScheduleSource("rate(1 day)"), PatternSource('{"source":["shop"]}')):
        _, *steps = make(Current(), replace(WANTED, sources=(source,)))
        assert operations(steps) == ["PutRule", "AddPermission", "PutTargets"]
        rule = steps[0].parameters["Name"]
        assert steps[1].parameters["StatementId"] == rule
        current = Current(function=DEPLOYED, attached={source: Attached(CELL, rule)})
        steps = make(current, replace(WANTED, sources=()))
        assert operations(steps) == ["RemoveTargets", "DeleteRule", "RemovePermission"]


def test_a_rules_name_isnt_too_long() -> None:
    wanted = replace(WANTED, name="f" * 64, sources=(ScheduleSource("rate(1 day)"),))
    (rule,) = (step for step in make(Current(), wanted) if step.operation == "PutRule")
    assert len(rule.parameters["Name"]) == 64


def test_sources_under_another_label_stay() -> None:
    line = Target("thumb", ARN, 3, LINE)
    current = Current(attached={QueueSource("a"): Attached(CELL, "1"), QueueSource("b"): Attached(LINE, "2")})
    (step,) = source_steps(current, [], line)
    assert step.parameters == {"UUID": "2"}
    (step,) = source_steps(current, [], replace(line, label=CELL))
    assert step.parameters == {"UUID": "1"}
