"""Resource policies of functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api_clients import ARN, Create, code_of


def test_permissions(functions: Any, create: Create) -> None:
    name = create()
    assert code_of(lambda: functions.get_policy(FunctionName=name)) == (
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    given = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    more = {"SourceArn": "arn:aws:s3:::b", "SourceAccount": "000000000000"}
    statement = json.loads(functions.add_permission(FunctionName=name, **given, **more)["Statement"])
    assert statement == {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ARN}{name}",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
        },
    }
    assert code_of(lambda: functions.add_permission(FunctionName=name, **given))[:2] == (
        409,
        "ResourceConflictException",
    )
    policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    functions.remove_permission(FunctionName=name, StatementId="s3")
    assert code_of(lambda: functions.remove_permission(FunctionName=name, StatementId="s3")) == (
        404,
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )


@pytest.mark.parametrize(
    ("principal", "written"),
    [("*", "*"), ("111111111111", {"AWS": "arn:aws:iam::111111111111:root"}), ("sns.amazonaws.com", {"Service": "sns.amazonaws.com"})],
)  # fmt: skip
def test_principals(functions: Any, create: Create, principal: str, written: Any) -> None:
    answer = functions.add_permission(
        FunctionName=create(), StatementId="s", Action="lambda:InvokeFunction", Principal=principal
    )
    assert json.loads(answer["Statement"])["Principal"] == written


def test_a_policy_belongs_to_a_qualifier(functions: Any, create: Create) -> None:
    name = create(Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    given = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    made = functions.add_permission(FunctionName=name, Qualifier="live", **given)
    assert json.loads(made["Statement"])["Resource"] == f"{ARN}{name}:live"
    assert code_of(lambda: functions.get_policy(FunctionName=name))[0] == 404
    assert functions.get_policy(FunctionName=name, Qualifier="live")["RevisionId"]
    latest = lambda: functions.add_permission(FunctionName=name, Qualifier="$LATEST", **given)  # noqa: E731
    assert code_of(latest)[2] == "We currently do not support adding policies for $LATEST."


def test_a_policy_has_a_revision(functions: Any, create: Create) -> None:
    name = create()
    given = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    functions.add_permission(FunctionName=name, StatementId="a", **given)
    revision = functions.get_policy(FunctionName=name)["RevisionId"]
    functions.add_permission(FunctionName=name, StatementId="b", RevisionId=revision, **given)
    stale = lambda: functions.remove_permission(FunctionName=name, StatementId="a", RevisionId=revision)  # noqa: E731
    found = code_of(stale)
    assert found[:2] == (412, "PreconditionFailedException")
    assert "Call the GetPolicy API" in found[2]
    unknown = lambda: functions.remove_permission(FunctionName=name, StatementId="c")  # noqa: E731
    assert code_of(unknown) == (
        404,
        "ResourceNotFoundException",
        "Statement c is not found in resource policy.",
    )


def test_a_policy_has_a_limit(functions: Any, create: Create) -> None:
    name = create()
    given = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}

    def fill() -> None:
        for number in range(100):
            source = f"arn:aws:sns:us-east-1:000000000000:{'x' * 200}{number}"
            functions.add_permission(FunctionName=name, StatementId=str(number), SourceArn=source, **given)

    found = code_of(fill)
    assert found[:2] == (400, "PolicyLengthExceededException")


def test_a_policy_as_a_whole(functions: Any, create: Create) -> None:
    name = create()
    arn = f"{ARN}{name}"
    if not hasattr(functions, "put_resource_policy"):
        pytest.skip("this botocore doesn't know the operation")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["s3.amazonaws.com", "sns.amazonaws.com"]},
        "Action": "lambda:InvokeFunction",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = functions.put_resource_policy(ResourceArn=arn, Policy=document)
    assert json.loads(made["Policy"])["Statement"] == [{**statement, "Sid": "Statement1", "Resource": arn}]
    assert functions.get_policy(FunctionName=name)["RevisionId"] == made["RevisionId"]
    functions.delete_resource_policy(ResourceArn=arn)
    assert code_of(lambda: functions.get_resource_policy(ResourceArn=arn))[0] == 404
    wrong = lambda: functions.put_resource_policy(ResourceArn=arn, Policy="{}")  # noqa: E731
    assert code_of(wrong)[:2] == (400, "InvalidParameterValueException")
