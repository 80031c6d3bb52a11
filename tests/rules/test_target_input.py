"""Among these, the examples of EventBridge's documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lablambda.rules.target_input import InvalidInput, RuleNamed, check_target, target_input

RULE = RuleNamed("example", "arn:aws:events:us-east-1:000000000000:rule/example")
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING", "n": [1, {"x": None}]},
}


def made(**target: Any) -> str:
    check_target(target)
    return target_input(target, EVENT, RULE)


def transformed(template: str, **paths: str) -> str:
    return made(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})


def test_the_whole_event_or_a_part_or_a_constant() -> None:
    assert json.loads(made()) == EVENT
    assert json.loads(made(InputPath="$.detail")) == EVENT["detail"]
    assert json.loads(made(InputPath="$.detail.n[1]")) == {"x": None}
    assert made(InputPath="$.nowhere") == "null"
    assert json.loads(made(InputPath="$['detail']['instance-id']")) == "i-0123456789"
    assert made(Input='{"a": 1}') == '{"a": 1}'


def test_templates() -> None:
    paths = {"instance": "$.detail.instance-id", "state": "$.detail.state"}
    assert (
        transformed('"instance <instance> is in <state>"', **paths) == '"instance i-0123456789 is in RUNNING"'
    )
    template = '{"instance" : <instance>, "state": <state>, "is": "in <state>", "all": <detail>}'
    assert json.loads(transformed(template, **paths, detail="$.detail")) == {
        "instance": "i-0123456789",
        "state": "RUNNING",
        "is": "in RUNNING",
        "all": EVENT["detail"],
    }


def test_reserved_variables() -> None:
    assert json.loads(transformed("<aws.events.event.json>")) == EVENT
    told = json.loads(
        transformed('{"rule": "<aws.events.rule-name>", "at": <aws.events.event.ingestion-time>}')
    )
    assert told == {"rule": "example", "at": EVENT["time"]}
    assert transformed('"<aws.events.rule-arn>"') == json.dumps(RULE.arn)


def test_what_an_event_lacks_and_what_nobody_named() -> None:
    assert transformed('{"a": <a>, "b": "x<a>"}', a="$.nowhere.at.all") == '{"a": null, "b": "x"}'
    assert transformed('"<unknown>"') == '"<unknown>"'


@pytest.mark.parametrize(
    "target",
    [
        {"Input": "{"},
        {"InputPath": "detail"},
        {"InputPath": "$.a..b"},
        {"InputPath": "$.a", "Input": "{}"},
        {"InputTransformer": {"InputPathsMap": {"a": "a"}, "InputTemplate": "<a>"}},
    ],
)
def test_what_can_make_no_input(target: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        check_target(target)
