"""One host with real processes, shared by the tests of this folder."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lablambda.hosts.local import LocalHost
from lablambda.model.function import LATEST, Version
from lablambda.model.invocation import Invocation, Outcome
from lablambda.packaging.store import PackageStore
from lablambda.packaging.zips import zip_files
from lablambda.rules.names import function_arn
from lablambda.runtimes.python.runtime import OWN
from lablambda.runtimes.registry import Runtimes

GREETING = {"GREETING": "hello"}


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


@dataclass
class Bench:
    """Deploys source and invokes it, with no lab around."""

    host: LocalHost
    store: PackageStore
    folder: Path
    runtimes: Runtimes
    lines: list[str] = field(default_factory=list)

    def function(
        self,
        source: str = "",
        *,
        handler: str = "f.handler",
        timeout: int = 3,
        memory: int = 256,
        runtime: str = OWN,
        variables: Mapping[str, str] = GREETING,
        files: Mapping[str, str | bytes] | None = None,
    ) -> Version:
        contents = files or {}
        if source or not files:
            contents = {"f.py": source, **contents}
        package = self.store.add(zip_files({name: _bytes(content) for name, content in contents.items()}))
        configuration = {
            "Runtime": runtime,
            "Handler": handler,
            "Role": "arn:aws:iam::000000000000:role/r",
            "MemorySize": memory,
            "Timeout": timeout,
            "Architectures": ["x86_64"],
            "EphemeralStorage": {"Size": 512},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
            "Environment": {"Variables": variables},
        }
        return Version("f", function_arn("f"), LATEST, configuration, package, "", str(uuid.uuid4()), "")

    async def invoke(self, version: Version, event: Any = None, **more: Any) -> Outcome:
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        outcome, _ = await self.host.run(version, Invocation("f", None, payload, version.arn, **more))
        return outcome


@pytest.fixture(scope="session")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("host")
    async with bench_with(Runtimes(folder / "runtimes"), folder) as bench:
        yield bench


@asynccontextmanager
async def bench_with(runtimes: Runtimes, folder: Path) -> AsyncIterator[Bench]:
    """A bench in `folder` that has these runtimes."""
    lines: list[str] = []
    runtimes.start()
    store = PackageStore(folder / "packages")
    host = LocalHost(
        runtimes,
        store,
        folder / "environments",
        access=lambda _: {"AWS_ACCESS_KEY_ID": "ASIA", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        write_log=lambda _version, _stream, message: lines.append(message),
    )
    yield Bench(host, store, folder, runtimes, lines)
    await host.close()
    assert not list((folder / "environments").glob("*")), "an environment's folder was left"
