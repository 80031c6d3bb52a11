"""CloudWatch Logs' reading operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.telemetry.logs import Stored, Stream, compile_filter

Result = Mapping[str, Any]
_PAGE = 50
_MOST_EVENTS = 10_000


def _group_arn(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"


def _group_name(p: Parameters) -> str:
    """A log group may be named by its name or its ARN."""
    text = p.get("logGroupName") or p.get("logGroupIdentifier")
    if not text:
        raise InvalidParameterValue("Either logGroupName or logGroupIdentifier must be given.")
    return str(text).partition(":log-group:")[2].removesuffix(":*") or str(text)


async def describe_log_groups(house: House, p: Parameters) -> Result:
    groups = await house.logs.groups(p.get("logGroupNamePrefix", ""))
    after = p.get("nextToken", "")
    rest = [group for group in groups if group[0] > after]
    page = rest[: p.get("limit", _PAGE)]
    return {
        "logGroups": [
            {
                "logGroupName": name,
                "creationTime": created,
                "arn": f"{_group_arn(name)}:*",
                "logGroupArn": _group_arn(name),
                "logGroupClass": "STANDARD",
                "metricFilterCount": 0,
            }
            for name, created in page
        ],
        "nextToken": page[-1][0] if len(page) < len(rest) else None,
    }


async def describe_log_streams(house: House, p: Parameters) -> Result:
    group = _group_name(p)
    prefix = p.get("logStreamNamePrefix", "")
    streams = [s for s in await house.logs.streams(group) if s.name.startswith(prefix)]
    if p.get("orderBy") == "LastEventTime":
        streams.sort(key=lambda stream: stream.last)
    if p.get("descending"):
        streams.reverse()
    begin = _offset(p.get("nextToken"))
    end = begin + p.get("limit", _PAGE)
    return {
        "logStreams": [_described(group, stream) for stream in streams[begin:end]],
        "nextToken": str(end) if end < len(streams) else None,
    }


def _described(group: str, stream: Stream) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "arn": f"{_group_arn(group)}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


def _offset(token: str | None) -> int:
    try:
        return int(token or 0)
    except ValueError:
        raise InvalidParameterValue("The specified nextToken is invalid.") from None


async def get_log_events(house: House, p: Parameters) -> Result:
    group, stream = _group_name(p), p["logStreamName"]
    if all(known.name != stream for known in await house.logs.streams(group)):
        raise ResourceNotFound("The specified log stream does not exist.")
    limit = p.get("limit", _MOST_EVENTS)
    token = p.get("nextToken", "")
    direction, position = token[:2], _offset(token[2:])
    window = {"start": p.get("startTime"), "end": p.get("endTime"), "limit": limit}
    backwards = direction == "b/" or (not token and not p.get("startFromHead"))
    if backwards:
        found = await house.logs.events(
            group, [stream], newest_first=True, before=position if token else None, **window
        )
        events = found[::-1]
    else:
        events = await house.logs.events(group, [stream], after=position if token else 0, **window)
    first = events[0].identity if events else position
    last = events[-1].identity if events else position
    return {
        "events": [_event(event) for event in events],
        # At an end the same token comes back, which is how clients know.
        "nextForwardToken": f"f/{last if events or direction != 'b/' else max(position - 1, 0)}",
        "nextBackwardToken": f"b/{first if events or direction != 'f/' else position + 1}",
    }


def _event(event: Stored) -> dict[str, Any]:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


async def filter_log_events(house: House, p: Parameters) -> Result:
    group = _group_name(p)
    matches = compile_filter(p.get("filterPattern", ""))
    names = p.get("logStreamNames")
    known = await house.logs.streams(group)
    if "logStreamNamePrefix" in p:
        names = [stream.name for stream in known if stream.name.startswith(p["logStreamNamePrefix"])]
    limit = p.get("limit", _MOST_EVENTS)
    # A page reads a bounded number of events: with a filter it may come back empty, as on AWS.
    read = await house.logs.events(
        group,
        names,
        start=p.get("startTime"),
        end=None if "endTime" not in p else p["endTime"] + 1,
        after=_offset(p.get("nextToken")),
        limit=_MOST_EVENTS,
    )
    chosen = [event for event in read if matches(event.message)][:limit]
    last = chosen[-1].identity if len(chosen) == limit else (read[-1].identity if read else 0)
    more = len(chosen) == limit or len(read) == _MOST_EVENTS
    return {
        "events": [
            _event(event) | {"logStreamName": event.stream, "eventId": f"{event.identity:056d}"}
            for event in chosen
        ],
        "searchedLogStreams": [],
        "nextToken": str(last) if more else None,
    }


Handler = Callable[[House, Parameters], Awaitable[Result]]
LOGS: dict[str, Handler] = {
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "FilterLogEvents": filter_log_events,
    "GetLogEvents": get_log_events,
}
