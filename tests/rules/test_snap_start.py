"""What SnapStart is for, and how the log tells of a restore."""

from __future__ import annotations

import json

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.model.invocation import Report
from lablambda.rules import platform_log, platform_log_json, snap_start
from lablambda.rules.platform_log import TextLog
from lablambda.rules.restore_log import JsonRestoreLog, TextRestoreLog
from tests.nouns import version

PUBLISHED = {"ApplyOn": "PublishedVersions"}
RESTORED = Report("r", 2.61, 104, 128, 90, restore_ms=100.5)


@pytest.mark.parametrize(
    ("runtime", "number", "wanted", "optimized"),
    [
        ("python3.13", "1", PUBLISHED, True),
        ("python3.13", "$LATEST", PUBLISHED, False),
        ("python3.13", "1", {"ApplyOn": "None"}, False),
        ("java21", "1", PUBLISHED, False),
    ],
)
def test_published_versions_of_python_are_optimized(
    runtime: str, number: str, wanted: dict[str, str], optimized: bool
) -> None:
    assert snap_start.is_optimized(version(number=number, Runtime=runtime, SnapStart=wanted)) is optimized


def test_what_does_nothing_here_is_told() -> None:
    assert "each of its environments runs its own init" in snap_start.note("java21")
    assert snap_start.note("python3.13") == ""


def test_what_aws_doesnt_snapshot_is_refused() -> None:
    for runtime in ("nodejs22.x", "python3.11", "java8.al2"):
        with pytest.raises(InvalidParameterValue, match=f"{runtime} is not supported for SnapStart"):
            snap_start.check(version(Runtime=runtime, SnapStart=PUBLISHED))
    with pytest.raises(InvalidParameterValue, match="ephemeral storage of more than 512 MB"):
        snap_start.check(version(Runtime="python3.13", SnapStart=PUBLISHED, EphemeralStorage={"Size": 513}))
    with pytest.raises(InvalidParameterValue, match="Provisioned Concurrency"):
        snap_start.check_provisioned(version(SnapStart=PUBLISHED))
    snap_start.check_provisioned(None)


def test_a_restore_as_text() -> None:
    log = TextRestoreLog("snap-start")
    (began,) = log.init_start("python3.13", "3.13.1", "a note")
    assert began.startswith(
        "RESTORE_START Runtime Version: python:3.13.1\tRuntime Version ARN: arn:aws:lambda:"
    )
    assert began.endswith("\ta note")
    assert log.init_end(1.5, status="success", error_type="") == ["RESTORE_REPORT Restore Duration: 1.50 ms"]
    assert log.init_end(1.5, status="error", error_type="KeyError") == [
        "RESTORE_REPORT Restore Duration: 1.50 ms\tStatus: error\tError Type: KeyError"
    ]


def test_a_report_tells_of_the_restore_and_is_read_back() -> None:
    line = TextLog("snap-start").end(RESTORED, 0)[1]
    assert line == (
        "REPORT RequestId: r\tDuration: 2.61 ms\tBilled Duration: 104 ms\tMemory Size: 128 MB\tMax Memory Used: 90 MB\t"
        "Restore Duration: 100.50 ms\tBilled Restore Duration: 101 ms\t\n"
    )
    assert platform_log.parse_report(line) == RESTORED
    failed = TextLog("snap-start").end(Report("r", 1, 2, 128, 90, restore_ms=1, status="timeout"), 0)[1]
    read = platform_log.parse_report(failed)
    assert read is not None
    assert (read.restore_ms, read.status) == (1, "timeout")


def test_a_restore_as_json() -> None:
    log = JsonRestoreLog(
        level="DEBUG", initialization="snap-start", function="f", version="1", now=lambda: 0.0
    )
    lines = [
        *log.init_start("python3.13", "3.13.1"),
        *log.init_end(1.5, status="error", error_type="KeyError"),
        *log.end(RESTORED, 0),
    ]
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == [
        "platform.restoreStart",
        "platform.restoreRuntimeDone",
        "platform.restoreReport",
        "platform.runtimeDone",
        "platform.report",
    ]
    assert events[0]["record"]["functionName"] == "f"
    assert events[2]["record"] == {"status": "error", "errorType": "KeyError", "metrics": {"durationMs": 1.5}}
    assert platform_log_json.parse_report(lines[-1]) == RESTORED
