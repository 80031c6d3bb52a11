"""What a configuration becomes by a change, and which are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.model.function import Version
from lablambda.rules import configuration
from tests.nouns import layer, version

CURRENT = {**configuration.defaults("f"), "KMSKeyArn": "key", "DeadLetterConfig": {"TargetArn": "queue"}}


@pytest.mark.parametrize(
    ("changes", "member", "expected"),
    [
        ({"Timeout": 9}, "Timeout", 9),
        ({"KMSKeyArn": ""}, "KMSKeyArn", None),
        ({"DeadLetterConfig": {"TargetArn": ""}}, "DeadLetterConfig", None),
        ({"DeadLetterConfig": {}}, "DeadLetterConfig", {"TargetArn": "queue"}),
        ({"Timeout": 9}, "DeadLetterConfig", {"TargetArn": "queue"}),
        ({"SnapStart": {}}, "SnapStart", {"ApplyOn": "None"}),
        ({"TracingConfig": {}}, "TracingConfig", {"Mode": "PassThrough"}),
        ({"VpcConfig": {"SubnetIds": ["s"]}}, "VpcConfig", {"Ipv6AllowedForDualStack": False, "SecurityGroupIds": [], "SubnetIds": ["s"], "VpcId": ""}),
        ({"LoggingConfig": {"LogGroup": "g"}}, "LoggingConfig", {"LogFormat": "Text", "LogGroup": "g"}),
        ({"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}}, "LoggingConfig", {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "INFO"}),
    ],
)  # fmt: skip
def test_changes(changes: dict[str, Any], member: str, expected: Any) -> None:
    assert configuration.changed(CURRENT, changes).get(member) == expected


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (version(Environment={"Variables": {"TZ": "x", "AWS_REGION": "x"}}), "Reserved keys used in this request: AWS_REGION, TZ"),
        (version(Environment={"Variables": {"A1": "x" * 4090}}), 'exceeded the 4KB limit. String measured: {"A1":"xxx'),
        (version(SnapStart={"ApplyOn": "PublishedVersions"}, Runtime="python3.11"), "python3.11 is not supported for SnapStart enabled functions."),
        (replace(version(), layers=tuple(layer(str(n)) for n in range(6))), "Cannot reference more than 5 layers."),
        (replace(version(), layers=(layer(), layer(number=2))), "Two different versions of the same layer"),
        (replace(version(), layers=(layer(unzipped=262_144_000),)), "exceeds the maximum allowed size of 262144000 bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be(bad: Version, message: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        configuration.check(bad)
    assert message in str(caught.value)


def test_the_limit_of_variables_counts_bytes() -> None:
    least = len('{"A1":""}')
    configuration.check(version(Environment={"Variables": {"A1": "é" * ((4096 - least) // 2)}}))
    with pytest.raises(InvalidParameterValue):
        configuration.check(version(Environment={"Variables": {"A1": "é" * ((4096 - least) // 2 + 1)}}))


def test_snap_start_suits_newer_runtimes() -> None:
    configuration.check(version(SnapStart={"ApplyOn": "PublishedVersions"}, Runtime="python3.12"))
