"""Powertools' parameters and secrets, its classes of events, and its type of the context."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lablambda.client import Lab
from lablambda.rules.names import function_arn
from tests.guests import events
from tests.guests.conftest import Guests


@pytest.fixture(scope="module")
def kept(lab: Lab) -> Iterator[None]:
    """Parameters and a secret, as their owner puts them."""
    ssm, secrets = lab.client("ssm"), lab.client("secretsmanager")
    values = {
        "colour": ("green", "String"),
        "key": ("s3cret", "SecureString"),
        "json": ('{"a": 1}', "String"),
    }
    for name, (value, kind) in values.items():
        ssm.put_parameter(Name=f"/guest/{name}", Value=value, Type=kind)
    secrets.create_secret(Name="guest/database", SecretString=json.dumps({"user": "ada"}))
    yield
    ssm.delete_parameters(Names=[f"/guest/{name}" for name in values])
    secrets.delete_secret(SecretId="guest/database", ForceDeleteWithoutRecovery=True)


@pytest.mark.usefixtures("kept")
def test_parameters_and_secrets(lab: Lab, guest: Guests, layer: str) -> None:
    reader = guest("settings", "read", Layers=[layer])
    found = reader.payload()
    assert "ParameterNotFound" in found.pop("absent")
    key = found["all"].pop("key")
    assert key != "s3cret"
    assert found == {
        "plain": "green",
        "secure": "s3cret",
        "json": {"a": 1},
        "all": {"colour": "green", "json": '{"a": 1}'},
        "secret": {"user": "ada"},
    }
    lab.client("ssm").put_parameter(Name="/guest/colour", Value="red", Type="String", Overwrite=True)
    assert reader.payload()["plain"] == "green", "the warm environment keeps it for a while"


def test_a_class_of_messages(guest: Guests, layer: str) -> None:
    event = events.sqs([{"n": 1}, {"n": 2}])
    assert guest("settings", "messages", Layers=[layer]).payload(event) == [
        ["m0", {"n": 1}, "1761991200000", "https://sqs.us-east-1.amazonaws.com/000000000000/orders"],
        ["m1", {"n": 2}, "1761991200000", "https://sqs.us-east-1.amazonaws.com/000000000000/orders"],
    ]


def test_a_class_of_what_s3_really_sends(lab: Lab, guest: Guests, layer: str) -> None:
    made = guest("settings", "objects", Layers=[layer])
    s3, bucket = lab.client("s3"), "guest-objects"
    s3.create_bucket(Bucket=bucket)
    lab.client("lambda").add_permission(
        FunctionName=made.name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function_arn(made.name), "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"hello")
    lab.settle()
    (record,) = lab.function(made.name).invocations()
    assert made.said(record.report.request_id) == [f"{bucket} a b/ü.txt 5 ObjectCreated:Put"]


def test_the_context_as_its_type_has_it(lab: Lab, guest: Guests, layer: str) -> None:
    made = guest("settings", "context", Layers=[layer])
    out = made.invoke()
    assert 25_000 < out.payload.pop("remaining") <= 30_000
    stream = out.payload.pop("log_stream_name")
    assert "[$LATEST]" in stream
    assert stream in [record.log_stream for record in lab.function(made.name).invocations()]
    assert out.payload == {
        "function_name": made.name,
        "function_version": "$LATEST",
        "invoked_function_arn": function_arn(made.name),
        "memory_limit_in_mb": "512",
        "aws_request_id": out.request_id,
        "log_group_name": f"/aws/lambda/{made.name}",
        "identity": [None, None],
        "client_context": None,
        "tenant_id": None,
    }
