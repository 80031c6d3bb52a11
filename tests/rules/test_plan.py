from __future__ import annotations

from dataclasses import replace
from typing import Any

from lablambda.model.deployment import Deployment, QueueSource, S3Source
from lablambda.rules.plan import Code, plan
from lablambda.rules.step import Current, CurrentMapping, LayerOf, Step

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
        sources={permission["StatementId"]: permission["SourceArn"]},
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
    create, *steps = make(Current(queues=("steps.fifo",)), wanted)
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
    mappings = {
        QUEUE + "orders": CurrentMapping("1", ours=True),
        QUEUE + "old": CurrentMapping("2", ours=True),
        QUEUE + "theirs": CurrentMapping("3", ours=False),
    }
    current = Current(function=DEPLOYED, queues=("orders",), mappings=mappings)
    steps = make(current, replace(WANTED, sources=(QueueSource("orders"),)))
    assert [(step.operation, step.parameters) for step in steps] == [
        ("DeleteEventSourceMapping", {"UUID": "2"})
    ]
