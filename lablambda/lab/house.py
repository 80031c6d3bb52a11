"""The assembled lab, as its doors see it: the rooms by name, nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lablambda.clock import Clock
from lablambda.hosts.local import LocalHost
from lablambda.lab.autoscaling import AutoScaling
from lablambda.lab.catalog import Catalog
from lablambda.lab.code import CodeIntake
from lablambda.lab.connections import Connections
from lablambda.lab.credentials import KeyRing
from lablambda.lab.deliveries import Deliveries
from lablambda.lab.deploy import Deployer
from lablambda.lab.event_bus import EventBuses
from lablambda.lab.http_apis import HttpApis
from lablambda.lab.invoke import Invoker
from lablambda.lab.log_subscriptions import LogSubscriptions
from lablambda.lab.mappings import Mappings
from lablambda.lab.provisioner import Provisioner
from lablambda.lab.queue import AsyncQueue
from lablambda.lab.rest_apis import RestApis
from lablambda.lab.schedules import Schedules
from lablambda.model.http_api import HttpApi
from lablambda.model.package import Package
from lablambda.packaging.store import PackageStore
from lablambda.rules.addresses import API, URL
from lablambda.runtimes.java.compiler import JavaCompiler
from lablambda.runtimes.registry import Runtimes
from lablambda.services.backend import Services
from lablambda.telemetry.bus import Bus
from lablambda.telemetry.history import History
from lablambda.telemetry.logs import Logs
from lablambda.telemetry.metrics import Metrics
from lablambda.telemetry.past_events import PastEvents
from lablambda.telemetry.tallies import Tallies

_LOCATION_S = 600


async def _not_listening() -> None:
    """A house without a door for HTTPS."""


@dataclass(slots=True)
class House:
    """Made by `assembly`. `verify` is whether requests must be signed; `write_log` writes a
    line into a group's stream; `serve_https` opens the HTTPS port if it isn't
    open yet; `leave` is set to end the lab."""

    name: str
    data: Path
    verify: bool
    keys: KeyRing
    catalog: Catalog
    store: PackageStore
    code: CodeIntake
    deployer: Deployer
    provisioner: Provisioner
    autoscaling: AutoScaling
    invoker: Invoker
    queue: AsyncQueue
    deliveries: Deliveries
    mappings: Mappings
    buses: EventBuses
    http_apis: HttpApis
    rest_apis: RestApis
    connections: Connections
    schedules: Schedules
    clock: Clock
    host: LocalHost
    runtimes: Runtimes
    java: JavaCompiler
    services: Services
    logs: Logs
    subscriptions: LogSubscriptions
    history: History
    metrics: Metrics
    tallies: Tallies
    past: PastEvents
    bus: Bus
    write_log: Callable[[str, str, str], None]
    endpoint: str = ""
    https_endpoint: str = ""
    serve_https: Callable[[], Awaitable[None]] = _not_listening
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = field(default_factory=time.time)
    last_request: float = field(default_factory=time.monotonic)

    def location(self, package: Package) -> str:
        """A URL that gives the package's zip to whoever has it, for ten minutes as on AWS."""
        path = f"/lablambda/packages/{package.digest}"
        query = self.keys.presign(urlsplit(self.endpoint).netloc, path, _LOCATION_S)
        return f"{self.endpoint}{path}?{query}"

    def function_url(self, identity: str) -> str:
        """The address of the function URL with that id: one that needs no name service."""
        return f"{self.https_endpoint}/{URL}/{identity}/"

    def api_endpoint(self, api: HttpApi) -> str:
        """The address of the API, as `function_url`."""
        address = f"{self.https_endpoint}/{API}/{api.identity}"
        return address.replace("https:", "wss:", 1) if api.is_websocket else address

    def touch(self) -> None:
        """Note that somebody uses the lab, so that it doesn't leave for being idle."""
        self.last_request = time.monotonic()
