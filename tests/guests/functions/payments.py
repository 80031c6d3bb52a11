"""Payments that are made once however often they are asked for, by Powertools' idempotency."""

import os
import uuid
from typing import Any

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

sqs = boto3.client("sqs")
table = DynamoDBPersistenceLayer(table_name=os.environ["TABLE"])
config = IdempotencyConfig(
    event_key_jmespath="order", payload_validation_jmespath="amount", raise_on_no_idempotency_key=True
)


@idempotent(config=config, persistence_store=table)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if event.get("fail"):
        raise ValueError("the card was refused")
    if event.get("wait"):
        sqs.send_message(QueueUrl=event["wait"]["started"], MessageBody="started")
        sqs.receive_message(QueueUrl=event["wait"]["go"], WaitTimeSeconds=20)
    return {"payment": str(uuid.uuid4()), "amount": event["amount"]}
