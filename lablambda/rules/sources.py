"""Reading `--on SOURCE` and `--route ROUTE`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from lablambda.model.errors import InvalidParameterValue
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
)
from lablambda.rules.event_pattern import InvalidPattern, compile_pattern
from lablambda.rules.http_routes import DEFAULT, METHODS, InvalidRouteKey, parse_route_key
from lablambda.rules.schedule import InvalidSchedule, parse_schedule

_BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_QUEUE = re.compile(r"^(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?$")
_TABLE = re.compile(r"^[A-Za-z0-9_.-]{3,255}$")
_STREAM = re.compile(r"^[A-Za-z0-9_.-]{1,128}$")
_TOPIC = re.compile(r"^[A-Za-z0-9_-]{1,256}$")
# How each kind is written.
FORMS = {
    "s3": "s3:BUCKET[/PREFIX*SUFFIX]",
    "sqs": "sqs:QUEUE",
    "dynamodb": "dynamodb:TABLE",
    "kinesis": "kinesis:STREAM",
    "sns": "sns:TOPIC",
    "schedule": "schedule:rate(N minutes) or schedule:cron(...)",
    "events": "'events:{PATTERN}'",
}


def parse_source(text: str) -> Source:
    """Read one source. Raises InvalidParameterValue for text that names none."""
    kind, _, rest = text.partition(":")
    if kind not in FORMS or not rest:
        raise InvalidParameterValue(
            f"{text!r} names no event source. Write {', '.join(FORMS.values())}, e.g. s3:photos/*.jpg"
        )
    return _READERS[kind](rest)


def parse_route(text: str) -> RouteSource:
    """Read a route of an HTTP API. Raises InvalidParameterValue for text that is none."""
    method, _, path = text.strip().partition(" ")
    route = f"{method.upper()} {path.strip()}" if path else method
    try:
        parse_route_key(route)
    except InvalidRouteKey as error:
        raise InvalidParameterValue(
            f"{text!r} is no route: {error}. Write a method ({', '.join(METHODS)}) and a path in quotes, such as "
            f'--route "GET /users/{{id}}" or --route "ANY /{{proxy+}}", or --route \'{DEFAULT}\'.'
        ) from None
    return RouteSource(route)


def _bucket(text: str) -> S3Source:
    bucket, _, pattern = text.partition("/")
    if not _BUCKET.match(bucket):
        raise InvalidParameterValue(
            f"{bucket!r} can't name a bucket: use 3 to 63 lower-case letters, digits, '.' and '-'."
        )
    prefix, _, suffix = pattern.partition("*")
    if "*" in suffix:
        raise InvalidParameterValue(f"s3:{text} has two '*': a source has one prefix and one suffix.")
    return S3Source(bucket, prefix, suffix)


def _queue(name: str) -> QueueSource:
    if not _QUEUE.match(name):
        raise InvalidParameterValue(
            f"{name!r} can't name a queue: use up to 80 letters, digits, '-' and '_', and '.fifo' at the end of a "
            "FIFO queue's name."
        )
    return QueueSource(name)


def _table(name: str) -> TableSource:
    if not _TABLE.match(name):
        raise InvalidParameterValue(
            f"{name!r} can't name a table: use 3 to 255 letters, digits, '_', '.' and '-'."
        )
    return TableSource(name)


def _stream(name: str) -> StreamSource:
    if not _STREAM.match(name):
        raise InvalidParameterValue(
            f"{name!r} can't name a stream: use up to 128 letters, digits, '_', '.' and '-'."
        )
    return StreamSource(name)


def _topic(name: str) -> TopicSource:
    if not _TOPIC.match(name):
        raise InvalidParameterValue(
            f"{name!r} can't name a topic that functions subscribe to: use up to 256 letters, digits, '-' and '_'."
        )
    return TopicSource(name)


def _schedule(expression: str) -> ScheduleSource:
    try:
        parse_schedule(expression, since=0)
    except InvalidSchedule:
        raise InvalidParameterValue(
            f"{expression!r} is no schedule. Write schedule:rate(5 minutes) or schedule:cron(0 3 * * ? *)"
        ) from None
    return ScheduleSource(expression)


def _pattern(text: str) -> PatternSource:
    try:
        pattern = json.loads(text)
        compile_pattern(pattern, of_rule=True)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, InvalidPattern) else "it isn't JSON"
        raise InvalidParameterValue(
            f"{text!r} is no event pattern ({reason}). Write it in quotes, such as "
            """'events:{"source": ["my.shop"]}'"""
        ) from None
    return PatternSource(json.dumps(pattern, separators=(",", ":")))


_READERS: Mapping[str, Callable[[str], Source]] = {
    "s3": _bucket,
    "sqs": _queue,
    "dynamodb": _table,
    "kinesis": _stream,
    "sns": _topic,
    "schedule": _schedule,
    "events": _pattern,
}
