"""CloudWatch Logs' operations: each reads its parameters, asks telemetry and renders the answer.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, NotImplementedHere, ResourceNotFound
from lablambda.model.log_subscription import SubscriptionFilter
from lablambda.rules.filter_pattern import compile_pattern
from lablambda.rules.limits import LOG_PAGE_EVENTS, LOG_RETENTION_DAYS, TAGS
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.telemetry.logs import Group, Span, Stored, Stream

Result = Mapping[str, Any]
_T = TypeVar("_T")
_PAGE = 50
_GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
_2024 = 1_704_067_200_000  # AWS reads backwards from then on only


def _group_name(p: Parameters) -> str:
    """A log group may be named by its name or its ARN."""
    name, identifier = p.get("logGroupName"), p.get("logGroupIdentifier")
    if name and identifier:
        raise InvalidParameterValue(
            "LogGroup name and LogGroup identifier are mutually exclusive parameters."
        )
    if not name and not identifier:
        raise InvalidParameterValue("Either logGroupName or logGroupIdentifier must be given.")
    return str(name) if name else _name_in(str(identifier))


def _name_in(identifier: str) -> str:
    return identifier.removeprefix(_GROUP_ARN).removesuffix(":*")


def _number(token: str) -> int:
    if not (token.isascii() and token.isdecimal()) or len(token) > 80:
        raise InvalidParameterValue("The specified nextToken is invalid.")
    return int(token)


# ---------------------------------------------------------------------------------------------- groups


async def create_log_group(house: House, p: Parameters) -> Result:
    if p.get("deletionProtectionEnabled"):
        raise NotImplementedHere("Deletion protection of log groups is not implemented in lablambda.")
    await house.logs.create_group(
        p["logGroupName"], p.get("logGroupClass", "STANDARD"), p.get("kmsKeyId"), p.get("tags", {})
    )
    return {}


async def delete_log_group(house: House, p: Parameters) -> Result:
    await house.logs.delete_group(p["logGroupName"])
    return {}


async def describe_log_groups(house: House, p: Parameters) -> Result:
    prefix, pattern = p.get("logGroupNamePrefix", ""), p.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise InvalidParameterValue(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    wanted = {_name_in(text) for text in p.get("logGroupIdentifiers", [])}
    kind = p.get("logGroupClass")
    groups = [
        group
        for group in await house.logs.groups()
        if group.name.startswith(prefix)
        and pattern in group.name
        and (not wanted or group.name in wanted)
        and kind in (None, group.kind)
    ]
    page, token = numbered_page(groups, p.get("nextToken"), p.get("limit", _PAGE))
    described = _described_briefly if pattern else _described_group
    return {"logGroups": [described(group) for group in page], "nextToken": token}


def _described_briefly(group: Group) -> dict[str, Any]:
    """All that AWS tells when it looks for a pattern."""
    return {
        "logGroupName": group.name,
        "creationTime": group.created,
        "arn": f"{_GROUP_ARN}{group.name}:*",
    }


def _described_group(group: Group) -> dict[str, Any]:
    return {
        **_described_briefly(group),
        "retentionInDays": group.retention,
        "metricFilterCount": 0,
        "storedBytes": group.size,
        "kmsKeyId": group.key,
        "logGroupClass": group.kind,
        "logGroupArn": f"{_GROUP_ARN}{group.name}",
        "deletionProtectionEnabled": False,
    }


async def put_retention_policy(house: House, p: Parameters) -> Result:
    days = p["retentionInDays"]
    if days not in LOG_RETENTION_DAYS:
        raise InvalidParameterValue(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {list(LOG_RETENTION_DAYS)}"
        )
    await house.logs.set_retention(p["logGroupName"], days)
    return {}


async def delete_retention_policy(house: House, p: Parameters) -> Result:
    await house.logs.set_retention(p["logGroupName"], None)
    return {}


# ------------------------------------------------------------------------------------------------ tags


def _tagged_group(p: Parameters) -> str:
    """The group that a tagging operation names, the newer ones by `resourceArn`."""
    if "resourceArn" not in p:
        return str(p["logGroupName"])
    arn: str = p["resourceArn"]
    if not arn.startswith(_GROUP_ARN):
        raise ResourceNotFound("The specified resource does not exist.")
    return _name_in(arn)


async def tag(house: House, p: Parameters) -> Result:
    def change(tags: Mapping[str, str]) -> Mapping[str, str]:
        changed = {**tags, **p["tags"]}
        if len(changed) > TAGS:
            raise InvalidParameterValue(f"A log group can have at most {TAGS} tags.")
        return changed

    await house.logs.change_tags(_tagged_group(p), change)
    return {}


async def untag(house: House, p: Parameters) -> Result:
    """TagResource's counterpart calls the keys `tagKeys`, the older operation `tags`."""
    keys: list[str] = p.get("tagKeys") or p.get("tags") or []
    await house.logs.change_tags(
        _tagged_group(p), lambda tags: {key: value for key, value in tags.items() if key not in keys}
    )
    return {}


async def list_tags(house: House, p: Parameters) -> Result:
    return {"tags": (await house.logs.group(_tagged_group(p))).tags}


# --------------------------------------------------------------------------------------------- streams


async def create_log_stream(house: House, p: Parameters) -> Result:
    await house.logs.create_stream(p["logGroupName"], p["logStreamName"])
    return {}


async def delete_log_stream(house: House, p: Parameters) -> Result:
    await house.logs.delete_stream(p["logGroupName"], p["logStreamName"])
    return {}


async def describe_log_streams(house: House, p: Parameters) -> Result:
    group = _group_name(p)
    prefix = p.get("logStreamNamePrefix", "")
    by_time = p.get("orderBy") == "LastEventTime"
    if by_time and prefix:
        raise InvalidParameterValue("Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = [s for s in await house.logs.streams(group) if s.name.startswith(prefix)]
    if by_time:
        streams.sort(key=lambda stream: stream.last or 0)
    if p.get("descending"):
        streams.reverse()
    page, token = numbered_page(streams, p.get("nextToken"), p.get("limit", _PAGE))
    return {"logStreams": [_described_stream(group, stream) for stream in page], "nextToken": token}


def _described_stream(group: str, stream: Stream) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": _sequence_token(),
        "arn": f"{_GROUP_ARN}{group}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


def _sequence_token() -> str:
    """AWS ignores the tokens that it gives; old clients still insist on getting one."""
    return f"{time.time_ns():056d}"


# ---------------------------------------------------------------------------------------------- events


async def put_log_events(house: House, p: Parameters) -> Result:
    events = [(event["timestamp"], event["message"]) for event in p["logEvents"]]
    rejected = await house.logs.put(p["logGroupName"], p["logStreamName"], events)
    return {"nextSequenceToken": _sequence_token(), "rejectedLogEventsInfo": rejected or None}


async def get_log_events(house: House, p: Parameters) -> Result:
    group, stream = _group_name(p), p["logStreamName"]
    await house.logs.stream(group, stream)
    backwards, position = _place(p, backwards=not p.get("startFromHead"))
    span = _span(p, [stream], position, backwards=backwards)
    found = await house.logs.events(group, span, p.get("limit", LOG_PAGE_EVENTS))
    events = found[::-1] if backwards else found
    # At an end the same token comes back, which is how clients know.
    first = events[0].identity if events else (position or 0) + (not backwards)
    last = events[-1].identity if events else max((position or 0) - backwards, 0)
    return {
        "events": [_event(event) for event in events],
        "nextForwardToken": f"f/{last:056d}/s",
        "nextBackwardToken": f"b/{first:056d}/s",
    }


def _place(p: Parameters, *, backwards: bool) -> tuple[bool, int | None]:
    """Whether a page goes backwards, and the event that it goes on from; a token knows both."""
    if "nextToken" not in p:
        return backwards, None
    direction, _, rest = p["nextToken"].partition("/")
    if direction not in ("f", "b"):
        raise InvalidParameterValue("The specified nextToken is invalid.")
    return direction == "b", _number(rest.removesuffix("/s"))


def _span(
    p: Parameters, streams: Sequence[str] | None, position: int | None, *, backwards: bool, beyond: int = 0
) -> Span:
    """`beyond` is 1 where AWS counts `endTime` itself in."""
    return Span(
        streams,
        start=p.get("startTime"),
        end=None if "endTime" not in p else p["endTime"] + beyond,
        after=None if backwards else position,
        before=position if backwards else None,
        newest_first=backwards,
    )


def _event(event: Stored) -> dict[str, Any]:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


async def filter_log_events(house: House, p: Parameters) -> Result:
    group = _group_name(p)
    matches = compile_pattern(p.get("filterPattern", ""))
    backwards, position = _place(p, backwards=not p.get("startFromHead", True))
    if backwards and p.get("startTime", _2024) < _2024:
        raise InvalidParameterValue("startFromHead can be false only for a startTime from 2024 on.")
    span = _span(p, await _streams_to_search(house, group, p), position, backwards=backwards, beyond=1)
    found, last = await house.logs.search(group, span, matches, p.get("limit", LOG_PAGE_EVENTS))
    return {
        "events": [
            _event(event) | {"logStreamName": event.stream, "eventId": f"{event.identity:056d}"}
            for event in found
        ],
        "searchedLogStreams": [],
        "nextToken": None if last is None else f"{'b' if backwards else 'f'}/{last:056d}",
    }


async def _streams_to_search(house: House, group: str, p: Parameters) -> Sequence[str] | None:
    """The names that were asked for; None for all. Raises ResourceNotFound if one doesn't exist."""
    names: Sequence[str] | None = p.get("logStreamNames")
    prefix = p.get("logStreamNamePrefix")
    if names is None and prefix is None:
        return None
    if names is not None and prefix is not None:
        raise InvalidParameterValue(
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters."
        )
    known = [stream.name for stream in await house.logs.streams(group)]
    if names is None:
        return [name for name in known if name.startswith(str(prefix))]
    if not set(names) <= set(known):
        raise ResourceNotFound("The specified log stream does not exist.")
    return names


# ---------------------------------------------------------------------------------------- subscriptions

_NEWER = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields")


async def put_subscription_filter(house: House, p: Parameters) -> Result:
    if any(p.get(name) for name in _NEWER):
        raise NotImplementedHere(
            f"{', '.join(_NEWER)} of subscription filters are not implemented in lablambda."
        )
    await house.logs.group(p["logGroupName"])
    await house.subscriptions.put(
        SubscriptionFilter(
            group=p["logGroupName"],
            name=p["filterName"],
            pattern=p["filterPattern"],
            destination=p["destinationArn"],
            role=p.get("roleArn"),
            distribution=p.get("distribution", "ByLogStream"),
            created=int(time.time() * 1000),
        )
    )
    return {}


async def describe_subscription_filters(house: House, p: Parameters) -> Result:
    await house.logs.group(p["logGroupName"])
    prefix = p.get("filterNamePrefix", "")
    found = [one for one in await house.subscriptions.of(p["logGroupName"]) if one.name.startswith(prefix)]
    page, token = numbered_page(found, p.get("nextToken"), p.get("limit", _PAGE))
    return {"subscriptionFilters": [_described_filter(one) for one in page], "nextToken": token}


def _described_filter(subscription: SubscriptionFilter) -> dict[str, Any]:
    return {
        "filterName": subscription.name,
        "logGroupName": subscription.group,
        "filterPattern": subscription.pattern,
        "destinationArn": subscription.destination,
        "roleArn": subscription.role,
        "distribution": subscription.distribution,
        "applyOnTransformedLogs": False,
        "creationTime": subscription.created,
    }


async def delete_subscription_filter(house: House, p: Parameters) -> Result:
    await house.logs.group(p["logGroupName"])
    await house.subscriptions.delete(p["logGroupName"], p["filterName"])
    return {}


Handler = Callable[[House, Parameters], Awaitable[Result]]
LOGS: dict[str, Handler] = {
    "CreateLogGroup": create_log_group,
    "CreateLogStream": create_log_stream,
    "DeleteLogGroup": delete_log_group,
    "DeleteLogStream": delete_log_stream,
    "DeleteRetentionPolicy": delete_retention_policy,
    "DeleteSubscriptionFilter": delete_subscription_filter,
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "DescribeSubscriptionFilters": describe_subscription_filters,
    "FilterLogEvents": filter_log_events,
    "GetLogEvents": get_log_events,
    "ListTagsForResource": list_tags,
    "ListTagsLogGroup": list_tags,
    "PutLogEvents": put_log_events,
    "PutRetentionPolicy": put_retention_policy,
    "PutSubscriptionFilter": put_subscription_filter,
    "TagLogGroup": tag,
    "TagResource": tag,
    "UntagLogGroup": untag,
    "UntagResource": untag,
}
