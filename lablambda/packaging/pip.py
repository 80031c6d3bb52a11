"""Python packages, installed by uv as pip would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lablambda.packaging.failure import RequirementsError


def install(requirements: Sequence[str], runtime: str, target: Path) -> None:
    """Install into `target`/python. Raises RequirementsError with the installer's own words."""
    from uv import find_uv_bin

    own = f"python3.{sys.version_info.minor}"
    interpreter = (
        ["--python", sys.executable]
        if runtime == own
        else ["--python-version", runtime.removeprefix("python")]
    )
    command = [
        find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--compile-bytecode",
        "--target", str(target / "python"), *interpreter, "--", *requirements,
    ]  # fmt: skip
    # A zip doesn't keep file times well enough for bytecode that is checked against its source.
    environment = os.environ | {"PYC_INVALIDATION_MODE": "UNCHECKED_HASH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RequirementsError(done.stderr.strip() or f"the installer ended with status {done.returncode}")
