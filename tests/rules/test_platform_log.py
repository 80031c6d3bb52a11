"""The platform's lines, as recorded from AWS."""

from __future__ import annotations

import pytest

from lablambda.model.invocation import Report
from lablambda.rules import platform_log
from lablambda.rules.lifecycle import ON_DEMAND, PROVISIONED
from tests.nouns import version


def reported(report: Report) -> str:
    end, line = platform_log.TextLog(ON_DEMAND).end(report, 2)
    assert end == f"END RequestId: {report.request_id}"
    return line


def test_report_of_a_cold_start() -> None:
    report = Report("8f5", 3.014, 114, 128, 36, init_ms=110.1)
    assert reported(report) == (
        "REPORT RequestId: 8f5\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n"
    )


def test_report_of_a_timeout() -> None:
    report = Report("8f5", 3000, 3000, 128, 36, status="timeout", error_type="Sandbox.Timedout")
    assert reported(report).endswith("Max Memory Used: 36 MB\tStatus: timeout\t\n")


@pytest.mark.parametrize(
    "report",
    [
        Report("a-b", 3.01, 114, 128, 36, init_ms=110.1),
        Report("a-b", 0.5, 1, 3008, 99),
        Report("a-b", 7.25, 8, 128, 36, init_ms=1.0, status="error", error_type="Runtime.ExitError"),
    ],
)
def test_a_report_can_be_read_back(report: Report) -> None:
    assert platform_log.parse_report(reported(report)) == report


def test_other_lines_are_no_reports() -> None:
    assert platform_log.parse_report("END RequestId: 8f5") is None


@pytest.mark.parametrize(
    ("duration", "init", "billed"), [(133.61, 80.0, 214), (3016.78, 84.0, 3101), (0.01, None, 1)]
)
def test_init_is_billed(duration: float, init: float | None, billed: int) -> None:
    assert platform_log.billed_ms(duration, init) == billed


@pytest.mark.parametrize(
    ("group", "expected"),
    [("/aws/lambda/f", "2026/11/01/[$LATEST]abc"), ("/shared", "2026/11/01/f[$LATEST]abc")],
)
def test_a_stream_in_a_shared_group_names_its_function(group: str, expected: str) -> None:
    shared = version(LoggingConfig={"LogFormat": "Text", "LogGroup": group})
    assert platform_log.stream_name("2026/11/01", shared, "abc") == expected


@pytest.mark.parametrize(
    ("initialization", "status", "told"),
    [(ON_DEMAND, "success", 0), (ON_DEMAND, "timeout", 1), (PROVISIONED, "success", 1)],
)
def test_init_is_reported_if_it_failed_or_came_ahead(initialization: str, status: str, told: int) -> None:
    lines = platform_log.TextLog(initialization).init_end(1236.04, status=status, error_type="")
    assert lines == [f"INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: {status}"] * told
