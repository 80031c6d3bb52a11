"""Lambda's metrics in CloudWatch, as boto3 sees them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from lablambda.connection import ApiError
from tests.api.lambda_api.test_concurrency import provisioned
from tests.api_clients import ROLE, RUNTIME, code, code_of

Create = Callable[..., str]
SOURCE = "def handler(e, c):\n    if e.get('fail'): raise KeyError('x')\n    return 1"
HOUR = 3600
NOW = int(time.time())


@pytest.fixture
def cloudwatch(lab: Lab) -> Any:
    from botocore.config import Config

    return lab.client("cloudwatch", config=Config(retries={"max_attempts": 0}, parameter_validation=False))


def named(**dimensions: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def span() -> dict[str, Any]:
    return {"StartTime": time.time() - 2 * HOUR, "EndTime": time.time() + HOUR}


def stat(identity: str, metric: str, dimensions: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    """A query over the whole span at once."""
    about = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": identity, "MetricStat": {"Metric": about, "Period": 86_400, "Stat": "Sum", **more}}


def values(cloudwatch: Any, *queries: dict[str, Any]) -> dict[str, list[float]]:
    """What each query gives, oldest first."""
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=list(queries), ScanBy="TimestampAscending", **span()
    )
    return {found["Id"]: found["Values"] for found in answer["MetricDataResults"]}


def total(cloudwatch: Any, metric: str, statistic: str = "Sum", **dimensions: str) -> float:
    query = stat("m", metric, named(**dimensions), Stat=statistic)
    return sum(values(cloudwatch, query)["m"])


def test_invocations_errors_and_duration(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    for payload in (b"{}", b"{}", b'{"fail": 1}'):
        functions.invoke(FunctionName=name, Payload=payload)
    expected = {("Invocations", "Sum"): 3, ("Errors", "Sum"): 1, ("Errors", "SampleCount"): 3}
    found = {key: total(cloudwatch, *key, FunctionName=name) for key in expected}
    assert found == expected
    assert total(cloudwatch, "ConcurrentExecutions", "Maximum", FunctionName=name) == 1
    whole = total(cloudwatch, "Duration", "Sum", FunctionName=name)
    assert whole > 0


def test_statistics_of_one_metric(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    for _ in range(2):
        functions.invoke(FunctionName=name)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=named(FunctionName=name),
        Period=86_400,
        Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"],
        ExtendedStatistics=["p0", "p50", "p100"],
        **span(),
    )
    assert answer["Label"] == "Duration"
    point = answer["Datapoints"][-1]
    assert point["Unit"] == "Milliseconds"
    assert point["Timestamp"].timestamp() % 86_400 == 0
    assert point["SampleCount"] == 2 or len(answer["Datapoints"]) == 2
    assert point["Minimum"] == point["ExtendedStatistics"]["p0"]
    assert point["Maximum"] == point["ExtendedStatistics"]["p100"]
    assert point["Minimum"] <= point["Average"] <= point["Maximum"]


def test_throttles_are_neither_invocations_nor_errors(
    cloudwatch: Any, functions: Any, create: Create
) -> None:
    name = create(SOURCE)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    for _ in range(2):
        with contextlib.suppress(ClientError):
            functions.invoke(FunctionName=name)
    found = {m: total(cloudwatch, m, FunctionName=name) for m in ("Throttles", "Invocations", "Errors")}
    assert found == {"Throttles": 2, "Invocations": 0, "Errors": 0}


def test_a_function_with_a_reservation_is_not_in_the_pool(
    cloudwatch: Any, functions: Any, create: Create
) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name)
    before = total(cloudwatch, "UnreservedConcurrentExecutions", "SampleCount")
    assert before > 0
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    functions.invoke(FunctionName=name)
    assert total(cloudwatch, "UnreservedConcurrentExecutions", "SampleCount") == before
    assert total(cloudwatch, "UnreservedConcurrentExecutions", FunctionName=name) == 0


def test_what_runs_in_provisioned_concurrency_runs_in_the_function(
    cloudwatch: Any, functions: Any, create: Create
) -> None:
    source = (
        "import boto3\n"
        "def handler(e, c):\n"
        "    if e.get('call'):\n"
        "        boto3.client('lambda').invoke(FunctionName=c.function_name, Qualifier='1')"
    )
    name = create(source, Timeout=30)
    functions.publish_version(FunctionName=name)
    provisioned(functions, name, "1", 1)
    answer = functions.invoke(FunctionName=name, Payload=b'{"call": 1}')
    assert "FunctionError" not in answer
    assert total(cloudwatch, "Invocations", FunctionName=name) == 2
    assert total(cloudwatch, "ConcurrentExecutions", "Maximum", FunctionName=name) == 2
    for resource in (name, f"{name}:1"):
        found = total(cloudwatch, "ConcurrentExecutions", "Maximum", FunctionName=name, Resource=resource)
        assert found == 1


def test_asynchronous_events(cloudwatch: Any, lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    for payload in (b"{}", b'{"fail": 1}'):
        functions.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
    lab.settle()
    found = {
        m: total(cloudwatch, m, FunctionName=name) for m in ("AsyncEventsReceived", "AsyncEventsDropped")
    }
    assert found == {"AsyncEventsReceived": 2, "AsyncEventsDropped": 1}
    assert total(cloudwatch, "AsyncEventAge", "SampleCount", FunctionName=name) == 2
    assert 0 <= total(cloudwatch, "AsyncEventAge", "Maximum", FunctionName=name) < 120_000


def test_dimensions_of_aliases(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.publish_version(FunctionName=name)
    functions.update_function_code(FunctionName=name, ZipFile=code(f"{SOURCE}\n"), Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="2")
    for qualifier in ("live", "live", "1"):
        functions.invoke(FunctionName=name, Qualifier=qualifier)
    functions.invoke(FunctionName=name)
    table = [
        ({}, 4),
        ({"Resource": name}, 1),
        ({"Resource": f"{name}:live"}, 2),
        ({"Resource": f"{name}:1"}, 1),
        ({"Resource": f"{name}:live", "ExecutedVersion": "2"}, 2),
        ({"Resource": f"{name}:live", "ExecutedVersion": "1"}, 0),
        ({"Resource": f"{name}:1", "ExecutedVersion": "1"}, 0),
        ({"ExecutedVersion": "2"}, 0),
    ]
    found = [total(cloudwatch, "Invocations", FunctionName=name, **more) for more, _ in table]
    assert found == [count for _, count in table]


def test_the_whole_lab(cloudwatch: Any, functions: Any, create: Create) -> None:
    before = total(cloudwatch, "Invocations")
    for name in (create(SOURCE), create(SOURCE)):
        functions.invoke(FunctionName=name)
    assert total(cloudwatch, "Invocations") == before + 2


def test_metric_math(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    for payload in (b"{}", b"{}", b"{}", b'{"fail": 1}'):
        functions.invoke(FunctionName=name, Payload=payload)
    who = named(FunctionName=name)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "success", "Expression": "100 - rate", "Label": "ok"},
            {"Id": "rate", "Expression": "100*m2/m1"},
            stat("m1", "Invocations", who) | {"ReturnData": False},
            stat("m2", "Errors", who) | {"Label": "mistakes"},
            stat("m3", "Errors", who, Unit="Milliseconds"),
        ],
        **span(),
    )
    found = {result["Id"]: (result["Label"], result["Values"]) for result in answer["MetricDataResults"]}
    assert list(found) == ["success", "rate", "m2", "m3"]
    assert found["m2"][0] == "mistakes"
    assert found["m3"] == ("Errors", [])
    if len(found["rate"][1]) == 1:  # not over midnight
        assert found["rate"] == ("rate", [25.0])
        assert found["success"] == ("ok", [75.0])


def test_listed_with_their_dimensions(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name)
    pages = cloudwatch.get_paginator("list_metrics").paginate(
        Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": name}]
    )
    listed = [metric for page in pages for metric in page["Metrics"]]
    assert {metric["MetricName"] for metric in listed} == {
        "ConcurrentExecutions",
        "Duration",
        "Errors",
        "Invocations",
    }
    assert [m["Dimensions"] for m in listed if m["MetricName"] == "Duration"] == [
        named(FunctionName=name),
        named(FunctionName=name, Resource=name),
    ]
    (account,) = [
        metric
        for metric in cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="Duration")["Metrics"]
        if not metric["Dimensions"]
    ]
    assert account["Namespace"] == "AWS/Lambda"
    assert cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="Nothing")["Metrics"] == []


SPAN = {"StartTime": NOW - HOUR, "EndTime": NOW}
ONE = stat("m1", "Errors", [])
DATA_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"StartTime": NOW, "EndTime": NOW}, "The parameter StartTime must not equal parameter EndTime."),
    ({"EndTime": NOW - 2 * HOUR}, "The parameter StartTime must be less than the parameter EndTime."),
    ({"MetricDataQueries": [stat("m1", "Errors", [], Period=90)]}, "1, 5, 10, 30 or a multiple of 60"),
    ({"MetricDataQueries": [stat("m1", "Errors", [], Stat="tm99")]}, "Invalid statistic 'tm99'"),
    ({"MetricDataQueries": [stat("M1", "Errors", [])]}, "must begin with a lower-case letter"),
    ({"MetricDataQueries": [ONE, ONE]}, "used by more than one query"),
    ({"MetricDataQueries": [ONE | {"ReturnData": False}]}, "At least one query must return data"),
    ({"MetricDataQueries": [ONE, {"Id": "e1", "Expression": "SUM(m1)"}]}, "Error in expression 'SUM(m1)'"),
    ({"MetricDataQueries": [ONE, {"Id": "e1", "Expression": "m1 + m2"}]}, "no query has: m2"),
    ({"MetricDataQueries": [ONE, {"Id": "e1", "Expression": "m1 + e1"}]}, "made of each other: e1"),
    ({"MetricDataQueries": [ONE | {"Expression": "m1"}]}, "either MetricStat or Expression"),
]


@pytest.mark.parametrize(("changed", "message"), DATA_REFUSED, ids=[message for _, message in DATA_REFUSED])
def test_metric_data_refused(cloudwatch: Any, changed: dict[str, Any], message: str) -> None:
    asked = {"MetricDataQueries": [ONE], **SPAN, **changed}
    status, error, told = code_of(lambda: cloudwatch.get_metric_data(**asked))
    assert (status, error) == (400, "ValidationError")
    assert message in told


STATISTICS_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"EndTime": NOW - 2 * HOUR}, "InvalidParameterValue", "must be less than the parameter EndTime"),
    ({"Period": 61}, "InvalidParameterValue", "multiple of 60"),
    ({"Statistics": []}, "ValidationError", "greater than or equal to 1"),
    ({"Period": 1}, "InvalidParameterCombination", "requested up to 3,600 datapoints"),
    ({"ExtendedStatistics": ["p101"]}, "InvalidParameterValue", "Invalid statistic 'p101'"),
]


@pytest.mark.parametrize(("changed", "expected", "message"), STATISTICS_REFUSED)
def test_metric_statistics_refused(
    cloudwatch: Any, changed: dict[str, Any], expected: str, message: str
) -> None:
    asked = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Period": 60, "Statistics": ["Sum"]}
    status, error, told = code_of(lambda: cloudwatch.get_metric_statistics(**asked | SPAN | changed))
    assert (status, error) == (400, expected)
    assert message in told


@pytest.mark.parametrize("moment", ["2026-11-23T00:00:00Z", True, float("nan"), float("inf"), 1e300, 10**400])
def test_what_is_no_time(lab: Lab, moment: Any) -> None:
    asked = {"MetricDataQueries": [ONE], "StartTime": moment, "EndTime": NOW}
    with pytest.raises(ApiError) as caught:
        lab.connection.aws_json("monitoring", "GraniteServiceVersion20100801.GetMetricData", asked)
    assert (caught.value.status, caught.value.code) == (400, "ValidationException")


def test_everything_else_of_cloudwatch_is_the_backends(cloudwatch: Any) -> None:
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "n", "Value": 3.0}])
    assert [m["MetricName"] for m in cloudwatch.list_metrics(Namespace="Mine")["Metrics"]] == ["n"]
    answer = cloudwatch.get_metric_statistics(
        Namespace="Mine", MetricName="n", Period=86_400, Statistics=["Sum"], **span()
    )
    assert sum(point["Sum"] for point in answer["Datapoints"]) == 3
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_every_namespace_is_listed_with_the_labs_own(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name)
    for number in range(51):  # more than the backend puts in a page
        data = [{"MetricName": f"n{number}-{each}", "Value": 1.0} for each in range(10)]
        cloudwatch.put_metric_data(Namespace="Many", MetricData=data)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate())
    listed = [metric["Namespace"] for page in pages for metric in page["Metrics"]]
    own = cloudwatch.list_metrics(Namespace="AWS/Lambda")["Metrics"]
    assert len(pages) > 1
    assert listed.count("Many") == 510
    assert listed.count("AWS/Lambda") >= len(own) > 0
    found = cloudwatch.list_metrics(
        MetricName="Errors", Dimensions=[{"Name": "FunctionName", "Value": name}]
    )["Metrics"]
    assert [metric["Dimensions"] for metric in found] == [
        named(FunctionName=name),
        named(FunctionName=name, Resource=name),
    ]


def test_a_lab_without_services_lists_its_own() -> None:
    with Lab.private(options=["--services", "none"]) as lab:
        functions = lab.client("lambda")
        functions.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="f.handler",
            Code={"ZipFile": code(SOURCE)},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="f")
        lab.function("f").invoke()
        listed = lab.client("cloudwatch").list_metrics()["Metrics"]
        assert {metric["Namespace"] for metric in listed} == {"AWS/Lambda"}


def test_timestamps_are_times(cloudwatch: Any, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[stat("m", "Invocations", named(FunctionName=name), Period=60)],
        StartTime=datetime.fromtimestamp(NOW - HOUR, UTC),
        EndTime=datetime.fromtimestamp(NOW + HOUR, UTC),
    )
    (moment,) = answer["MetricDataResults"][0]["Timestamps"]
    assert moment.timestamp() % 60 == 0
    assert abs(moment.timestamp() - time.time()) < 600
