"""Powertools' idempotency on a DynamoDB table of the lab's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lablambda.client import Lab
from tests.guests.conftest import Guest, Guests

TABLE = "guest-payments"


@pytest.fixture(scope="module")
def table(lab: Lab) -> Iterator[Any]:
    """boto3's DynamoDB client, with the table that Powertools' documentation asks for."""
    client = lab.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield client
    client.delete_table(TableName=TABLE)


@pytest.fixture(scope="module")
def payments(guest: Guests, layer: str, table: Any) -> Guest:
    return guest("payments", env={"TABLE": TABLE}, Layers=[layer])


def item_of(table: Any, payment: str) -> dict[str, Any]:
    """The idempotency record that keeps this payment."""
    (item,) = (item for item in table.scan(TableName=TABLE)["Items"] if payment in item["data"]["S"])
    found: dict[str, Any] = item
    return found


def test_the_second_call_gives_the_first_ones_result(payments: Guest) -> None:
    first = payments.payload({"order": "a", "amount": 5})
    assert payments.payload({"order": "a", "amount": 5}) == first
    assert payments.payload({"order": "b", "amount": 5}) != first


def test_another_payload_under_the_same_key(payments: Guest) -> None:
    payments.payload({"order": "c", "amount": 5})
    assert payments.error_type({"order": "c", "amount": 6}) == "IdempotencyValidationError"


def test_no_key(payments: Guest) -> None:
    assert payments.error_type({"amount": 5}) == "IdempotencyKeyError"


def test_a_failure_is_forgotten(payments: Guest) -> None:
    assert payments.error_type({"order": "d", "amount": 5, "fail": True}) == "ValueError"
    assert payments.payload({"order": "d", "amount": 5})["amount"] == 5


def test_what_has_expired_is_done_again(payments: Guest, table: Any) -> None:
    first = payments.payload({"order": "e", "amount": 5})
    item = item_of(table, first["payment"])
    assert float(item["expiration"]["N"]) == pytest.approx(time.time() + 3600, abs=60)
    table.update_item(
        TableName=TABLE,
        Key={"id": item["id"]},
        UpdateExpression="SET expiration = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )
    assert payments.payload({"order": "e", "amount": 5}) != first


def test_one_that_is_under_way(lab: Lab, payments: Guest, table: Any) -> None:
    sqs = lab.client("sqs")
    queues = {name: sqs.create_queue(QueueName=f"guest-{name}")["QueueUrl"] for name in ("started", "go")}
    event = {"order": "f", "amount": 5, "wait": queues}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(payments.payload, event)
        assert sqs.receive_message(QueueUrl=queues["started"], WaitTimeSeconds=20)["Messages"]
        (item,) = (
            item for item in table.scan(TableName=TABLE)["Items"] if item["status"]["S"] == "INPROGRESS"
        )
        # The function's own deadline is when another may take it over: the context told it.
        assert 0 < int(item["in_progress_expiration"]["N"]) / 1000 - time.time() <= 30
        assert payments.error_type(event) == "IdempotencyAlreadyInProgressError"
        sqs.send_message(QueueUrl=queues["go"], MessageBody="go")
        made = first.result()
    assert payments.payload({"order": "f", "amount": 5}) == made
    for url in queues.values():
        sqs.delete_queue(QueueUrl=url)
