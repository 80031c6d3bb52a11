"""EventBridge: buses, rules, schedules and the Scheduler, by the public interface."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api_clients import ARN, Create, create, functions, told

__all__ = ["create", "functions"]
_numbers = itertools.count()
PRINT = "import json\ndef handler(event, context): print('GOT', json.dumps(event))"
ROLE = "arn:aws:iam::000000000000:role/r"
SQS = "arn:aws:sqs:us-east-1:000000000000:"


@pytest.fixture
def rule(lab: Lab) -> Iterator[Callable[..., tuple[str, str]]]:
    """Make a rule with targets; gives its name and ARN. It is gone after the test."""
    made: list[tuple[str, str]] = []
    events = lab.client("events")

    def make(*targets: dict[str, Any], **members: Any) -> tuple[str, str]:
        name = f"rule-{next(_numbers)}"
        arn = events.put_rule(Name=name, **members)["RuleArn"]
        bus = members.get("EventBusName", "default")
        made.append((name, bus))
        named = [{"Id": str(n), **target} for n, target in enumerate(targets)]
        events.put_targets(Rule=name, EventBusName=bus, Targets=named)
        return name, str(arn)

    yield make
    for name, bus in made:
        ids = [t["Id"] for t in events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]]
        events.remove_targets(Rule=name, EventBusName=bus, Ids=ids)
        events.delete_rule(Name=name, EventBusName=bus)


def let_in(functions: Any, name: str, rule_arn: str) -> None:
    functions.add_permission(
        FunctionName=name,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )


def make_queue(lab: Lab) -> tuple[str, str]:
    name = f"bus-{next(_numbers)}"
    return lab.client("sqs").create_queue(QueueName=name)["QueueUrl"], SQS + name


def messages(lab: Lab, url: str) -> list[dict[str, Any]]:
    lab.settle()
    told = lab.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    found: list[dict[str, Any]] = told.get("Messages", [])
    return found


def put(lab: Lab, source: str, detail: Any, **more: Any) -> str:
    entry = {"Source": source, "DetailType": "sold", "Detail": json.dumps(detail), **more}
    (answer,) = lab.client("events").put_events(Entries=[entry])["Entries"]
    return str(answer["EventId"])


def test_an_event_that_fits_invokes_a_function(lab: Lab, functions: Any, create: Create, rule: Any) -> None:
    name = create(PRINT)
    pattern = json.dumps({"source": ["shop"], "detail": {"price": [{"numeric": [">", 10]}]}})
    _, arn = rule({"Arn": ARN + name}, EventPattern=pattern)
    let_in(functions, name, arn)
    put(lab, "shop", {"price": 5})
    put(lab, "market", {"price": 50})
    identity = put(lab, "shop", {"price": 50}, Resources=["arn:x"])
    (event,) = told(lab, name)
    assert abs(datetime.fromisoformat(event.pop("time")).timestamp() - lab.clock.now) < 120
    assert event == {
        "version": "0",
        "id": identity,
        "detail-type": "sold",
        "source": "shop",
        "account": "000000000000",
        "region": "us-east-1",
        "resources": ["arn:x"],
        "detail": {"price": 50},
    }


def test_targets_of_every_kind(lab: Lab, create: Create, rule: Any) -> None:
    url, queue = make_queue(lab)
    topic = lab.client("sns").create_topic(Name=f"bus-{next(_numbers)}")["TopicArn"]
    heard_url, heard = make_queue(lab)
    lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard)
    stream = f"bus-{next(_numbers)}"
    lab.client("kinesis").create_stream(StreamName=stream, ShardCount=1)
    stream_arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"
    bus = lab.client("events").create_event_bus(Name=f"bus-{next(_numbers)}")["EventBusArn"]
    far_url, far = make_queue(lab)
    rule({"Arn": far, "InputPath": "$.detail"}, EventPattern='{"source": ["kinds"]}', EventBusName=bus)
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '"number <n>"'}
    rule(
        {"Arn": queue, "InputTransformer": transformer},
        {"Arn": topic, "Input": '{"constant": true}'},
        {"Arn": stream_arn, "InputPath": "$.detail"},
        {"Arn": bus, "RoleArn": ROLE},
        EventPattern='{"source": ["kinds"]}',
    )
    put(lab, "kinds", {"n": 7})
    assert [message["Body"] for message in messages(lab, url)] == ["number 7"]
    (message,) = messages(lab, heard_url)
    assert json.loads(message["Body"])["Message"] == '{"constant": true}'
    assert [json.loads(message["Body"]) for message in messages(lab, far_url)] == [{"n": 7}]
    kinesis = lab.client("kinesis")
    shard = kinesis.list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    (record,) = kinesis.get_records(ShardIterator=iterator, StreamARN=stream_arn)["Records"]
    assert json.loads(record["Data"]) == {"n": 7}


def test_a_function_that_doesnt_let_the_rule_in(lab: Lab, create: Create, rule: Any) -> None:
    name = create(PRINT)
    url, queue = make_queue(lab)
    target = {"Arn": ARN + name, "DeadLetterConfig": {"Arn": queue}}
    _, arn = rule(target, EventPattern='{"source": ["closed"]}')
    put(lab, "closed", {})
    assert told(lab, name) == []
    (message,) = messages(lab, url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE").startswith("Not authorized")
    assert attributes == {"RULE_ARN": arn, "TARGET_ARN": ARN + name, "ERROR_CODE": "NO_PERMISSIONS"}
    assert json.loads(message["Body"])["source"] == "closed"


@pytest.mark.parametrize(
    "gone", [f"{SQS}nowhere", f"{ARN}nobody", "arn:aws:events:us-east-1:000000000000:event-bus/none"]
)
def test_what_is_for_a_target_that_is_no_more_is_a_dead_letter_at_once(
    lab: Lab, rule: Any, gone: str
) -> None:
    url, queue = make_queue(lab)
    _, arn = rule({"Arn": gone, "DeadLetterConfig": {"Arn": queue}}, EventPattern='{"source": ["lost"]}')
    put(lab, "lost", {})
    lab.settle()
    (message,) = messages(lab, url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {"RULE_ARN": arn, "TARGET_ARN": gone, "ERROR_CODE": "NO_RESOURCE"}


def test_a_rule_runs_by_the_labs_clock(lab: Lab, functions: Any, create: Create, rule: Any) -> None:
    name = create(PRINT)
    rule_name, arn = rule({"Arn": ARN + name}, ScheduleExpression="rate(1 hour)")
    let_in(functions, name, arn)
    lab.clock.advance("3h")
    found = told(lab, name)
    assert [event["detail-type"] for event in found] == ["Scheduled Event"] * 3
    assert {event["source"] for event in found} == {"aws.events"}
    assert found[0]["resources"] == [arn]
    moments = sorted(datetime.fromisoformat(event["time"]).timestamp() for event in found)
    assert [later - earlier for earlier, later in itertools.pairwise(moments)] == [3600, 3600]
    lab.client("events").disable_rule(Name=rule_name)
    lab.clock.advance("3h")
    assert len(told(lab, name)) == 3
    lab.client("events").enable_rule(Name=rule_name)
    lab.clock.advance("1h")
    assert len(told(lab, name)) == 4


def test_a_bucket_tells_the_bus(lab: Lab, rule: Any) -> None:
    url, queue = make_queue(lab)
    bucket = f"telling-{next(_numbers)}"
    lab.client("s3").create_bucket(Bucket=bucket)
    lab.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    rule({"Arn": queue}, EventPattern=pattern)
    lab.client("s3").put_object(Bucket=bucket, Key="a b.txt", Body=b"xyz")
    (created,) = [json.loads(message["Body"]) for message in messages(lab, url)]
    lab.client("s3").delete_object(Bucket=bucket, Key="a b.txt")
    (deleted,) = [json.loads(message["Body"]) for message in messages(lab, url)]
    assert (created["detail-type"], deleted["detail-type"]) == ("Object Created", "Object Deleted")
    assert created["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert (created["detail"]["object"]["key"], created["detail"]["object"]["size"]) == ("a b.txt", 3)
    assert (created["detail"]["reason"], deleted["detail"]["reason"]) == ("PutObject", "DeleteObject")
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Detail": "{}", "DetailType": "d"}, "InvalidArgument"),
        ({"Source": "s", "Detail": "{}"}, "InvalidArgument"),
        ({"Source": "s", "DetailType": "d", "Detail": "{"}, "MalformedDetail"),
        ({"Source": "s", "DetailType": "d", "Detail": "[]"}, "MalformedDetail"),
        ({"Source": "aws.s3", "DetailType": "d", "Detail": "{}"}, "NotAuthorizedForSource"),
    ],
)
def test_entries_that_are_refused(lab: Lab, entry: dict[str, str], code: str) -> None:
    good = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    answer = lab.client("events").put_events(Entries=[entry, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
    assert "EventId" in answer["Entries"][1]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "ValidationException"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException"),
        ({"EventPattern": "{"}, "InvalidEventPatternException"),
        ({"EventPattern": '{"source": "x"}'}, "InvalidEventPatternException"),
        ({"EventPattern": '{"source": ["x"]}', "EventBusName": "nowhere"}, "ResourceNotFoundException"),
    ],
)
def test_rules_that_are_refused(lab: Lab, members: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        lab.client("events").put_rule(Name="bad", **members)
    assert caught.value.response["Error"]["Code"] == code


def test_rules_are_described_tagged_and_deleted(lab: Lab) -> None:
    events = lab.client("events")
    tags = [{"Key": "a", "Value": "1"}]
    arn = events.put_rule(Name="told", EventPattern='{"source": ["x"]}', Description="d", Tags=tags)[
        "RuleArn"
    ]
    assert arn == "arn:aws:events:us-east-1:000000000000:rule/told"
    described = events.describe_rule(Name="told")
    assert (described["State"], described["EventBusName"], described["Description"]) == (
        "ENABLED",
        "default",
        "d",
    )
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == tags
    events.put_targets(Rule="told", Targets=[{"Id": "q", "Arn": f"{SQS}q"}])
    assert events.list_rule_names_by_target(TargetArn=f"{SQS}q")["RuleNames"] == ["told"]
    with pytest.raises(ClientError, match="has targets"):
        events.delete_rule(Name="told")
    with pytest.raises(ClientError, match="NotImplemented"):
        events.put_targets(
            Rule="told", Targets=[{"Id": "s", "Arn": "arn:aws:states:us-east-1:000000000000:x"}]
        )
    events.remove_targets(Rule="told", Ids=["q"])
    events.delete_rule(Name="told")
    with pytest.raises(ClientError, match="Rule told does not exist"):
        events.describe_rule(Name="told")
    with pytest.raises(ClientError, match="NotImplemented"):
        events.list_archives()
    event = json.dumps({"source": "x"})
    assert events.test_event_pattern(EventPattern='{"source": ["x"]}', Event=event)["Result"]


# ------------------------------------------------------------------------------------------- Scheduler


def schedule(lab: Lab, expression: str, arn: str, **more: Any) -> str:
    name = f"schedule-{next(_numbers)}"
    given = {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": arn, "RoleArn": ROLE, "Input": '{"n": 1}'},
    }
    lab.client("scheduler").create_schedule(
        **{"Name": name, "ScheduleExpression": expression, **given, **more}
    )
    return name


def test_a_schedule_invokes_a_function_once(lab: Lab, create: Create) -> None:
    name = create(PRINT)
    at = datetime.fromtimestamp(lab.clock.now + 7200, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    made = schedule(lab, f"at({at})", ARN + name, ActionAfterCompletion="DELETE")
    lab.clock.advance("1h")
    assert told(lab, name) == []
    lab.clock.advance("2h")
    assert told(lab, name) == [{"n": 1}]
    with pytest.raises(ClientError, match="does not exist"):
        lab.client("scheduler").get_schedule(Name=made)


def test_a_schedule_repeats_within_its_dates(lab: Lab, create: Create) -> None:
    name = create(PRINT)
    begin = lab.clock.now + 3600
    made = schedule(
        lab, "rate(1 hour)", ARN + name, StartDate=begin, EndDate=begin + 2.5 * 3600, State="ENABLED"
    )
    lab.clock.advance("12h")
    assert len(told(lab, name)) == 2
    scheduler = lab.client("scheduler")
    described = scheduler.get_schedule(Name=made)
    assert described["ScheduleExpressionTimezone"] == "UTC"
    target = {"Arn": ARN + name, "RoleArn": ROLE}
    scheduler.update_schedule(
        Name=made,
        ScheduleExpression="cron(0 0 * * ? *)",
        ScheduleExpressionTimezone="Asia/Tokyo",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        Target=target,
    )
    lab.clock.advance("25h")
    assert told(lab, name)[-1] == {}
    scheduler.delete_schedule(Name=made)


def test_groups_of_schedules(lab: Lab) -> None:
    scheduler = lab.client("scheduler")
    scheduler.create_schedule_group(Name="lesson")
    with pytest.raises(ClientError, match="ConflictException"):
        scheduler.create_schedule_group(Name="lesson")
    made = schedule(lab, "rate(1 day)", f"{SQS}q", GroupName="lesson")
    (listed,) = scheduler.list_schedules(GroupName="lesson")["Schedules"]
    assert (listed["Name"], listed["GroupName"]) == (made, "lesson")
    assert [group["Name"] for group in scheduler.list_schedule_groups()["ScheduleGroups"]] == [
        "default",
        "lesson",
    ]
    scheduler.delete_schedule_group(Name="lesson")
    assert scheduler.list_schedules()["Schedules"] == []


def test_a_group_has_tags(lab: Lab) -> None:
    scheduler = lab.client("scheduler")
    tags = [{"Key": "a", "Value": "1"}]
    arn = scheduler.create_schedule_group(Name="tagged", Tags=tags)["ScheduleGroupArn"]
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [*tags, {"Key": "b", "Value": "2"}]
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    scheduler.delete_schedule_group(Name="tagged")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        scheduler.list_tags_for_resource(ResourceArn=arn)


@pytest.mark.parametrize(
    "members",
    [
        {"ScheduleExpression": "rate(1 hours)"},
        {"ScheduleExpression": "at(2026-02-30T00:00:00)"},
        {"ScheduleExpressionTimezone": "Mars/Olympus"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"GroupName": "nowhere"},
    ],
)
def test_schedules_that_are_refused(lab: Lab, members: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=r"ValidationException|ResourceNotFoundException"):
        schedule(lab, members.pop("ScheduleExpression", "rate(1 hour)"), f"{SQS}q", **members)
