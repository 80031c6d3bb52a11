"""CloudWatch Logs as boto3 sees it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api_clients import code_of

Create = Callable[..., str]
SOURCE = "def handler(e, c):\n    for i in range(e['n']): print('line', i)\n    return c.log_stream_name"

_numbers = itertools.count()


@pytest.fixture
def logs(lab: Lab) -> Any:
    return lab.client("logs")


def test_groups_and_streams(logs: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name, Payload=b'{"n": 1}')
    group = f"/aws/lambda/{name}"
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["logGroupName"] == group
    assert found["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    (stream,) = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)[
        "logStreams"
    ]
    assert "/[$LATEST]" in stream["logStreamName"]
    assert stream["firstEventTimestamp"] <= stream["lastEventTimestamp"]


def test_events_forwards_and_backwards(logs: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name, Payload=b'{"n": 10}')
    group = f"/aws/lambda/{name}"
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    where = {"logGroupName": group, "logStreamName": stream}
    everything = [event["message"] for event in logs.get_log_events(**where, startFromHead=True)["events"]]
    assert everything[2:12] == [f"line {i}" for i in range(10)]
    assert everything[-1].endswith("\t\n")

    def pages(token_name: str, **first: Any) -> list[list[str]]:
        found = []
        answer = logs.get_log_events(**where, limit=5, **first)
        while answer["events"]:
            found.append([event["message"] for event in answer["events"]])
            answer = logs.get_log_events(**where, limit=5, nextToken=answer[token_name])
        again = logs.get_log_events(**where, limit=5, nextToken=answer[token_name])
        assert again[token_name] == answer[token_name]  # the end: the same token comes back
        return found

    assert [*chain(*pages("nextForwardToken", startFromHead=True))] == everything
    assert [*chain(*reversed(pages("nextBackwardToken")))] == everything


def test_only_a_span_of_time(logs: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name, Payload=b'{"n": 3}')
    group = f"/aws/lambda/{name}"
    events = logs.filter_log_events(logGroupName=group)["events"]
    last = events[-1]["timestamp"]
    assert logs.filter_log_events(logGroupName=group, startTime=last + 1)["events"] == []
    assert logs.filter_log_events(logGroupName=group, endTime=last)["events"] == events


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["INIT_START", "START", "line 0", "line 1", "line 2", "END", "REPORT"]),
        ("line", ["line 0", "line 1", "line 2"]),
        ("line -1", ["line 0", "line 2"]),
        ('"line 2"', ["line 2"]),
        ("?END ?REPORT", ["END", "REPORT"]),
        ("line 1", ["line 1"]),
    ],
)
def test_filter_patterns(
    logs: Any, functions: Any, create: Create, pattern: str, expected: list[str]
) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name, Payload=b'{"n": 3}')
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=pattern)["events"]
    messages = [event["message"] for event in events]
    assert [next(word for word in expected if message.startswith(word)) for message in messages] == expected


def test_a_json_pattern(logs: Any, functions: Any, create: Create) -> None:
    source = "import json\ndef handler(e, c):\n    for level in ('INFO', 'ERROR'): print(json.dumps({'level': level}))"
    name = create(source)
    functions.invoke(FunctionName=name)
    found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern='{ $.level = "ERROR" }')
    assert [event["message"] for event in found["events"]] == ['{"level": "ERROR"}']


def test_pages_of_a_filter(logs: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name, Payload=b'{"n": 25}')
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{name}", filterPattern="line", PaginationConfig={"PageSize": 10}
    )
    found = [[event["message"] for event in page["events"]] for page in pages]
    assert [*chain(*found)] == [f"line {i}" for i in range(25)]
    assert max(map(len, found)) == 10


def test_what_does_not_exist(logs: Any, functions: Any, create: Create) -> None:
    with pytest.raises(ClientError, match="The specified log group does not exist"):
        logs.get_log_events(logGroupName="/aws/lambda/nowhere", logStreamName="s")
    name = create()
    functions.invoke(FunctionName=name)
    with pytest.raises(ClientError, match="The specified log stream does not exist"):
        logs.get_log_events(logGroupName=f"/aws/lambda/{name}", logStreamName="nowhere")


# --------------------------------------------------------------------- groups and streams of one's own


@pytest.fixture
def group(logs: Any) -> Iterator[str]:
    """A log group of its own; deleted after the test."""
    name = f"/test/{next(_numbers)}"
    logs.create_log_group(logGroupName=name, tags={"made": "by the test"})
    yield name
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=name)


@pytest.fixture
def stream(logs: Any, group: str) -> str:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    return "s"


def put(logs: Any, group: str, *messages: str, stream: str = "s", at: int | None = None) -> dict[str, Any]:
    when = int(time.time() * 1000) if at is None else at
    events = [{"timestamp": when + n, "message": message} for n, message in enumerate(messages)]
    answer: dict[str, Any] = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return answer


def told(logs: Any, group: str, **more: Any) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **more)
    return [event["message"] for page in pages for event in page["events"]]


def test_a_group_of_its_own(logs: Any, group: str) -> None:
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["logGroupName"] == group
    assert (found["storedBytes"], found["metricFilterCount"]) == (0, 0)
    assert found["logGroupClass"] == "STANDARD"
    assert "retentionInDays" not in found
    assert logs.describe_log_streams(logGroupName=group)["logStreams"] == []
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_groups_by_prefix_pattern_and_page(logs: Any) -> None:
    names = [f"/many/{letter}/Data{number}" for letter in "ab" for number in range(3)]
    for name in names:
        logs.create_log_group(logGroupName=name)

    def find(**more: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_groups").paginate(**more, PaginationConfig={"PageSize": 2})
        return [found["logGroupName"] for page in pages for found in page["logGroups"]]

    assert find(logGroupNamePrefix="/many/") == names
    assert find(logGroupNamePrefix="/many/b") == names[3:]
    assert find(logGroupNamePattern="Data1") == [names[1], names[4]]
    assert find(logGroupNamePattern="data1") == []
    assert find(logGroupIdentifiers=[names[2]]) == [names[2]]
    for name in names:
        logs.delete_log_group(logGroupName=name)


def test_streams_in_either_order(logs: Any, group: str) -> None:
    now = int(time.time() * 1000)
    for number, name in enumerate(["c", "a", "b"]):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        put(logs, group, "m", stream=name, at=now - 1000 * number)
    logs.create_log_stream(logGroupName=group, logStreamName="empty")

    def names(**more: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, **more, PaginationConfig={"PageSize": 3}
        )
        return [found["logStreamName"] for page in pages for found in page["logStreams"]]

    assert names() == ["a", "b", "c", "empty"]
    assert names(descending=True) == ["empty", "c", "b", "a"]
    assert names(orderBy="LastEventTime") == ["empty", "b", "a", "c"]
    assert names(logStreamNamePrefix="e") == ["empty"]
    *_, empty = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert {"firstEventTimestamp", "lastEventTimestamp"}.isdisjoint(empty)


def test_put_and_read(logs: Any, group: str, stream: str) -> None:
    answer = put(logs, group, "one", "two é", "half a \ud83d")
    assert answer["nextSequenceToken"]
    assert "rejectedLogEventsInfo" not in answer
    put(logs, group, "older", at=int(time.time() * 1000) - 60_000)
    assert told(logs, group) == ["older", "one", "two é", "half a ?"]
    assert told(logs, group, startFromHead=False) == ["half a ?", "two é", "one", "older"]
    assert told(logs, group, filterPattern="%^o%") == ["older", "one"]
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["storedBytes"] == len("oneoldertwo éhalf a ?".encode())
    logs.delete_log_stream(logGroupName=group, logStreamName=stream)
    assert told(logs, group) == []


def test_event_ids_sort_as_the_events_do(logs: Any, group: str, stream: str) -> None:
    put(logs, group, *map(str, range(20)))
    events = logs.filter_log_events(logGroupName=group)["events"]
    ids = [event["eventId"] for event in events]
    assert ids == sorted(set(ids))
    assert [int(event["eventId"]) >> 144 for event in events] == [event["timestamp"] for event in events]


def test_events_that_are_too_old_or_too_new(logs: Any, group: str, stream: str) -> None:
    now, hour = int(time.time() * 1000), 3_600_000
    times = [now - 15 * 24 * hour, now, now + 3 * hour]
    answer = logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": when, "message": str(n)} for n, when in enumerate(times)],
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert told(logs, group) == ["1"]


def test_retention(logs: Any, group: str, stream: str) -> None:
    put(logs, group, "old", at=int(time.time() * 1000) - 2 * 24 * 3_600_000)
    put(logs, group, "new")
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert (found["retentionInDays"], found["storedBytes"]) == (1, 3)
    logs.delete_retention_policy(logGroupName=group)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert "retentionInDays" not in found
    assert told(logs, group) == ["new"]


@pytest.mark.filterwarnings("ignore")  # boto3 may call the older operations deprecated
def test_tags_by_either_family(logs: Any, group: str) -> None:
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.tag_log_group(logGroupName=group, tags={"c": "3"})
    logs.untag_resource(resourceArn=arn, tagKeys=["made", "none"])
    logs.untag_log_group(logGroupName=group, tags=["a"])
    expected = {"b": "2", "c": "3"}
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == expected


def test_a_deleted_group_of_a_function(logs: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    group = f"/aws/lambda/{name}"
    for _ in range(2):
        functions.invoke(FunctionName=name, Payload=b'{"n": 1}')
        assert told(logs, group, filterPattern="line") == ["line 0"]
        logs.delete_log_group(logGroupName=group)
        with pytest.raises(ClientError, match="The specified log group does not exist"):
            told(logs, group)


def test_streams_to_search(logs: Any, group: str) -> None:
    for name in ("a1", "a2", "b"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        put(logs, group, name, stream=name)
    assert sorted(told(logs, group, logStreamNamePrefix="a")) == ["a1", "a2"]
    assert sorted(told(logs, group, logStreamNames=["a2", "b"])) == ["a2", "b"]
    by_arn = {"logGroupIdentifier": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"}
    assert len(logs.filter_log_events(**by_arn)["events"]) == 3


NO_GROUP = (400, "ResourceNotFoundException", "The specified log group does not exist.")
NO_STREAM = (400, "ResourceNotFoundException", "The specified log stream does not exist.")
MUST = "failed to satisfy constraint: Member must"


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("create_log_group", {}, (400, "ResourceAlreadyExistsException", "The specified log group already exists")),
        ("create_log_stream", {"logStreamName": "s"}, (400, "ResourceAlreadyExistsException", "The specified log stream already exists")),
        ("delete_log_group", {"logGroupName": "none"}, NO_GROUP),
        ("delete_log_stream", {"logGroupName": "none", "logStreamName": "s"}, NO_GROUP),
        ("delete_log_stream", {"logStreamName": "none"}, NO_STREAM),
        ("create_log_stream", {"logGroupName": "none", "logStreamName": "s"}, NO_GROUP),
        ("put_retention_policy", {"logGroupName": "none", "retentionInDays": 1}, NO_GROUP),
        ("delete_retention_policy", {"logGroupName": "none"}, NO_GROUP),
        ("describe_log_streams", {"logGroupName": "none"}, NO_GROUP),
        ("filter_log_events", {"logGroupName": "none"}, NO_GROUP),
        ("filter_log_events", {"logStreamNames": ["none"]}, NO_STREAM),
        ("put_log_events", {"logGroupName": "none", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}, NO_GROUP),
        ("put_log_events", {"logStreamName": "none", "logEvents": [{"timestamp": 1, "message": "m"}]}, NO_STREAM),
        ("list_tags_log_group", {"logGroupName": "none"}, NO_GROUP),
        ("put_retention_policy", {"retentionInDays": 2}, (400, "InvalidParameterException", f"Value '2' at 'retentionInDays' {MUST} satisfy enum value set")),
        ("create_log_group", {"logGroupName": "no spaces"}, (400, "InvalidParameterException", f"1 validation error detected: Value 'no spaces' at 'logGroupName' {MUST}")),
        ("describe_log_streams", {"orderBy": "LastEventTime", "logStreamNamePrefix": "a"}, (400, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")),
        ("filter_log_events", {"logStreamNames": ["s"], "logStreamNamePrefix": "s"}, (400, "InvalidParameterException", "mutually exclusive")),
        ("filter_log_events", {"filterPattern": "{ $.a"}, (400, "InvalidParameterException", "Invalid filter pattern")),
        ("filter_log_events", {"nextToken": "x"}, (400, "InvalidParameterException", "The specified nextToken is invalid.")),
        ("get_log_events", {"logStreamName": "s", "nextToken": "f/é"}, (400, "InvalidParameterException", "The specified nextToken is invalid.")),
        ("describe_log_streams", {"nextToken": "-1"}, (400, "InvalidParameterException", "The specified nextToken is invalid.")),
        ("put_log_events", {"logStreamName": "s", "logEvents": [{"timestamp": 2, "message": "m"}, {"timestamp": 1, "message": "m"}]}, (400, "InvalidParameterException", "chronological order")),
        ("put_log_events", {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}] * 10_001}, (400, "InvalidParameterException", f"{MUST} have length less than or equal to 10000")),
        ("put_log_events", {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m" * 104_000}] * 11}, (400, "InvalidParameterException", "Upload too large: 1144286 bytes exceeds limit of 1048576")),
        ("tag_log_group", {"tags": {str(n): "" for n in range(50)}}, (400, "InvalidParameterException", "at most 50 tags")),
        ("create_log_group", {"logGroupName": "protected", "deletionProtectionEnabled": True}, (501, "NotImplementedException", "Deletion protection")),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_refusals(
    lab: Lab,
    group: str,
    stream: str,
    operation: str,
    parameters: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    client = lab.client("logs", config=Config(retries={"max_attempts": 0}, parameter_validation=False))
    call = getattr(client, operation)
    status, name, message = code_of(lambda: call(**{"logGroupName": group, **parameters}))
    assert (status, name) == expected[:2]
    assert expected[2] in message
