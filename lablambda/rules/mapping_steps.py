"""Queues, tables and streams as sources: Lambda polls them for the function, by an event source mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from lablambda.model.source import MappedSource, QueueSource, Source, StreamSource, TableSource
from lablambda.rules.step import CELL, Current, Step, StreamOf, Target

# AWS's advice for queues that functions read, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBLE_AFTER_TIMEOUTS = 6
_FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
_STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
_KEY = "id"  # of a table that is made


def mapping_steps(current: Current, wanted: Collection[Source], target: Target) -> Iterator[Step]:
    """The steps by which the wanted sources are polled for the function, and none that were under its label."""
    for source in wanted:
        if isinstance(source, MappedSource) and source not in current.attached:
            yield from _source_steps(current, source, target)
            yield _mapping_step(current, source, target)
        elif isinstance(source, MappedSource):
            yield from _terms_steps(current, source, target)
    for source, attached in current.attached.items():
        unwanted = attached.label == target.label and source not in wanted
        if unwanted and isinstance(source, MappedSource):
            text = f"no longer poll {_named(source)} for {target.name}"
            yield Step(text, "lambda", "DeleteEventSourceMapping", {"UUID": attached.handle})


def _source_steps(current: Current, source: MappedSource, target: Target) -> Iterator[Step]:
    match source:
        case TableSource(table):
            yield from _table_steps(current, table)
        case QueueSource(queue) if source not in current.existing:
            attributes = {"VisibilityTimeout": str(_VISIBLE_AFTER_TIMEOUTS * target.timeout_s)}
            attributes |= _FIFO if queue.endswith(".fifo") else {}
            parameters = {"QueueName": queue, "Attributes": attributes}
            yield Step(f"create {_named(source)}", "sqs", "CreateQueue", parameters)
        case StreamSource(stream) if source not in current.existing:
            shape = {"StreamName": stream, "ShardCount": 1}
            yield Step(f"create {_named(source)}", "kinesis", "CreateStream", shape)


def _table_steps(current: Current, table: str) -> Iterator[Step]:
    if table not in current.streams:
        yield Step(
            f"create table {table} with key {_KEY} and a stream",
            "dynamodb",
            "CreateTable",
            {
                "TableName": table,
                "KeySchema": [{"AttributeName": _KEY, "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": _KEY, "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                **_STREAM,
            },
        )
    elif not current.streams[table]:
        text = f"give table {table} a stream"
        yield Step(text, "dynamodb", "UpdateTable", {"TableName": table, **_STREAM})


def _terms_steps(current: Current, source: MappedSource, target: Target) -> Iterator[Step]:
    """A stream's mapping that is under the target's label gets its terms, if it has others."""
    attached = current.attached[source]
    ours = attached.label == target.label and not isinstance(source, QueueSource)
    if ours and target.terms is not None and attached.terms != target.terms:
        text = f"retry batches of {_named(source)} and tell of failures as {target.name} does"
        parameters = {"UUID": attached.handle, **target.terms}
        yield Step(text, "lambda", "UpdateEventSourceMapping", parameters)


def _mapping_step(current: Current, source: MappedSource, target: Target) -> Step:
    parameters: dict[str, Any] = {"FunctionName": target.name, "Tags": {CELL: target.label}}
    match source:
        case QueueSource(queue):
            parameters["EventSourceArn"] = target.arn_of("sqs", queue)
        case StreamSource(stream):
            parameters["EventSourceArn"] = target.arn_of("kinesis", f"stream/{stream}")
            parameters["StartingPosition"] = "LATEST"
        case TableSource(table):
            parameters["EventSourceArn"] = current.streams.get(table) or StreamOf(table)
            parameters["StartingPosition"] = "LATEST"
    if target.terms is not None and not isinstance(source, QueueSource):
        parameters |= target.terms
    text = f"poll {_named(source)} for {target.name}"
    return Step(text, "lambda", "CreateEventSourceMapping", parameters)


def _named(source: MappedSource) -> str:
    match source:
        case QueueSource(queue):
            return f"queue {queue}"
        case StreamSource(stream):
            return f"stream {stream}"
        case TableSource(table):
            return f"table {table}"
