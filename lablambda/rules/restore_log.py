"""What the platform writes to the log where an environment is restored from a snapshot instead of running init.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html
"""

from __future__ import annotations

from lablambda.rules.platform_log import TextLog, runtime_label, runtime_version_arn
from lablambda.rules.platform_log_json import JsonLog, or_warning


class TextRestoreLog(TextLog):
    """RESTORE_START and RESTORE_REPORT, and then as ever."""

    def init_start(self, runtime: str, runtime_version: str, note: str = "") -> list[str]:
        (told,) = super().init_start(runtime, runtime_version, note)
        return [told.replace("INIT_START", "RESTORE_START", 1)]

    def init_end(self, init_ms: float, *, status: str, error_type: str) -> list[str]:
        ended = "" if status == "success" else f"\tStatus: {status}"
        failed = f"\tError Type: {error_type}" if error_type else ""
        return [f"RESTORE_REPORT Restore Duration: {init_ms:.2f} ms{ended}{failed}"]


class JsonRestoreLog(JsonLog):
    """platform.restoreStart and platform.restoreReport, and then as ever."""

    def init_start(self, runtime: str, runtime_version: str, note: str = "") -> list[str]:
        names = {
            **self.function,
            "runtimeVersion": runtime_label(runtime, runtime_version),
            "runtimeVersionArn": runtime_version_arn(runtime),
        } | ({"note": note} if note else {})
        return self.events(("INFO", "platform.restoreStart", names))

    def init_end(self, init_ms: float, *, status: str, error_type: str) -> list[str]:
        ended = {"status": status} | ({"errorType": error_type} if error_type else {})
        report = {**ended, "metrics": {"durationMs": round(init_ms, 3)}}
        return self.events(
            (or_warning("DEBUG", status), "platform.restoreRuntimeDone", ended),
            (or_warning("INFO", status), "platform.restoreReport", report),
        )
