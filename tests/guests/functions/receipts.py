"""Handlers in the forms of AWS's documentation: clients made once, settings read from the environment."""

import json
import logging
import os
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path

import boto3
from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

logger = logging.getLogger()
logger.setLevel(logging.INFO)

s3_client = boto3.client("s3")
sqs = boto3.resource("sqs")
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
BUCKET = os.environ.get("RECEIPT_BUCKET")
calls = 0


def store_receipt(event, context):
    """
    Event format:
    {
        "Order_id": "12345",
        "Amount": 199.99,
        "Item": "Wireless Headphones"
    }
    """
    try:
        order_id = event["Order_id"]
        receipt = f"OrderID: {order_id}\nAmount: ${event['Amount']}\nItem: {event['Item']}"
        s3_client.put_object(Bucket=BUCKET, Key=f"receipts/{order_id}.txt", Body=receipt)
        logger.info(f"Successfully processed order {order_id} and stored receipt in S3 bucket {BUCKET}")
        return {"statusCode": 200, "message": "Receipt processed successfully"}
    except Exception as e:
        logger.error(f"Error processing order: {e!s}")
        raise


def copy_upper(event, context):
    record = event["Records"][0]["s3"]
    bucket, key = record["bucket"]["name"], record["object"]["key"]
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, f"{uuid.uuid4()}-{os.path.basename(key)}")
        s3_client.download_file(bucket, key, source)
        result = Path(folder, "result")
        result.write_text(Path(source).read_text().upper())
        s3_client.upload_file(str(result), bucket, f"upper/{os.path.basename(key)}")
    try:
        s3_client.head_object(Bucket=bucket, Key="absent")
    except ClientError as error:
        return error.response["Error"]["Code"]


def put_order(event, context):
    global calls
    calls += 1
    table.put_item(Item={"id": event["id"], "at": 1, "price": Decimal("9.99"), "tags": {"a", "b"}})
    found = table.query(KeyConditionExpression=Key("id").eq(event["id"]) & Key("at").gt(0))
    queue = sqs.get_queue_by_name(QueueName=os.environ["QUEUE_NAME"])
    queue.send_message(
        MessageBody=json.dumps({"id": event["id"]}),
        MessageAttributes={"kind": {"StringValue": "order", "DataType": "String"}},
    )
    return {"price": found["Items"][0]["price"], "count": found["Count"], "calls": calls}


def whoami(event, context):
    return boto3.client("sts").get_caller_identity()["Arn"]
