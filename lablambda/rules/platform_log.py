"""The lines that the platform itself writes to a function's log.

Forms recorded from AWS in 2023-2025; separators are tabs and REPORT ends with one.
"""

from __future__ import annotations

import hashlib
import math
import re

from lablambda.model.invocation import Report


def init_start(runtime: str, runtime_version: str) -> str:
    """`runtime_version` is the interpreter's own, which here plays AWS's build number."""
    label = f"{runtime.rstrip('0123456789.x')}:{runtime_version}"
    return f"INIT_START Runtime Version: {label}\tRuntime Version ARN: {runtime_version_arn(runtime)}"


def runtime_version_arn(runtime: str) -> str:
    """An ARN in AWS's form, the same for a runtime wherever it is named."""
    return f"arn:aws:lambda:us-east-1::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}"


def init_report(init_ms: float, *, phase: str, status: str, error_type: str = "") -> str:
    failed = f"\tError Type: {error_type}" if error_type else ""
    return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{failed}"


def report(r: Report) -> str:
    parts = [
        f"REPORT RequestId: {r.request_id}",
        f"Duration: {r.duration_ms:.2f} ms",
        f"Billed Duration: {r.billed_ms} ms",
        f"Memory Size: {r.memory_mb} MB",
        f"Max Memory Used: {r.max_memory_mb} MB",
    ]
    if r.init_ms is not None:
        parts.append(f"Init Duration: {r.init_ms:.2f} ms")
    if r.status != "success":
        parts.append(f"Status: {r.status}")
    if r.error_type and r.status == "error":
        parts.append(f"Error Type: {r.error_type}")
    return "\t".join(parts) + "\t\n"


def billed_ms(duration_ms: float, init_ms: float | None) -> int:
    """Duration plus init, rounded up to a millisecond; init is billed since August 2025."""
    return max(1, math.ceil(duration_ms + (init_ms or 0.0)))


def stream_name(day: str, version: str, environment_id: str) -> str:
    """`day` is YYYY/MM/DD; one stream per environment."""
    return f"{day}/[{version}]{environment_id}"


_REPORT = re.compile(
    r"^REPORT RequestId: (?P<id>\S+)\tDuration: (?P<duration>[\d.]+) ms\tBilled Duration: (?P<billed>\d+) ms\t"
    r"Memory Size: (?P<memory>\d+) MB\tMax Memory Used: (?P<used>\d+) MB"
    r"(?:\tInit Duration: (?P<init>[\d.]+) ms)?(?:.*?\tStatus: (?P<status>\w+))?(?:\tError Type: (?P<type>\S+))?"
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
        status=match["status"] or "success",
        error_type=match["type"] or "",
    )
