"""Powertools' Logger and Metrics, and what of them reaches CloudWatch Logs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guests import events
from tests.guests.conftest import Guest, Guests

SETTINGS = {"POWERTOOLS_SERVICE_NAME": "shop", "POWERTOOLS_METRICS_NAMESPACE": "Shop"}


def event(amount: int) -> dict[str, Any]:
    return events.http_api("POST", "/charge") | {"order": "o1", "amount": amount}


@pytest.fixture(scope="module")
def logs(guest: Guests, layer: str) -> Guest:
    return guest("telling", "logs", env=SETTINGS, Layers=[layer])


def test_a_call_is_a_log_event(logs: Guest) -> None:
    out = logs.invoke(event(5))
    (line,) = logs.told(out.request_id)
    configuration = logs.lab.function(logs.name).configuration()
    assert {name: line[name] for name in ("level", "message", "service", "order", "amount", "note")} == {
        "level": "INFO",
        "message": "charging",
        "service": "shop",
        "order": "o1",
        "amount": 5,
        "note": "two\nlines",
    }
    assert line["location"].startswith("logs:")
    assert line["function_name"] == logs.name
    assert line["function_arn"] == configuration["FunctionArn"]
    assert line["function_memory_size"] == "512"
    assert line["function_request_id"] == out.request_id
    assert line["correlation_id"] == out.payload == "JKJaXmPLvHcESHA="
    assert line["cold_start"] is out.cold


def test_only_the_first_is_cold(logs: Guest) -> None:
    first, second = logs.invoke(event(1)), logs.invoke(event(2))
    assert [line["cold_start"] for line in logs.told(second.request_id)] == [False]
    assert [line["cold_start"] for line in logs.told(first.request_id)] == [first.cold]


def test_an_exception_is_one_event(logs: Guest) -> None:
    out = logs.invoke(event(-1))
    _, line = logs.told(out.request_id)
    assert (line["level"], line["message"]) == ("ERROR", "refused")
    assert (line["exception_name"], line["order"]) == ("ValueError", "o1")
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: can't charge -1")


def test_the_level_of_the_environment(guest: Guests, layer: str) -> None:
    env = SETTINGS | {"POWERTOOLS_LOG_LEVEL": "DEBUG"}
    talkative = guest("telling", "logs", env=env, Layers=[layer])
    lines = talkative.told(talkative.invoke(event(5)).request_id)
    assert [line["message"] for line in lines] == ["charging", "about to charge"]
    env["POWERTOOLS_LOG_LEVEL"] = "ERROR"
    talkative.lab.client("lambda").update_function_configuration(
        FunctionName=talkative.name, Environment={"Variables": env}
    )
    assert talkative.said(talkative.invoke(event(5)).request_id) == []


def test_metrics_are_lines_of_their_own(guest: Guests, layer: str) -> None:
    measures = guest("telling", "measures", env=SETTINGS, Layers=[layer])
    out = measures.invoke(event(3))
    assert out.payload == {"charged": 3}
    cold, line = measures.told(out.request_id)
    assert (cold["ColdStart"], cold["function_name"]) == ([1.0], measures.name)
    assert (line["Orders"], line["shop"], line["service"], line["order"]) == ([1.0, 2.0], "tea", "shop", "o1")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Shop"
    assert directive["Metrics"] == [{"Name": "Orders", "Unit": "Count"}]
    (again,) = measures.told(measures.invoke(event(3)).request_id)
    assert "ColdStart" not in again
