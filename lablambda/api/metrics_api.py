"""CloudWatch's reading operations for Lambda's own metrics, the namespace AWS/Lambda.

In the JSON protocol (X-Amz-Target), which boto3 and AWS's current command line speak. Everything else of
CloudWatch goes to the services backend: other namespaces, PutMetricData, alarms, dashboards, and requests in
the Query or CBOR protocol. An alarm there doesn't see these metrics. ListMetrics without a namespace lists the
backend's metrics and these.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lablambda.api.shapes import Parameters
from lablambda.httpserver import Request
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterCombination, InvalidParameterValue, ValidationFailed
from lablambda.rules import metric_math
from lablambda.rules.metric_math import Series
from lablambda.rules.metric_statistics import by_period, check_period, period_start, statistic
from lablambda.telemetry.metrics import METRICS as KNOWN
from lablambda.telemetry.metrics import NAMESPACE

Result = Mapping[str, Any]
_TARGET = "GraniteServiceVersion20100801."
_MOST_DATAPOINTS = 1_440
_MOST_LISTED = 500
_LAST_MOMENT = 1e11  # seconds: some three thousand years, within what every sum here can hold
_LISTED_S = 14 * 24 * 3600  # a metric is listed for two weeks after its last sample
_RECENTLY_S = 3 * 3600
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


def is_about_lambda(request: Request) -> bool:
    """Whether this is one of the operations below, in the JSON protocol, about the namespace AWS/Lambda."""
    target = request.headers.get("x-amz-target", "")
    if not target.startswith(_TARGET) or target.removeprefix(_TARGET) not in METRICS:
        return False
    try:
        body = json.loads(request.body)
        queries = body.get("MetricDataQueries")
        namespaces = [_namespace(query) for query in queries] if queries else [body.get("Namespace")]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False
    return NAMESPACE in namespaces


def is_about_all(request: Request) -> bool:
    """Whether this is ListMetrics of every namespace, in the JSON protocol."""
    if request.headers.get("x-amz-target") != f"{_TARGET}ListMetrics":
        return False
    try:
        return "Namespace" not in json.loads(request.body)
    except (ValueError, TypeError):
        return False


def joined(others: bytes, own: bytes) -> bytes:
    """One page of ListMetrics made of two."""
    page = json.loads(others)
    page["Metrics"] = page.get("Metrics", []) + json.loads(own)["Metrics"]
    return json.dumps(page).encode()


def is_last(page: bytes) -> bool:
    """Whether no page follows this one of ListMetrics."""
    return json.loads(page).get("NextToken") is None


def _namespace(query: Mapping[str, Any]) -> str | None:
    namespace: str | None = ((query.get("MetricStat") or {}).get("Metric") or {}).get("Namespace")
    return namespace


# ---------------------------------------------------------------------------------------- one metric


async def get_metric_statistics(house: House, p: Parameters) -> Result:
    """Datapoints with the statistics asked for, in order of time.

    Raises InvalidParameterValue for a span or period that CloudWatch refuses, and
    InvalidParameterCombination without statistics or for more than 1,440 datapoints.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
    """
    names, more = p.get("Statistics", []), p.get("ExtendedStatistics", [])
    try:
        start, end = _span(p)
        check_period(p["Period"])
        makers = {name: statistic(name) for name in [*names, *more]}
    except ValidationFailed as error:
        raise InvalidParameterValue(str(error)) from None
    if not makers:
        raise InvalidParameterCombination("At least one of Statistics and ExtendedStatistics must be given.")
    _check_count(start, end, p["Period"])
    periods = await _periods(house, p, p["Period"], p.get("Unit"), start, end)
    points = []
    for begin, samples in periods.items():
        point: dict[str, Any] = {"Timestamp": begin, "Unit": KNOWN[p["MetricName"]].unit}
        point |= {name: makers[name](samples) for name in names}
        if more:
            point["ExtendedStatistics"] = {name: makers[name](samples) for name in more}
        points.append(point)
    return {"Label": p["MetricName"], "Datapoints": points}


def _check_count(start: float, end: float, period_s: int) -> None:
    count = int((end - period_start(start, period_s)) / period_s)
    if count > _MOST_DATAPOINTS:
        raise InvalidParameterCombination(
            f"You have requested up to {count:,} datapoints, which exceeds the limit of {_MOST_DATAPOINTS:,}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )


def _span(p: Parameters) -> tuple[float, float]:
    """StartTime and EndTime, seconds since 1970. Raises ValidationFailed in AWS's words."""
    start, end = p["StartTime"], p["EndTime"]
    for name, moment in (("StartTime", start), ("EndTime", end)):
        if not abs(moment) < _LAST_MOMENT:  # NaN too
            raise ValidationFailed(f"The parameter {name} isn't a time.")
    if start == end:
        raise ValidationFailed("The parameter StartTime must not equal parameter EndTime.")
    if start > end:
        raise ValidationFailed("The parameter StartTime must be less than the parameter EndTime.")
    return float(start), float(end)


async def _periods(
    house: House, metric: Mapping[str, Any], period_s: int, unit: str | None, start: float, end: float
) -> Mapping[int, Sequence[float]]:
    """A metric's samples by period; none if they are of another unit than asked for."""
    name = metric["MetricName"]
    if unit is not None and (name not in KNOWN or KNOWN[name].unit != unit):
        return {}
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
    samples = await house.metrics.samples(name, dimensions, period_start(start, period_s), end)
    return await asyncio.to_thread(by_period, samples, period_s)


# -------------------------------------------------------------------------------------- several at once


async def get_metric_data(house: House, p: Parameters) -> Result:
    """A time series for each query that returns data; newest first unless ScanBy says otherwise.

    All of the answer comes in one page. Raises ValidationFailed for a span, period, statistic, id or
    expression that CloudWatch refuses, or that this lab doesn't have.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """
    start, end = _span(p)
    queries = p["MetricDataQueries"]
    _check_queries(queries)
    expressions = {q["Id"]: metric_math.parse(q["Expression"]) for q in queries if "Expression" in q}
    order = _in_order(expressions, {query["Id"] for query in queries})
    series: dict[str, Series] = {
        query["Id"]: await _series(house, query["MetricStat"], start, end)
        for query in queries
        if "MetricStat" in query
    }
    for name in order:
        series[name] = metric_math.evaluate(expressions[name], series)
    newest_first = p.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    return {
        "MetricDataResults": [
            _answered(query, series[query["Id"]], newest_first)
            for query in queries
            if query.get("ReturnData", True)
        ],
        "Messages": [],
    }


def _check_queries(queries: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for query in queries:
        name = query["Id"]
        if not _ID.fullmatch(name):
            raise ValidationFailed(
                f"The id {name!r} must begin with a lower-case letter and hold letters, digits and _ only."
            )
        if name in seen:
            raise ValidationFailed(f"The id {name!r} is used by more than one query.")
        seen.add(name)
        if ("MetricStat" in query) == ("Expression" in query):
            raise ValidationFailed(f"The query {name!r} must have either MetricStat or Expression.")
        if "MetricStat" in query and _namespace(query) != NAMESPACE:
            raise ValidationFailed(
                f"The query {name!r} is of another namespace; this lab answers for {NAMESPACE} in requests of "
                "their own. Send the others in a second GetMetricData."
            )
    if not any(query.get("ReturnData", True) for query in queries):
        raise ValidationFailed("At least one query must return data.")


def _in_order(expressions: Mapping[str, ast.expr], known: set[str]) -> list[str]:
    """The expressions' ids, each after those that it is made of. Raises ValidationFailed for circles."""
    left = {name: metric_math.ids(tree) for name, tree in expressions.items()}
    for name, used in left.items():
        if not used <= known:
            raise ValidationFailed(
                f"The expression {name!r} names ids that no query has: {', '.join(sorted(used - known))}."
            )
    order: list[str] = []
    while left:
        ready = [name for name, used in left.items() if used.isdisjoint(left)]
        if not ready:
            raise ValidationFailed(f"Expressions are made of each other: {', '.join(sorted(left))}.")
        order += ready
        left = {name: used for name, used in left.items() if name not in ready}
    return order


async def _series(house: House, stat: Mapping[str, Any], start: float, end: float) -> dict[int, float]:
    check_period(stat["Period"])
    make = statistic(stat["Stat"])
    periods = await _periods(house, stat["Metric"], stat["Period"], stat.get("Unit"), start, end)
    return await asyncio.to_thread(lambda: {begin: make(samples) for begin, samples in periods.items()})


def _answered(query: Mapping[str, Any], series: Series, newest_first: bool) -> dict[str, Any]:
    points = sorted(series.items(), reverse=newest_first)
    name = query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else query["Id"]
    return {
        "Id": query["Id"],
        "Label": query.get("Label", name),
        "Timestamps": [begin for begin, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


# ------------------------------------------------------------------------------------------- which


async def list_metrics(house: House, p: Parameters) -> Result:
    """The metrics that had a sample in the last two weeks, at most 500 a page; without a namespace all at once.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
    """
    since = time.time() - (_RECENTLY_S if p.get("RecentlyActive") else _LISTED_S)
    wanted = p.get("Dimensions", [])
    found = [
        {
            "Namespace": NAMESPACE,
            "MetricName": name,
            "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
        }
        for name, dimensions in await house.metrics.existing(since)
        if p.get("MetricName", name) == name and all(_has(dimensions, each) for each in wanted)
    ]
    if "Namespace" not in p:  # they close the backend's last page, whose tokens these aren't
        return {"Metrics": found}
    begin = _offset(p.get("NextToken"))
    end = begin + _MOST_LISTED
    return {"Metrics": found[begin:end], "NextToken": str(end) if end < len(found) else None}


def _has(dimensions: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    value = dimensions.get(wanted["Name"])
    return value is not None and wanted.get("Value", value) == value


def _offset(token: str | None) -> int:
    if token is not None and not token.isdecimal():
        raise InvalidParameterValue("Request parameter NextToken is invalid")
    return int(token or 0)


Handler = Callable[[House, Parameters], Awaitable[Result]]
METRICS: dict[str, Handler] = {
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
}
