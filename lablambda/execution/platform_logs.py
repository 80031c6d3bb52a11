"""Which form the platform's own words have in an environment's log."""

from __future__ import annotations

import time

from lablambda.model.function import Version
from lablambda.rules.platform_log import PlatformLog, TextLog
from lablambda.rules.platform_log_json import JsonLog
from lablambda.rules.restore_log import JsonRestoreLog, TextRestoreLog


def platform_log_of(version: Version, initialization: str, *, restores: bool) -> PlatformLog:
    """The version's format; of an environment that is restored instead of running init if `restores`."""
    logging = version.logging
    if logging["LogFormat"] != "JSON":
        return (TextRestoreLog if restores else TextLog)(initialization)
    return (JsonRestoreLog if restores else JsonLog)(
        level=logging["SystemLogLevel"],
        initialization=initialization,
        function=version.name,
        version=version.number,
        now=time.time,
    )
