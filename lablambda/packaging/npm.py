"""Node.js packages, installed by the npm that comes with a Node.js."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lablambda.packaging.failure import RequirementsError

# Where npm lies in an installation of Node.js, seen from the folder of its executable.
_NPM = ("../lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js")
# What npm says around its message: where its log is, and what led to it.
_NOISE = re.compile(r"^(npm (error|ERR!) ?)?(A complete log of this run|    |code |errno |syscall |$)")


def install(requirements: Sequence[str], node: str, target: Path) -> None:
    """Install into `target`/nodejs/node_modules, with the Node.js at `node`. Raises RequirementsError with
    npm's own words."""
    folder = target / "nodejs"
    folder.mkdir(parents=True)
    command = [
        *_npm(node), "install", "--prefix", str(folder), "--omit=dev", "--no-audit", "--no-fund",
        "--no-package-lock", "--no-update-notifier", "--loglevel=error", "--", *requirements,
    ]  # fmt: skip
    # npm's scripts must find the same Node.js.
    environment = os.environ | {"PATH": f"{Path(node).parent}:{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise RequirementsError(_told(done.stderr) or f"npm ended with status {done.returncode}")
    for written in ("package.json", "node_modules/.package-lock.json"):  # they name this machine's folders
        (folder / written).unlink(missing_ok=True)


def _npm(node: str) -> list[str]:
    for place in _NPM:
        script = (Path(node).parent / place).resolve()
        if script.exists():
            return [node, str(script)]
    found = shutil.which("npm")
    if found is None:
        raise RequirementsError(
            f"There is no npm beside {node} or on the PATH. Install npm, or: pip install 'lablambda[node]'"
        )
    return [found]


def _told(errors: str) -> str:
    lines = [line for line in errors.splitlines() if not _NOISE.match(line)]
    return "\n".join(lines[:12])
