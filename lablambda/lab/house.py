"""The assembled lab, as its doors see it: the rooms by name, nothing more."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.lab.credentials import KeyRing
from lablambda.lab.deploy import Deployer
from lablambda.lab.invoke import Invoker
from lablambda.lab.queue import AsyncQueue
from lablambda.packaging.store import PackageStore
from lablambda.runtimes.registry import Runtimes
from lablambda.services.backend import Services
from lablambda.telemetry.history import History
from lablambda.telemetry.logs import Logs


@dataclass(slots=True)
class House:
    """Made by `assembly`. `verify` is whether requests must be signed; `leave` is set to end the lab."""

    name: str
    data: Path
    verify: bool
    keys: KeyRing
    catalog: Catalog
    store: PackageStore
    deployer: Deployer
    invoker: Invoker
    queue: AsyncQueue
    host: LocalHost
    runtimes: Runtimes
    services: Services
    logs: Logs
    history: History
    endpoint: str = ""
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = field(default_factory=time.time)
    last_request: float = field(default_factory=time.monotonic)

    def touch(self) -> None:
        """Note that somebody uses the lab, so that it doesn't leave for being idle."""
        self.last_request = time.monotonic()
