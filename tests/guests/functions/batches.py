"""Batches by Powertools' processors: what fails is told to the source, the rest is done with."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

sqs = BatchProcessor(event_type=EventType.SQS)
fifo = SqsFifoPartialProcessor()
kinesis = BatchProcessor(event_type=EventType.KinesisDataStreams)
dynamodb = BatchProcessor(event_type=EventType.DynamoDBStreams)


def handle(order: dict[str, Any]) -> None:
    print("order", order["n"])
    if order["n"] % 2:
        raise ValueError("odd")


def message(record: SQSRecord) -> None:
    handle(record.json_body)


def datum(record: KinesisStreamRecord) -> None:
    handle(record.kinesis.data_as_json())


def change(record: DynamoDBRecord) -> None:
    image = record.dynamodb.new_image
    handle({"n": int(image["n"])})


def of_sqs(event: dict[str, Any], context: LambdaContext) -> Any:
    queue = event["Records"][0]["eventSourceARN"]
    processor = fifo if queue.endswith(".fifo") else sqs
    return process_partial_response(event, record_handler=message, processor=processor, context=context)


def of_kinesis(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event, record_handler=datum, processor=kinesis, context=context)


def of_dynamodb(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event, record_handler=change, processor=dynamodb, context=context)
