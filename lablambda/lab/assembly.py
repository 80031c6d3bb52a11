"""Where the lab is put together: this module knows every room, the rooms know each other by argument."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lablambda.clock import Clock
from lablambda.config import ConfigError, trust_variables
from lablambda.execution.sandbox import Sandbox
from lablambda.hosts.local import LocalHost
from lablambda.lab import (
    autoscaling,
    catalog,
    checkpoints,
    deliveries,
    event_bus,
    http_apis,
    queue,
    rest_apis,
    schedules,
)
from lablambda.lab.autoscaling import AutoScaling
from lablambda.lab.catalog import Catalog
from lablambda.lab.checkpoints import Checkpoints
from lablambda.lab.code import CodeIntake
from lablambda.lab.connections import Connections
from lablambda.lab.credentials import KeyRing
from lablambda.lab.deliveries import Deliveries
from lablambda.lab.deploy import Deployer
from lablambda.lab.event_bus import EventBuses
from lablambda.lab.house import House
from lablambda.lab.http_apis import HttpApis
from lablambda.lab.invoke import Invoker
from lablambda.lab.log_subscriptions import LogSubscriptions
from lablambda.lab.mappings import Mappings
from lablambda.lab.pollers import Pollers
from lablambda.lab.provisioner import Provisioner
from lablambda.lab.queue import AsyncQueue
from lablambda.lab.rest_apis import RestApis
from lablambda.lab.schedules import Schedules
from lablambda.lab.triggers import Triggers
from lablambda.model.events import LogLine
from lablambda.model.function import Version
from lablambda.packaging.store import PackageStore
from lablambda.rules.addresses import LOOPBACK
from lablambda.rules.lifecycle import IDLE_S
from lablambda.rules.limits import ACCOUNT_CONCURRENCY
from lablambda.rules.runtimes import RESERVE
from lablambda.rules.scaling import ENVIRONMENTS
from lablambda.runtimes.java.compiler import JavaCompiler
from lablambda.runtimes.registry import Runtimes
from lablambda.services.backend import Deliver, NoServices, Services, Wake
from lablambda.services.calls import AwsCalls
from lablambda.services.choice import Choice
from lablambda.services.moto_backend import MotoServices
from lablambda.services.remote import RemoteServices
from lablambda.services.switchboard import Switchboard
from lablambda.storage.journal import Journal
from lablambda.telemetry import recorder, subscriptions
from lablambda.telemetry.bus import Bus
from lablambda.telemetry.history import History
from lablambda.telemetry.logs import Logs
from lablambda.telemetry.metrics import Metrics
from lablambda.telemetry.past_events import PastEvents
from lablambda.telemetry.recorder import Recorder
from lablambda.telemetry.subscriptions import SubscriptionFilters
from lablambda.telemetry.tallies import Tallies
from lablambda.telemetry.utilization import Utilization


@dataclass(frozen=True, slots=True)
class Settings:
    """How a lab is to be. A port of 0 is a free one, and `https_host` the address of this machine that the HTTPS port
    is on; times are seconds, None means never; `reserve` is how many processes to keep ready at most, by family of
    runtimes; `scaling_rate` how many environments a function may gain in ten seconds. `services_linger_s` is for how
    long the services wait for the next lab when this one is killed."""

    name: str
    data: Path
    access_key: str
    secret_key: str
    port: int = 0
    https_port: int = 0
    https_host: str = LOOPBACK
    services: Choice = field(default_factory=Choice)
    verify: bool = True
    concurrency: int = ACCOUNT_CONCURRENCY
    scaling_rate: int = ENVIRONMENTS
    environment_idle_s: float = IDLE_S
    idle_exit_s: float | None = None
    reserve: Mapping[str, int] = field(default_factory=lambda: RESERVE)
    strict_runtimes: bool = False
    sandbox: str = "auto"
    services_linger_s: float = 0.0


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Build the lab; on leaving, take it down in the opposite order.

    Raises ConfigError if the data folder can't be used or another lab uses it.
    """
    with _own_folder(settings.data):
        house, undo = _build(settings)
        house.runtimes.start()
        house.deployer.resume()
        house.provisioner.resume()
        await house.services.resume()
        house.mappings.resume()
        dispatcher = asyncio.ensure_future(house.queue.run())
        delivering = asyncio.ensure_future(house.deliveries.run())
        scaling = asyncio.ensure_future(house.autoscaling.run())
        timing = asyncio.ensure_future(house.schedules.run())
        sending = asyncio.ensure_future(house.subscriptions.run())
        tidying = asyncio.ensure_future(house.host.keep_tidy())
        purging = asyncio.ensure_future(house.logs.keep_tidy())
        hanging_up = asyncio.ensure_future(house.connections.run())
        try:
            yield house
        finally:
            tasks = (dispatcher, delivering, scaling, timing, sending, tidying, purging, hanging_up)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await house.mappings.close()
            await asyncio.gather(house.deployer.close(), house.provisioner.close())
            await house.services.close()
            await asyncio.gather(house.host.close(), house.java.close())
            await undo()


def _build(settings: Settings) -> tuple[House, Callable[[], Awaitable[None]]]:
    data = settings.data
    rooms = (catalog, queue, deliveries, checkpoints, event_bus, http_apis, rest_apis, schedules, autoscaling)
    schema = "".join(room.SCHEMA for room in rooms)
    added = (*deliveries.ADDED_COLUMNS, *schedules.ADDED_COLUMNS)
    journal = Journal(data / "journal.db", schema, durable=True, added=added)
    schema = recorder.SCHEMA + subscriptions.SCHEMA
    telemetry = Journal(data / "telemetry.db", schema, durable=False, added=recorder.ADDED_COLUMNS)
    record = Recorder(telemetry)
    bus = Bus()
    bus.listen(record.hear)
    tallies = Tallies()
    bus.listen(tallies.hear)

    known = Catalog(journal)
    store = PackageStore(data / "packages")
    store.keep_only(known.packages(), known.layer_sets())
    clock = Clock(at_least=queue.last_enqueued(journal))
    keys = KeyRing(settings.access_key, settings.secret_key)
    runtimes = Runtimes(
        data / "runtimes",
        reserve=settings.reserve,
        strict=settings.strict_runtimes,
        sandbox=Sandbox.chosen(settings.sandbox),
    )

    def access(version: Version) -> Mapping[str, str]:
        mine = {**keys.issue(version), "AWS_ENDPOINT_URL": house.endpoint}
        trust = {name: path for name, path in trust_variables().items() if name not in version.variables}
        return mine | trust

    def write_log(group: str, stream: str, message: str) -> None:
        bus.publish(LogLine(group, stream, int(time.time() * 1000), message))

    host = LocalHost(
        runtimes,
        store,
        _fresh(data / "environments"),
        access=access,
        write_log=lambda version, stream, message: write_log(version.log_group, stream, message),
        idle_s=settings.environment_idle_s,
        clock=clock,
    )
    deployer = Deployer(known, store, host)
    past = PastEvents()
    invoker = Invoker(
        known,
        host,
        bus,
        limit=settings.concurrency,
        environments=settings.scaling_rate,
        clock=clock,
        past=past,
        settled=deployer.settled,
    )
    invoke_event = partial(invoker.invoke, synchronous=False)
    services = _services(settings, lambda push: triggers.deliver(push), lambda arn: mappings.wake(arn), clock)
    calls = AwsCalls(services.forward, settings.access_key, settings.secret_key)
    outgoing = Deliveries(
        journal,
        known,
        calls,
        clock=clock,
        publish=bus.publish,
    )
    mappings = Mappings(
        known,
        Pollers(
            known,
            calls,
            Checkpoints(journal),
            invoke=invoke_event,
            deliver=outgoing.post,
            publish=bus.publish,
            clock=clock,
            wakes=services.wakes,
        ),
    )
    waiting = AsyncQueue(
        journal,
        invoke_event,
        clock=clock,
        policy=invoker.retry_policy,
        publish=bus.publish,
        settle=outgoing.settle,
    )
    provisioner = Provisioner(known, host, limit=settings.concurrency)
    utilization = Utilization(clock.now)
    bus.listen(utilization.hear)
    connections = Connections(clock)
    buses = EventBuses(journal, send=outgoing.send, clock=clock)
    triggers = Triggers(known, waiting.put, buses.put)
    outgoing.connect(waiting.put, triggers.deliver, buses.put)
    house = House(
        name=settings.name,
        data=data,
        verify=settings.verify,
        keys=keys,
        catalog=known,
        store=store,
        code=CodeIntake(store, services.forward, keys.sign_s3()),
        deployer=deployer,
        provisioner=provisioner,
        autoscaling=AutoScaling(
            journal,
            known,
            provisioner,
            utilization,
            in_use=invoker.in_use,
            heard=bus.tell,
            clock=clock,
        ),
        invoker=invoker,
        queue=waiting,
        deliveries=outgoing,
        mappings=mappings,
        buses=buses,
        http_apis=HttpApis(journal, connections.keep),
        rest_apis=RestApis(journal),
        connections=connections,
        schedules=Schedules(journal, buses, send=outgoing.send, clock=clock),
        clock=clock,
        host=host,
        runtimes=runtimes,
        java=JavaCompiler(),
        services=services,
        logs=Logs(telemetry, record),
        subscriptions=LogSubscriptions(
            SubscriptionFilters(telemetry, record), known, calls, ask=triggers.deliver, send=outgoing.send
        ),
        history=History(telemetry, record),
        metrics=Metrics(telemetry, record),
        tallies=tallies,
        past=past,
        bus=bus,
        write_log=write_log,
    )

    async def undo() -> None:
        bus.tell()
        await record.flush()
        await telemetry.close()
        await journal.close()

    return house, undo


def _services(settings: Settings, deliver: Deliver, wake: Wake, clock: Clock) -> Services:
    default: Services
    match settings.services.default:
        case "moto":
            folder, linger_s = settings.data / "services", settings.services_linger_s
            default = MotoServices(folder, deliver, wake, clock, linger_s=linger_s)
        case "none":
            default = NoServices()
        case origin:
            default = RemoteServices(origin)
    others = {name: RemoteServices(origin) for name, origin in settings.services.others.items()}
    return Switchboard(default, others) if others else default


def _fresh(folder: Path) -> Path:
    """An empty folder: what a lab that was killed left in it belongs to nobody."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


@contextlib.contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """Have the data folder to ourselves."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"The data folder {folder} can't be used ({error.strerror}). Name one that you may write to: "
            "lablambda up --data DIR"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            f"Another lab is using the data folder {folder}. See 'lablambda status', or give this one its own: "
            "lablambda up --name OTHER"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)
