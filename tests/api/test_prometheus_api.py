"""The page that Prometheus scrapes: what is on it, and for whom."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from lablambda.client import Lab
from lablambda.connection import ApiError
from tests.api.test_door import raw

Create = Callable[..., str]
SOURCE = "def handler(e, c):\n    if e.get('fail'): raise KeyError('x')\n    return 1"
FAMILIES = {
    "lablambda_invocations": "counter",
    "lablambda_errors": "counter",
    "lablambda_throttles": "counter",
    "lablambda_async_events_received": "counter",
    "lablambda_async_events_dropped": "counter",
    "lablambda_cost_dollars": "counter",
    "lablambda_duration_seconds": "histogram",
    "lablambda_init_duration_seconds": "histogram",
    "lablambda_environments": "gauge",
    "lablambda_running": "gauge",
    "lablambda_async_events_waiting": "gauge",
}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def scrape(lab: Lab) -> dict[str, Metric]:
    authorization = basic(lab.descriptor.access_key, lab.descriptor.secret_key)
    status, text = raw(lab, "GET", "/metrics", Authorization=authorization)
    assert status == 200
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: Mapping[str, Metric], sample: str, **labels: str) -> float | None:
    """The sample with these labels; None if there is none."""
    found = [
        each.value
        for family in families.values()
        for each in family.samples
        if each.name == f"lablambda_{sample}" and labels.items() <= each.labels.items()
    ]
    assert len(found) < 2
    return found[0] if found else None


def test_every_family_has_its_type(lab: Lab) -> None:
    families = scrape(lab)
    assert {name: family.type for name, family in families.items()} == FAMILIES
    assert all(family.documentation for family in families.values())


def test_invocations_are_counted(lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE, MemorySize=1024)
    for payload in (b"{}", b"{}", b'{"fail": 1}'):
        functions.invoke(FunctionName=name, Payload=payload)
    families = scrape(lab)
    one = {"function": name, "version": "$LATEST"}
    assert value(families, "invocations_total", **one) == 3
    assert value(families, "errors_total", **one) == 1
    assert value(families, "throttles_total", function=name) is None
    assert value(families, "duration_seconds_count", **one) == 3
    assert value(families, "duration_seconds_bucket", le="+Inf", **one) == 3
    assert value(families, "duration_seconds_bucket", le="900.0", **one) == 3
    assert value(families, "init_duration_seconds_count", **one) == 1
    whole = sum(record.cost for record in lab.function(name).invocations())
    assert value(families, "cost_dollars_total", function=name) == pytest.approx(whole)


def test_environments_and_the_queue(lab: Lab, functions: Any, create: Create) -> None:
    functions.invoke(FunctionName=create(SOURCE))
    families = scrape(lab)
    assert (value(families, "environments", state="idle") or 0) >= 1
    assert value(families, "running") == 0
    assert value(families, "async_events_waiting") is not None


def test_counters_stay_when_a_function_goes(lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with contextlib.suppress(ClientError):
        functions.invoke(FunctionName=name)
    functions.delete_function_concurrency(FunctionName=name)
    functions.invoke(FunctionName=name)
    functions.delete_function(FunctionName=name)
    families = scrape(lab)
    assert value(families, "invocations_total", function=name) == 1
    assert value(families, "throttles_total", function=name) == 1


def test_asynchronous_events_are_counted(lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    for payload in (b"{}", b'{"fail": 1}'):
        functions.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
    lab.settle()
    families = scrape(lab)
    assert value(families, "async_events_received_total", function=name) == 2
    assert value(families, "async_events_dropped_total", function=name) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ?",
        "Basic YQ==",
        "Bearer x",
        basic("a", "b"),
        basic("é", "ü"),
        "owner:",
        ":secret",
    ],
)
def test_others_are_refused_and_told_what_to_do(lab: Lab, authorization: str | None) -> None:
    half = {
        "owner:": basic(lab.descriptor.access_key, "wrong"),
        ":secret": basic("wrong", lab.descriptor.secret_key),
    }
    headers = {} if authorization is None else {"Authorization": half.get(authorization, authorization)}
    status, text = raw(lab, "GET", "/metrics", **headers)
    assert status == 401
    assert "basic_auth" in text


def test_a_password_opens_nothing_else(lab: Lab) -> None:
    authorization = basic(lab.descriptor.access_key, lab.descriptor.secret_key)
    for path in ("/lablambda/status", "/2015-03-31/functions", "/metrics/"):
        assert raw(lab, "GET", path, Authorization=authorization)[0] == 403


def test_a_refusal_asks_for_a_password(lab: Lab) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(lab.endpoint.rpartition(":")[2]))
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.headers["www-authenticate"].startswith("Basic ")
    connection.close()


def test_a_signed_request_is_answered(lab: Lab) -> None:
    answer = lab.connection.request("lablambda", "GET", "/metrics")
    assert b"lablambda_running" in answer.body


def test_a_functions_role_is_refused(lab: Lab, functions: Any, create: Create) -> None:
    source = (
        "import os\n"
        "def handler(e, c): return [os.environ['AWS_' + n] for n in ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY')]"
    )
    key, secret = lab.function(create(source)).invoke().payload
    status, _ = raw(lab, "GET", "/metrics", Authorization=basic(key, secret))
    assert status == 401
    with pytest.raises(ApiError, match="lab's owner"):
        lab.connection.request("lablambda", "GET", "/metrics", query="X-Amz-Security-Token=")


def test_a_bucket_may_be_called_metrics(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="metrics")
    assert s3.list_objects_v2(Bucket="metrics")["KeyCount"] == 0
    s3.delete_bucket(Bucket="metrics")
