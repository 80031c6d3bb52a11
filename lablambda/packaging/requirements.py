"""Layers made of requirements: built once for each set of requirements and runtime, then kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lablambda.config import cache_dir
from lablambda.packaging.zips import zip_folder


class RequirementsError(Exception):
    """The requirements couldn't be installed; the message holds what the installer said."""


def layer_name(requirements: Sequence[str], runtime: str) -> str:
    """The name of the layer for this set: the same set, in any order, is the same layer."""
    wanted = "\n".join([runtime, *sorted(requirements)])
    return f"requires-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"


def layer_zip(requirements: Sequence[str], runtime: str) -> bytes:
    """A layer's zip with the requirements under `python/`; from the user's cache if it was built before.

    Raises RequirementsError if a requirement can't be found, built or downloaded.
    """
    cached = cache_dir() / "requires" / f"{layer_name(requirements, runtime)}.zip"
    if cached.exists():
        return cached.read_bytes()
    with tempfile.TemporaryDirectory(prefix="lablambda-") as folder:
        target = Path(folder) / "python"
        _install(requirements, runtime, target)
        data = zip_folder(target, "python")
    cached.parent.mkdir(parents=True, exist_ok=True)
    draft = cached.with_suffix(f".{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(cached)
    return data


def _install(requirements: Sequence[str], runtime: str, target: Path) -> None:
    from uv import find_uv_bin

    own = f"python3.{sys.version_info.minor}"
    interpreter = (
        ["--python", sys.executable]
        if runtime == own
        else ["--python-version", runtime.removeprefix("python")]
    )
    command = [
        find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--compile-bytecode",
        "--target", str(target), *interpreter, "--", *requirements,
    ]  # fmt: skip
    # A zip doesn't keep file times well enough for bytecode that is checked against its source.
    environment = os.environ | {"PYC_INVALIDATION_MODE": "UNCHECKED_HASH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RequirementsError(done.stderr.strip() or f"the installer ended with status {done.returncode}")
