"""A function's sources as they are: which there are, who attached them, and what it would take to change them.

Asked of AWS's API, so that it is as true of an account as of a lab.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from lablambda.apis import read_apis, shared_api
from lablambda.asking import Client, or_none
from lablambda.model.api_routes import ApiRoutes
from lablambda.model.source import (
    PatternSource,
    QueueSource,
    RouteSource,
    S3Source,
    ScheduleSource,
    Source,
    StreamSource,
    TableSource,
    TopicSource,
    UrlSource,
)
from lablambda.rules.destination_steps import STREAM_TERMS
from lablambda.rules.names import function_arn
from lablambda.rules.route_steps import route_statement
from lablambda.rules.s3_notifications import filter_values
from lablambda.rules.s3_steps import notification_prefix
from lablambda.rules.step import CELL, LINE, Attached, Current, Target
from lablambda.rules.url_steps import url_statements


def observe(client: Client, target: Target, wanted: Collection[Source] = ()) -> Current:
    """What there is of the function and of the sources that it has or is to have; layers, retries, destinations and
    versions are left out."""
    functions = client("lambda")
    function = _function(functions, target.name)
    policy = or_none(lambda: functions.get_policy(FunctionName=target.name)) if function else None
    statements = json.loads(policy["Policy"])["Statement"] if policy else []
    sources = {
        s["Sid"]: s.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "") for s in statements
    }
    pushes = [(_service(s), sources[s["Sid"]], s["Sid"]) for s in statements]
    attached = dict(_mapped(functions, target))
    for service, arn, statement in pushes:
        if service in _PUSHED and arn:
            attached.update(_PUSHED[service](client, arn, statement, target))
    attached.update(_url(functions, sources, target, asked=UrlSource() in wanted))
    routes = [source for source in wanted if isinstance(source, RouteSource)]
    apis = _apis(client, [arn for service, arn, _ in pushes if service == _GATEWAY], routes)
    attached.update(_routed(apis, sources, target))
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
        api=shared_api(apis),
        taken=dict(_taken(functions, shared_api(apis), routes, target)),
    )


def sources_in_words(client: Client, name: str) -> list[str]:
    """A function's sources as cells write them; with their state, unless they are at work."""
    attached = observe(client, Target(name, function_arn(name), 0), [UrlSource()]).attached
    return [
        str(source) if found.state == "Enabled" else f"{source} ({found.state.lower()})"
        for source, found in attached.items()
    ]


def _service(statement: Mapping[str, Any]) -> str:
    """Which service a statement is about; none if it is about somebody else."""
    principal = statement.get("Principal")
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


# --------------------------------------------------------------------------------------------- polled


def _mapped(functions: Any, target: Target) -> Iterator[tuple[Source, Attached]]:
    """Also those of a function that was deleted, which stay, and work for the next of that name."""
    pages = functions.get_paginator("list_event_source_mappings").paginate(FunctionName=target.name)
    found = or_none(pages.build_full_result) or {}
    for mapping in found.get("EventSourceMappings", []):
        tags = functions.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]
        # Earlier versions had one label, and told it so.
        label = CELL if tags.get(CELL) == "on" else tags.get(CELL, "")
        terms = {name: mapping[name] for name in STREAM_TERMS if name in mapping}
        yield _source_of(mapping["EventSourceArn"]), Attached(label, mapping["UUID"], mapping["State"], terms)


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


# ------------------------------------------------------------------------------------------ over HTTPS

_GATEWAY = "apigateway.amazonaws.com"


def _url(
    functions: Any, statements: Collection[str], target: Target, *, asked: bool
) -> Iterator[tuple[Source, Attached]]:
    """The function's URL. Without a statement of ours there is none of ours, so only who asks is told of others'."""
    label = next((one for one in (CELL, LINE) if not set(url_statements(one)).isdisjoint(statements)), "")
    if label or asked:
        found = or_none(lambda: functions.get_function_url_config(FunctionName=target.name))
        if found is not None:
            yield UrlSource(), Attached(label)


def _apis(client: Client, arns: Collection[str], routes: Collection[RouteSource]) -> list[ApiRoutes]:
    """The APIs that the function's policy names, and the shared one if routes of it are wanted."""
    named = {arn.split(":")[5].partition("/")[0] for arn in arns if arn}
    return read_apis(client, named, shared=bool(routes)) if named or routes else []


def _routed(
    apis: Iterable[ApiRoutes], statements: Mapping[str, str], target: Target
) -> Iterator[tuple[Source, Attached]]:
    """The routes that lead to the function. In the shared API only those that its policy lets in: the policy goes with
    the function, the routes stay, and work for the next of that name when it lets them in again."""
    apis = list(apis)
    for api in apis:
        for key in api.leading_to(target.arn):
            place = f":{api.identity}/"
            labels = [one for one in (CELL, LINE) if place in statements.get(route_statement(one, key), "")]
            if labels or api is not shared_api(apis):
                yield RouteSource(key, api.name), Attached(next(iter(labels), ""), api.routes[key].identity)


def _taken(
    functions: Any, api: ApiRoutes | None, wanted: Collection[RouteSource], target: Target
) -> Iterator[tuple[RouteSource, str]]:
    """What wanted routes lead to, if that is another function that is there, or no function at all."""
    for source in wanted:
        route = None if api is None else api.routes.get(source.route)
        if route is None or route.leads_to in (target.arn, ""):
            continue
        name = route.leads_to.partition(":function:")[2]
        if not name or _function(functions, name) is not None:
            yield source, name or route.leads_to


def _function(functions: Any, name: str) -> Any:
    return or_none(lambda: functions.get_function_configuration(FunctionName=name))


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
