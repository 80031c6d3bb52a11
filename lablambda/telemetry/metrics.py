"""Lambda's CloudWatch metrics, computed when asked for from the rows that the recorder wrote.

Source of names, units and dimensions:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from lablambda.rules.cost import FREE_STORAGE_MB, X86, Usage
from lablambda.storage.journal import Journal
from lablambda.telemetry.recorder import Recorder

NAMESPACE = "AWS/Lambda"
Dimensions = Mapping[str, str]
Samples = list[tuple[float, float]]  # (seconds since 1970, value)


@dataclass(frozen=True, slots=True)
class Metric:
    """Which rows are samples of a metric, and the SQL of a sample's moment and value.

    `value` is that of a function, `account` the whole lab's; None means that the metric doesn't exist there.
    `resource` is that of a version or alias, where it isn't the function's.
    """

    unit: str
    table: str
    moment: str
    value: str | None
    account: str | None
    where: str = "1"
    resource: str | None = None
    of_mapping: bool = False  # and of nothing else

    def of(self, dimensions: Dimensions) -> str | None:
        """The SQL of a sample's value with these dimensions; None if the metric isn't kept by them."""
        names = set(dimensions)
        if self.of_mapping or _MAPPING in names:
            return self.value if self.of_mapping and names == {_MAPPING} else None
        most = 3 if self.table == "invocation" else 2  # what didn't run has no executed version
        if len(names) > most or names != set(list(_DIMENSIONS)[: len(names)]):
            return None
        if not dimensions:
            return self.account
        return self.resource if self.resource and "Resource" in dimensions else self.value


def _of_invocations(unit: str, value: str | None, account: str | None, where: str = "1") -> Metric:
    """A metric of finished invocations, stamped at their start."""
    return Metric(unit, "invocation", "started", value, account, where)


def _of_moves(unit: str, value: str, move: str) -> Metric:
    """A metric of what became of asynchronous events."""
    return Metric(unit, "queue_move", "at", value, value, f"move = '{move}'")


def _of_mappings(metric: str) -> Metric:
    """A metric of what mappings polled; they are kept for mappings that ask for them."""
    return Metric("Count", "mapping_figure", "at", "value", None, f"metric = '{metric}'", of_mapping=True)


_FAILED = "error IS NOT NULL"
_DURATION = "json_extract(report, '$.duration_ms')"  # init isn't in it
# How many ran: in the lab, of the function, of all without a reservation, of the function by this qualifier; the
# version's provisioned concurrency, if any, how much of that was in use, and whether this one found none free.
_RUNNING = [f"json_extract(running, '$[{place}]')" for place in range(7)]
METRICS: dict[str, Metric] = {
    "Invocations": _of_invocations("Count", "1", "1"),
    "Errors": _of_invocations("Count", _FAILED, _FAILED),
    "Duration": _of_invocations("Milliseconds", _DURATION, _DURATION),
    "ConcurrentExecutions": Metric(
        "Count",
        "invocation",
        "started",
        _RUNNING[1],
        _RUNNING[0],
        f"{_RUNNING[0]} IS NOT NULL",
        resource=f"COALESCE({_RUNNING[3]}, {_RUNNING[1]})",  # rows of an earlier version lack the first
    ),
    "UnreservedConcurrentExecutions": _of_invocations(
        "Count", None, _RUNNING[2], f"{_RUNNING[2]} IS NOT NULL"
    ),
    "ProvisionedConcurrencyInvocations": _of_invocations(
        "Count", "1", None, f"{_RUNNING[4]} IS NOT NULL AND NOT {_RUNNING[6]}"
    ),
    "ProvisionedConcurrencySpilloverInvocations": _of_invocations("Count", "1", None, f"{_RUNNING[6]}"),
    "ProvisionedConcurrentExecutions": _of_invocations(
        "Count", _RUNNING[5], None, f"{_RUNNING[4]} IS NOT NULL"
    ),
    "ProvisionedConcurrencyUtilization": _of_invocations(
        "Count", f"1.0 * {_RUNNING[5]} / {_RUNNING[4]}", None, f"{_RUNNING[4]} IS NOT NULL"
    ),
    "Throttles": Metric("Count", "throttle", "at", "1", "1"),
    "AsyncEventsReceived": _of_moves("Count", "1", "received"),
    "AsyncEventsDropped": _of_moves("Count", "1", "dropped"),
    "DeadLetterErrors": _of_moves("Count", "1", "unburied"),
    "DestinationDeliveryFailures": _of_moves("Count", "1", "undelivered"),
    "RecursiveInvocationsDropped": _of_moves("Count", "1", "looped"),
    "AsyncEventAge": _of_moves("Milliseconds", "age_s * 1000", "started"),
    "IteratorAge": Metric("Milliseconds", "mapping_figure", "at", "value", "value", "metric = 'IteratorAge'"),
    "PolledEventCount": _of_mappings("PolledEventCount"),
    "FilteredOutEventCount": _of_mappings("FilteredOutEventCount"),
    "InvokedEventCount": _of_mappings("InvokedEventCount"),
    "FailedInvokeEventCount": _of_mappings("FailedInvokeEventCount"),
    "DeletedEventCount": _of_mappings("DeletedEventCount"),
    "DroppedEventCount": _of_mappings("DroppedEventCount"),
    "OnFailureDestinationDeliveredEventCount": _of_mappings("OnFailureDestinationDeliveredEventCount"),
}
_MAPPING = "EventSourceMappingUUID"
# What a row's dimensions are: the three are used from the left, one, two or all of them.
_DIMENSIONS = {
    "FunctionName": "function",
    "Resource": "CASE WHEN qualifier IS NULL THEN function ELSE function || ':' || qualifier END",
    "ExecutedVersion": "version",
}
# Rows of an earlier version don't say architecture and storage.
_USAGE = """
SELECT COALESCE(json_extract(report, '$.architecture'), ?1) AS architecture, COUNT(*),
    SUM(json_extract(report, '$.billed_ms') * json_extract(report, '$.memory_mb')),
    SUM(json_extract(report, '$.billed_ms') * MAX(0, COALESCE(json_extract(report, '$.storage_mb'), ?2) - ?2))
FROM invocation WHERE function = ?3 AND started >= ?4 AND started < ?5 GROUP BY 1
"""
_ALIAS = "qualifier GLOB '*[^0-9]*' AND qualifier <> '$LATEST'"


class Metrics:
    """Reads samples; `statistics` of them are the reader's business (see `rules/metric_statistics.py`)."""

    def __init__(self, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder

    async def samples(self, name: str, dimensions: Dimensions, start: float, end: float) -> Samples:
        """The samples of a metric with exactly these dimensions, `start` <= moment < `end`.

        Times are seconds since 1970. A metric or a combination of dimensions that doesn't exist has no
        samples, as on AWS.
        """
        metric = METRICS.get(name)
        value = metric and metric.of(dimensions)
        if metric is None or value is None:
            return []
        await self._recorder.flush()
        where = [metric.where, f"{metric.moment} >= ?", f"{metric.moment} < ?"]
        where += [f"{_column(dimension)} = ?" for dimension in dimensions]
        if "ExecutedVersion" in dimensions:
            where.append(_ALIAS)
        rows = await self._journal.read(
            f"SELECT {metric.moment}, CAST({value} AS REAL) FROM {metric.table} WHERE {' AND '.join(where)}",  # noqa: S608 - made of constants
            (start, end, *dimensions.values()),
        )
        return cast(
            Samples, rows
        )  # not converted one by one: there may be very many, and the loop would stop

    async def usage(self, function: str, start: float, end: float) -> dict[str, Usage]:
        """What AWS would bill for a function's invocations, by architecture.

        `start` <= their start < `end`, in seconds since 1970.
        """
        await self._recorder.flush()
        rows = await self._journal.read(_USAGE, (X86, FREE_STORAGE_MB, function, start, end))
        return {
            architecture: Usage(requests, mb_ms / 1024 / 1000, storage_mb_ms / 1024 / 1000)
            for architecture, requests, mb_ms, storage_mb_ms in rows
        }

    async def existing(self, since: float) -> list[tuple[str, Dimensions]]:
        """Every metric with its dimensions that has had a sample since `since` (s since 1970), in order."""
        await self._recorder.flush()
        found: list[tuple[str, Dimensions]] = []
        for name, metric in sorted(METRICS.items()):
            rows = await self._journal.read(_sources(metric), (since,))
            combinations = {tuple(d.items()) for row in rows for d in _dimensions_of(metric, *row)}
            found += [(name, dict(items)) for items in sorted(combinations)]
        return found


def _column(dimension: str) -> str:
    return "mapping" if dimension == _MAPPING else _DIMENSIONS[dimension]


def _sources(metric: Metric) -> str:
    """The SQL of who made a metric's samples."""
    version = "version" if metric.table == "invocation" else "NULL"
    if metric.of_mapping:
        return f"SELECT DISTINCT mapping, NULL, NULL FROM {metric.table} WHERE {metric.where} AND at >= ?"  # noqa: S608 - made of constants
    return (
        f"SELECT DISTINCT function, {_DIMENSIONS['Resource']}, CASE WHEN {_ALIAS} THEN {version} END "  # noqa: S608 - made of constants
        f"FROM {metric.table} WHERE {metric.where} AND {metric.moment} >= ?"
    )


def _dimensions_of(metric: Metric, source: str, resource: str, version: str | None) -> Iterator[Dimensions]:
    if metric.of_mapping:
        yield {_MAPPING: source}
        return
    if metric.account is not None:
        yield {}
    if metric.value is not None:
        yield {"FunctionName": source}
        yield {"FunctionName": source, "Resource": resource}
        if version is not None:
            yield {"FunctionName": source, "Resource": resource, "ExecutedVersion": version}
