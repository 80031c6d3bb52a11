"""What the platform itself writes to a function's log, as JSON, and which lines a log level lets through.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lablambda.model.invocation import Report
from lablambda.rules.lifecycle import ON_DEMAND
from lablambda.rules.platform_log import runtime_label, runtime_version_arn

_RANKS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "WARNING": 3, "ERROR": 4, "FATAL": 5, "CRITICAL": 5}


class JsonLog:
    """`platform.*` events of `level` and above; `now` gives seconds since 1970."""

    def __init__(
        self, *, level: str, initialization: str, function: str, version: str, now: Callable[[], float]
    ) -> None:
        self._least = _RANKS[level]
        self._init = {"initializationType": initialization, "phase": "init"}
        self.function = {"functionName": function, "functionVersion": version}
        self._now = now

    def init_start(self, runtime: str, runtime_version: str, note: str = "") -> list[str]:
        names = {
            "runtimeVersion": runtime_label(runtime, runtime_version),
            "runtimeVersionArn": runtime_version_arn(runtime),
        } | ({"note": note} if note else {})
        return self.events(("INFO", "platform.initStart", {**self._init, **names, **self.function}))

    def init_end(self, init_ms: float, *, status: str, error_type: str) -> list[str]:
        ended = {**self._init, "status": status} | ({"errorType": error_type} if error_type else {})
        quiet = "DEBUG" if self._init["initializationType"] == ON_DEMAND else "INFO"
        report = {**ended, "metrics": {"durationMs": round(init_ms, 3)}}
        return self.events(
            (or_warning("DEBUG", status), "platform.initRuntimeDone", ended),
            (or_warning(quiet, status), "platform.initReport", report),
        )

    def start(self, request_id: str, version: str) -> list[str]:
        return self.events(("INFO", "platform.start", {"requestId": request_id, "version": version}))

    def end(self, report: Report, produced_bytes: int) -> list[str]:
        ended: dict[str, Any] = {"requestId": report.request_id, "status": report.status}
        if report.error_type:
            ended["errorType"] = report.error_type
        run = {"durationMs": report.duration_ms, "producedBytes": produced_bytes}
        return self.events(
            (or_warning("DEBUG", report.status), "platform.runtimeDone", {**ended, "metrics": run}),
            (or_warning("INFO", report.status), "platform.report", {**ended, "metrics": _metrics(report)}),
        )

    def events(self, *events: tuple[str, str, Mapping[str, Any]]) -> list[str]:
        """Those of the log's level and above, as lines; each is a level, a type and a record."""
        time = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
        return [
            json.dumps({"time": time.replace("+00:00", "Z"), "type": kind, "record": record})
            for level, kind, record in events
            if _RANKS[level] >= self._least
        ]


def or_warning(level: str, status: str) -> str:
    """The level of what ended with a status."""
    return level if status == "success" else "WARN"


def _metrics(report: Report) -> dict[str, float]:
    metrics: dict[str, float] = {
        "durationMs": report.duration_ms,
        "billedDurationMs": report.billed_ms,
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.max_memory_mb,
    }
    if report.restore_ms is not None:
        metrics |= {
            "restoreDurationMs": report.restore_ms,
            "billedRestoreDurationMs": report.billed_restore_ms,
        }
    return metrics if report.init_ms is None else {**metrics, "initDurationMs": report.init_ms}


def parse_report(line: str) -> Report | None:
    """Read a `platform.report` event back; None if `line` isn't one."""
    if '"platform.report"' not in line:
        return None
    try:
        record = json.loads(line)["record"]
        metrics = record["metrics"]
        return Report(
            request_id=record["requestId"],
            duration_ms=metrics["durationMs"],
            billed_ms=metrics["billedDurationMs"],
            memory_mb=metrics["memorySizeMB"],
            max_memory_mb=metrics["maxMemoryUsedMB"],
            init_ms=metrics.get("initDurationMs"),
            restore_ms=metrics.get("restoreDurationMs"),
            status=record["status"],
            error_type=record.get("errorType", ""),
        )
    except (ValueError, KeyError, TypeError):
        return None


def lets_through(line: str, level: str) -> bool:
    """Whether a line that a handler printed is of `level` or above; one that doesn't say counts as INFO."""
    return _RANKS.get(_level_of(line), _RANKS["INFO"]) >= _RANKS[level]


def _level_of(line: str) -> str:
    if not line.startswith("{"):
        return "INFO"
    try:
        body = json.loads(line)
    except ValueError:
        return "INFO"
    return (
        str(body.get("level") or body.get("log_level") or "INFO").upper()
        if isinstance(body, dict)
        else "INFO"
    )
