"""The platform's events as JSON, and what a level lets through."""

from __future__ import annotations

import json

import pytest

from lablambda.model.invocation import Report
from lablambda.rules.platform_log_json import JsonLog, lets_through, parse_report

GOOD = Report("r", 3.01, 114, 128, 36, init_ms=110.1)
BAD = Report("r", 3.01, 4, 128, 36, status="error", error_type="Runtime.ExitError")


def log(level: str, initialization: str = "on-demand") -> JsonLog:
    return JsonLog(
        level=level,
        initialization=initialization,
        function="f",
        version="$LATEST",
        now=lambda: 1793527200.123,
    )


def types(lines: list[str]) -> list[str]:
    return [json.loads(line)["type"] for line in lines]


@pytest.mark.parametrize(
    ("level", "report", "expected"),
    [
        ("DEBUG", GOOD, ["platform.runtimeDone", "platform.report"]),
        ("INFO", GOOD, ["platform.report"]),
        ("WARN", GOOD, []),
        ("WARN", BAD, ["platform.runtimeDone", "platform.report"]),
    ],
)
def test_the_level_decides_what_is_told_of_an_end(level: str, report: Report, expected: list[str]) -> None:
    assert types(log(level).end(report, 2)) == expected


@pytest.mark.parametrize(
    ("level", "initialization", "status", "expected"),
    [
        ("DEBUG", "on-demand", "success", ["platform.initRuntimeDone", "platform.initReport"]),
        ("INFO", "on-demand", "success", []),
        ("INFO", "provisioned-concurrency", "success", ["platform.initReport"]),
        ("WARN", "on-demand", "timeout", ["platform.initRuntimeDone", "platform.initReport"]),
    ],
)
def test_the_level_decides_what_is_told_of_init(
    level: str, initialization: str, status: str, expected: list[str]
) -> None:
    assert types(log(level, initialization).init_end(12.0, status=status, error_type="")) == expected


def test_events_have_aws_form() -> None:
    (start,) = log("INFO").start("r", "$LATEST")
    assert json.loads(start) == {
        "time": "2026-11-01T10:00:00.123Z",
        "type": "platform.start",
        "record": {"requestId": "r", "version": "$LATEST"},
    }
    (report,) = log("INFO").end(GOOD, 2)
    assert json.loads(report)["record"] == {
        "requestId": "r",
        "status": "success",
        "metrics": {
            "durationMs": 3.01,
            "billedDurationMs": 114,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 36,
            "initDurationMs": 110.1,
        },
    }
    (init,) = log("INFO").init_start("python3.13", "3.13.1")
    assert json.loads(init)["record"]["runtimeVersion"] == "python:3.13.1"


@pytest.mark.parametrize("report", [GOOD, BAD])
def test_a_report_can_be_read_back(report: Report) -> None:
    assert parse_report(log("INFO").end(report, 2)[-1]) == report


@pytest.mark.parametrize(
    "line", ["", '"platform.report"', '{"type": "platform.report"}', "REPORT RequestId: r"]
)
def test_other_lines_are_no_reports(line: str) -> None:
    assert parse_report(line) is None


@pytest.mark.parametrize(
    ("line", "level", "expected"),
    [
        ("plain", "INFO", True),
        ("plain", "WARN", False),
        ('{"level": "debug", "message": ""}', "INFO", False),
        ('{"level": "ERROR"}', "WARN", True),
        ('{"log_level": "ERROR"}', "ERROR", True),
        ('{"level": 7}', "INFO", True),
        ("{broken", "ERROR", False),
        ("[1]", "TRACE", True),
    ],
)
def test_what_a_level_lets_through(line: str, level: str, expected: bool) -> None:
    assert lets_through(line, level) is expected
