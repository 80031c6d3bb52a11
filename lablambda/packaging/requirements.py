"""Layers made of requirements: built once for each set of requirements and runtime, then kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lablambda.config import cache_dir
from lablambda.packaging import maven, npm, pip
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.zips import zip_folder
from lablambda.rules.runtimes import family


def layer_name(requirements: Sequence[str], runtime: str) -> str:
    """The name of the layer for this set: the same set, in any order, is the same layer."""
    wanted = "\n".join([runtime, *sorted(requirements)])
    return f"requires-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"


def layer_zip(requirements: Sequence[str], runtime: str, interpreter: str) -> bytes:
    """A layer's zip with the requirements where `runtime` looks for them; from the user's cache if it was
    built before. `interpreter` is the path of the one that runs it here.

    Raises RequirementsError if a requirement can't be found, built or downloaded.
    """
    cached = cache_dir() / "requires" / f"{layer_name(requirements, runtime)}.zip"
    if cached.exists():
        return cached.read_bytes()
    with tempfile.TemporaryDirectory(prefix="lablambda-") as folder:
        _install(requirements, runtime, interpreter, Path(folder))
        data = zip_folder(Path(folder))
    cached.parent.mkdir(parents=True, exist_ok=True)
    draft = cached.with_suffix(f".{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(cached)
    return data


def _install(requirements: Sequence[str], runtime: str, interpreter: str, target: Path) -> None:
    match family(runtime):
        case "python":
            pip.install(requirements, runtime, target)
        case "nodejs":
            npm.install(requirements, interpreter, target)
        case "java":
            maven.install(requirements, target)
        case other:
            raise RequirementsError(f"{other} has no package manager here; give a layer with --layer")
