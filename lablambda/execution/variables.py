"""The environment variables that the platform gives a function.

Source: Defined runtime environment variables,
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
Nothing of the lab's or the user's own environment passes through.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from lablambda.execution.worker import Program
from lablambda.model.function import Version
from lablambda.rules.lifecycle import SNAP_START
from lablambda.rules.names import REGION
from lablambda.rules.runtimes import family


def platform_variables(
    version: Version,
    program: Program,
    *,
    log_stream: str,
    initialization: str,
    scratch: str,
    access: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of a function's process.

    `access` holds the role's credentials and the endpoint of the lab's AWS API. Paths are this machine's;
    `Launch.seen_by` makes them what the environment sees.
    """
    streams = {"AWS_LAMBDA_LOG_GROUP_NAME": version.log_group, "AWS_LAMBDA_LOG_STREAM_NAME": log_stream}
    return {
        # May be overridden by the function's own.
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath if program.layers is None else f"{os.defpath}:{program.layers}/bin",
        "LD_LIBRARY_PATH": ":".join(map(str, program.library_folders)),
        "HOME": scratch,  # or AWS's SDKs would read the configuration of the person who runs the lab
        "TMPDIR": scratch,
        **version.variables,
        "_HANDLER": version.handler,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": version.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.number,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
        **({} if initialization == SNAP_START else streams),  # a snapshot knows none, as on AWS
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(program.task),
        "TZ": ":UTC",
        **_runtime_variables(version.runtime),
        **_log_variables(version.logging),
        **access,
    }


def _runtime_variables(runtime: str) -> dict[str, str]:
    """A runtime of AWS's names itself; a function's own doesn't."""
    return {} if family(runtime) == "provided" else {"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}"}


def _log_variables(logging: Mapping[str, str]) -> dict[str, str]:
    """The runtime's own logger is told how to write, and what to leave out."""
    variables = {"AWS_LAMBDA_LOG_FORMAT": logging["LogFormat"]}
    level = logging.get("ApplicationLogLevel")
    return variables if level is None else {**variables, "AWS_LAMBDA_LOG_LEVEL": level}
