"""CloudWatch Logs as boto3 sees it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab

Create = Callable[..., str]
SOURCE = "def handler(e, c):\n    for i in range(e['n']): print('line', i)\n    return c.log_stream_name"


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
