"""What the platform itself writes to a function's log, as text.

Forms recorded from AWS in 2023-2025; separators are tabs and REPORT ends with one. The same moments in
JSON are in `platform_log_json.py`; `PlatformLog` is what both have.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import Protocol

from lablambda.model.function import Version
from lablambda.model.invocation import Report
from lablambda.rules.lifecycle import ON_DEMAND
from lablambda.rules.runtimes import family


class PlatformLog(Protocol):
    """The events that the platform logs at each moment of an environment's life."""

    def init_start(self, runtime: str, runtime_version: str, note: str = "") -> list[str]:
        """Init begins. `runtime_version` is the interpreter's own, which plays AWS's build number; `note` is
        what there is to say if the function named another runtime."""

    def init_end(self, init_ms: float, *, status: str, error_type: str) -> list[str]:
        """Init is over, well ("success") or not ("error", "timeout")."""

    def start(self, request_id: str, version: str) -> list[str]:
        """An invocation begins."""

    def end(self, report: Report, produced_bytes: int) -> list[str]:
        """An invocation is over, having answered so many bytes."""


class TextLog:
    """START, END and REPORT; and INIT_REPORT if init failed, or wasn't for an invocation's sake."""

    def __init__(self, initialization: str) -> None:
        self._quiet = initialization == ON_DEMAND

    def init_start(self, runtime: str, runtime_version: str, note: str = "") -> list[str]:
        label = runtime_label(runtime, runtime_version)
        told = f"INIT_START Runtime Version: {label}\tRuntime Version ARN: {runtime_version_arn(runtime)}"
        return [f"{told}\t{note}" if note else told]

    def init_end(self, init_ms: float, *, status: str, error_type: str) -> list[str]:
        if self._quiet and status == "success":
            return []
        failed = f"\tError Type: {error_type}" if error_type else ""
        return [f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: {status}{failed}"]

    def start(self, request_id: str, version: str) -> list[str]:
        return [f"START RequestId: {request_id} Version: {version}"]

    def end(self, report: Report, produced_bytes: int) -> list[str]:  # noqa: ARG002 - only JSON tells it
        return [f"END RequestId: {report.request_id}", _report(report)]


def runtime_label(runtime: str, runtime_version: str) -> str:
    """The runtime's version as INIT_START names it: `python:3.13.1`."""
    return f"{family(runtime)}:{runtime_version}"


def runtime_version_arn(runtime: str) -> str:
    """An ARN in AWS's form, the same for a runtime wherever it is named."""
    return f"arn:aws:lambda:us-east-1::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"


def _report(r: Report) -> str:
    parts = [
        f"REPORT RequestId: {r.request_id}",
        f"Duration: {r.duration_ms:.2f} ms",
        f"Billed Duration: {r.billed_ms} ms",
        f"Memory Size: {r.memory_mb} MB",
        f"Max Memory Used: {r.max_memory_mb} MB",
    ]
    if r.init_ms is not None:
        parts.append(f"Init Duration: {r.init_ms:.2f} ms")
    if r.restore_ms is not None:
        parts += [
            f"Restore Duration: {r.restore_ms:.2f} ms",
            f"Billed Restore Duration: {r.billed_restore_ms} ms",
        ]
    if r.status != "success":
        parts.append(f"Status: {r.status}")
    if r.error_type and r.status == "error":
        parts.append(f"Error Type: {r.error_type}")
    return "\t".join(parts) + "\t\n"


def billed_ms(duration_ms: float, init_ms: float | None) -> int:
    """Duration plus init or restore, rounded up to a millisecond; init is billed since August 2025."""
    return max(1, math.ceil(duration_ms + (init_ms or 0.0)))


def stream_name(day: str, version: Version, environment_id: str) -> str:
    """`day` is YYYY/MM/DD; one stream per environment. In a group that it may share, a function says its name."""
    own_group = version.log_group == f"/aws/lambda/{version.name}"
    return f"{day}/{'' if own_group else version.name}[{version.number}]{environment_id}"


_REPORT = re.compile(
    r"^REPORT RequestId: (?P<id>\S+)\tDuration: (?P<duration>[\d.]+) ms\tBilled Duration: (?P<billed>\d+) ms\t"
    r"Memory Size: (?P<memory>\d+) MB\tMax Memory Used: (?P<used>\d+) MB"
    r"(?:\tInit Duration: (?P<init>[\d.]+) ms)?(?:\tRestore Duration: (?P<restore>[\d.]+) ms)?"
    r"(?:.*?\tStatus: (?P<status>\w+))?(?:\tError Type: (?P<type>\S+))?"
)


def parse_report(line: str) -> Report | None:
    """Read a REPORT line back, this lab's or AWS's; None if `line` isn't one."""
    match = _REPORT.match(line)
    if match is None:
        return None
    return Report(
        request_id=match["id"],
        duration_ms=float(match["duration"]),
        billed_ms=int(match["billed"]),
        memory_mb=int(match["memory"]),
        max_memory_mb=int(match["used"]),
        init_ms=float(match["init"]) if match["init"] else None,
        restore_ms=float(match["restore"]) if match["restore"] else None,
        status=match["status"] or "success",
        error_type=match["type"] or "",
    )
