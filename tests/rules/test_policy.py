from __future__ import annotations

from typing import Any

import pytest

from lablambda.rules.policy import allows

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
BUCKET = "arn:aws:s3:::photos"


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": BUCKET},
        },
        **changes,
    }


def asks(*statements: dict[str, Any], source_arn: str = BUCKET, resource: str = FUNCTION) -> bool:
    return allows(
        statements,
        principal="s3.amazonaws.com",
        resource=resource,
        facts={"AWS:SourceArn": source_arn, "AWS:SourceAccount": "000000000000"},
    )


def test_the_named_bucket_may() -> None:
    assert asks(statement())


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "sns.amazonaws.com"}},
        {"Action": "lambda:GetFunction"},
        {"Resource": f"{FUNCTION}:live"},
        {"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::other"}}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}}},
        {"Condition": {"NewOperator": {"AWS:SourceArn": BUCKET}}},
    ],
)
def test_anything_else_may_not(changes: dict[str, Any]) -> None:
    assert not asks(statement(**changes))


def test_a_service_may_be_named_with_its_region() -> None:
    assert asks(statement(Principal={"Service": ["logs.amazonaws.com", "s3.us-east-1.amazonaws.com"]}))
    assert not asks(statement(Principal={"Service": "s3.eu-west-1.amazonaws.com"}))


def test_wildcards() -> None:
    assert asks(
        statement(
            Action="lambda:*", Principal="*", Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::*"}}
        )
    )


def test_no_statement_no_way_in() -> None:
    assert not asks()
