"""A function's sources as they are: which there are, who attached them, and what it would take to change them.

Asked of AWS's API, so that it is as true of an account as of a lab.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

from lablambda.model.source import (
    PatternSource,
    QueueSource,
    S3Source,
    ScheduleSource,
    Source,
    StreamSource,
    TableSource,
    TopicSource,
)
from lablambda.rules.s3_notifications import filter_values
from lablambda.rules.s3_steps import notification_prefix
from lablambda.rules.step import CELL, LINE, Attached, Current, Target
from lablambda.services.calls import NOT_THERE

Client = Callable[[str], Any]


def observe(client: Client, target: Target, wanted: Collection[Source] = ()) -> Current:
    """What there is of the function and of the sources that it has or is to have; layers are left out."""
    functions = client("lambda")
    function = or_none(lambda: functions.get_function_configuration(FunctionName=target.name))
    policy = or_none(lambda: functions.get_policy(FunctionName=target.name)) if function else None
    statements = json.loads(policy["Policy"])["Statement"] if policy else []
    sources = {
        s["Sid"]: s.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "") for s in statements
    }
    pushes = [(s.get("Principal"), sources[s["Sid"]], s["Sid"]) for s in statements]
    attached = dict(_mapped(functions, target))
    for principal, arn, statement in pushes:
        service = principal.get("Service", "") if isinstance(principal, dict) else ""
        if service in _PUSHED and arn:
            attached.update(_PUSHED[service](client, arn, statement, target))
    named = [*attached, *wanted]
    buckets = dict.fromkeys(source.bucket for source in named if isinstance(source, S3Source))
    tables = dict.fromkeys(source.table for source in wanted if isinstance(source, TableSource))
    return Current(
        function=function,
        statements=sources,
        attached=attached,
        buckets={bucket: _notifications(client, bucket) for bucket in buckets},
        existing=[source for source in wanted if _exists(client, source, target)],
        streams={table: arn for table in tables if (arn := _stream_of(client, table)) is not None},
    )


def or_none(ask: Callable[[], Any]) -> Any:
    """What AWS answers, or None if it says there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_THERE:
            return None
        raise


# --------------------------------------------------------------------------------------------- polled


def _mapped(functions: Any, target: Target) -> Iterator[tuple[Source, Attached]]:
    """Also those of a function that was deleted, which stay, and work for the next of that name."""
    pages = functions.get_paginator("list_event_source_mappings").paginate(FunctionName=target.name)
    found = or_none(pages.build_full_result) or {}
    for mapping in found.get("EventSourceMappings", []):
        tags = functions.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]
        # Earlier versions had one label, and told it so.
        label = CELL if tags.get(CELL) == "on" else tags.get(CELL, "")
        yield _source_of(mapping["EventSourceArn"]), Attached(label, mapping["UUID"], mapping["State"])


def _source_of(arn: str) -> Source:
    resource = arn.split(":", 5)[5]
    match arn.split(":")[2]:
        case "sqs":
            return QueueSource(resource)
        case "kinesis":
            return StreamSource(resource.removeprefix("stream/"))
    return TableSource(resource.split("/")[1])


# --------------------------------------------------------------------------------------------- pushed


def _label(name: str) -> str:
    return next((label for label in (CELL, LINE) if name.startswith(f"{label}-")), "")


def _of_bucket(client: Client, arn: str, _: str, target: Target) -> Iterator[tuple[Source, Attached]]:
    bucket = arn.rpartition(":")[2]
    told = _notifications(client, bucket) or {}
    for notification in told.get("LambdaFunctionConfigurations", []):
        if notification["LambdaFunctionArn"] != target.arn:
            continue
        rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
        prefix, suffix = filter_values((rule["Name"], rule["Value"]) for rule in rules)
        name = notification["Id"]
        labels = (CELL, LINE)
        label = next((one for one in labels if name.startswith(notification_prefix(one, target.name))), "")
        yield S3Source(bucket, prefix, suffix), Attached(label)


def _of_topic(client: Client, arn: str, statement: str, target: Target) -> Iterator[tuple[Source, Attached]]:
    pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    for subscription in (or_none(pages.build_full_result) or {}).get("Subscriptions", []):
        if subscription["Endpoint"] == target.arn:
            topic = arn.rpartition(":")[2]
            yield TopicSource(topic), Attached(_label(statement), subscription["SubscriptionArn"])


def _of_rule(client: Client, arn: str, statement: str, _: Target) -> Iterator[tuple[Source, Attached]]:
    *bus, name = arn.partition("rule/")[2].split("/")
    where = {"EventBusName": bus[0]} if bus else {}
    rule = or_none(lambda: client("events").describe_rule(Name=name, **where)) or {}
    state = "Enabled" if rule.get("State") == "ENABLED" else "Disabled"
    if rule.get("ScheduleExpression"):
        yield ScheduleSource(rule["ScheduleExpression"]), Attached(_label(statement), name, state)
    if rule.get("EventPattern"):
        pattern = json.dumps(json.loads(rule["EventPattern"]), separators=(",", ":"))
        yield PatternSource(pattern), Attached(_label(statement), name, state)


_PUSHED = {
    "s3.amazonaws.com": _of_bucket,
    "sns.amazonaws.com": _of_topic,
    "events.amazonaws.com": _of_rule,
}


# --------------------------------------------------------------------------------------- what is there


def _notifications(client: Client, bucket: str) -> dict[str, Any] | None:
    s3 = client("s3")
    answer: dict[str, Any] | None = or_none(lambda: s3.get_bucket_notification_configuration(Bucket=bucket))
    return answer


def _exists(client: Client, source: Source, target: Target) -> bool:
    match source:
        case QueueSource(queue):
            return or_none(lambda: client("sqs").get_queue_url(QueueName=queue)) is not None
        case StreamSource(stream):
            return or_none(lambda: client("kinesis").describe_stream_summary(StreamName=stream)) is not None
        case TopicSource(topic):
            arn = target.arn_of("sns", topic)
            return or_none(lambda: client("sns").get_topic_attributes(TopicArn=arn)) is not None
    return False


def _stream_of(client: Client, table: str) -> str | None:
    """The ARN of the table's stream, empty if it has none; None if there is no such table."""
    told = or_none(lambda: client("dynamodb").describe_table(TableName=table))
    return None if told is None else str(told["Table"].get("LatestStreamArn", ""))
