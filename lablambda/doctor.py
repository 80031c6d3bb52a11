"""Is this machine ready? Each finding says what was looked at, whether it is well, and what to do."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_core.paths import jupyter_path

from lablambda.client import Lab
from lablambda.config import cache_dir, data_dir, runtime_dir
from lablambda.execution.sandbox import Sandbox
from lablambda.rules.runtimes import HOW_TO_GET, SUPPORTED, family, nearest, substitution
from lablambda.rules.sandbox import Level


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `advice` is empty when all is well."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def examine(lab: Lab | None) -> list[Finding]:
    """Look at this machine, and at the lab if there is one."""
    return [*_machine(), _sandbox(), *_packages(), *_front_end(), *_folders(), *_lab(lab)]


def _machine() -> Iterator[Finding]:
    linux = sys.platform == "linux"
    yield Finding(
        "operating system",
        linux,
        sys.platform,
        "" if linux else "Environments are forked as Linux does it; use Linux.",
    )
    version = sys.version.split()[0]
    yield Finding(
        "python",
        sys.version_info >= (3, 11),
        version,
        "" if sys.version_info >= (3, 11) else "Use 3.11 or newer.",
    )


def _sandbox() -> Finding:
    """How well this machine can keep handlers from what isn't theirs."""
    best = Sandbox.of_this_machine()
    whole = best.level is Level.STRICT
    advice = "" if whole else f"Run only code that you trust: a handler can {'; and '.join(best.missing)}."
    return Finding("sandbox", whole, best.level, advice)


def _packages() -> Iterator[Finding]:
    for package, purpose in (
        ("uvloop", "the lab's event loop"),
        ("boto3", "AWS's SDK for notebooks and handlers"),
        ("moto", "S3, DynamoDB, SQS and other services"),
        ("uv", "building layers for --requires"),
        ("papermill", "running notebooks"),
    ):
        try:
            yield Finding(package, True, f"{importlib.metadata.version(package)}, {purpose}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, False, f"missing, {purpose}", f"Install it: pip install {package}")


def _front_end() -> Iterator[Finding]:
    """JupyterLab's part of lablambda, which an editable installation on a machine without npm goes without."""
    places = [Path(folder) / "lablambda" / "package.json" for folder in jupyter_path("labextensions")]
    found = next((place.parent for place in places if place.is_file()), None)
    if found is None:
        without = (
            "lablambda's extension isn't built: cells have no colours of their own, and there is no panel"
        )
        yield Finding("JupyterLab", True, without, "Install Node.js with npm, then lablambda again.")
    else:
        yield Finding("JupyterLab", True, f"lablambda's extension is in {found}")


def _folders() -> Iterator[Finding]:
    for name, folder in (
        ("data folder", data_dir("default").parent),
        ("runtime folder", runtime_dir()),
        ("cache folder", cache_dir()),
    ):
        nearest = _nearest_existing(folder)
        writable = os.access(nearest, os.W_OK)
        yield Finding(
            name, writable, str(folder), "" if writable else f"Make {nearest} writable, or use --data DIR."
        )


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _lab(lab: Lab | None) -> Iterator[Finding]:
    if lab is None:
        yield Finding(
            "lab", True, "none is running; %load_ext lablambda or 'lablambda up --detach' starts one"
        )
        return
    status = lab.status()
    level = status["sandbox"]["level"]
    detail = f"{status['name']} at {status['endpoint']}, version {status['version']}, sandbox {level}"
    yield Finding("lab", True, detail)
    yield Finding(
        "https",
        True,
        f"{status['https_endpoint']}, with certificates by {status['ca_certificate']}",
        "Browsers trust them once told to: lablambda trust",
    )
    yield from _runtimes(status["runtimes"])


def _runtimes(here: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """What there is of each family, and what runs the functions that name another version."""
    for name in dict.fromkeys(family(supported) for supported in SUPPORTED):
        found = [
            f"{runtime} ({facts['version']})" for runtime, facts in here.items() if family(runtime) == name
        ]
        if not found:
            yield Finding(name, True, "none here, so its functions are refused", HOW_TO_GET.get(name, ""))
            continue
        others = [
            f"{wanted} runs on {runs}"
            for wanted in SUPPORTED
            if family(wanted) == name and (runs := nearest(wanted, here)) and substitution(wanted, runs)
        ]
        yield Finding(name, True, "; ".join([", ".join(found), *others]))
