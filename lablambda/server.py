"""The life of a lab's process: open the house, listen, wait for a reason to leave, close."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from lablambda.api.door import Door
from lablambda.config import ConfigError, Descriptor, write_descriptor
from lablambda.gateway.on_demand import GatewayOnDemand
from lablambda.gateway.ports import free_port
from lablambda.httpserver import HttpServer
from lablambda.lab.assembly import Settings, open_house
from lablambda.lab.house import House
from lablambda.rules.addresses import LOOPBACK

_IDLE_CHECK_S = 1.0


async def serve(
    settings: Settings,
    *,
    descriptor_path: Path,
    ready: Callable[[Descriptor], None],
    lease: int | None = None,
) -> None:
    """Run a lab until it is told to leave, its lease ends or it has been idle for long enough.

    `lease` is the reading end of a pipe that the owner of a private lab holds: when it ends, so does
    the lab, and its data folder goes too. Raises ConfigError if the port or data folder can't be used.
    """
    _allow_many_descriptors()
    try:
        async with open_house(settings) as house, _listening(house, settings):
            descriptor = _describe(house, settings, descriptor_path if lease is not None else None)
            write_descriptor(descriptor_path, descriptor)
            _spare_the_collector()
            ready(descriptor)
            try:
                await _reason_to_leave(house, settings.idle_exit_s, lease)
            finally:
                descriptor_path.unlink(missing_ok=True)
    finally:
        if lease is not None:
            await asyncio.to_thread(shutil.rmtree, settings.data, ignore_errors=True)


@asynccontextmanager
async def _listening(house: House, settings: Settings) -> AsyncIterator[None]:
    server = HttpServer(Door(house).respond)
    with _port_trouble(settings.port, "--port"):
        house.endpoint = f"http://{LOOPBACK}:{await server.start(LOOPBACK, settings.port)}"
    with _port_trouble(settings.https_port, "--https-port"):
        https_port = _https_port(house.data, settings.https_host, settings.https_port)
        gateway = GatewayOnDemand(house, settings.https_host, https_port)
    house.https_endpoint = f"https://{LOOPBACK}:{https_port}"
    house.serve_https = gateway.open
    try:
        await gateway.resume()
        yield
    finally:
        await gateway.close()
        await server.close()


@contextlib.contextmanager
def _port_trouble(port: int, option: str) -> Iterator[None]:
    try:
        yield
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        why = "is in use" if number == errno.EADDRINUSE else f"can't be listened on ({error})"
        raise ConfigError(
            f"Port {port} {why}. Choose another with {option}, or leave it out to take a free one."
        ) from None


def _https_port(data: Path, host: str, wanted: int) -> int:
    """The port asked for, or the one of last time, so that addresses last, or a free one."""
    note = data / "https-port"
    if not wanted:
        with contextlib.suppress(OSError, ValueError):
            return free_port(int(note.read_text()), host)
    port = free_port(wanted, host)
    note.write_text(str(port))
    return port


def _describe(house: House, settings: Settings, note: Path | None) -> Descriptor:
    return Descriptor(
        name=house.name,
        pid=os.getpid(),
        endpoint=house.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        data=str(house.data),
        note="" if note is None else str(note),
        https_endpoint=house.https_endpoint,
    )


async def _reason_to_leave(house: House, idle_exit_s: float | None, lease: int | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, house.leave.set)
    if lease is not None:
        os.set_blocking(lease, False)
        loop.add_reader(lease, _check_lease, lease, house)
    watching = asyncio.ensure_future(_leave_when_idle(house, idle_exit_s))
    try:
        await house.leave.wait()
    finally:
        watching.cancel()
        if lease is not None:
            loop.remove_reader(lease)


def _check_lease(lease: int, house: House) -> None:
    with contextlib.suppress(BlockingIOError):
        if not os.read(lease, 1):
            house.leave.set()


async def _leave_when_idle(house: House, idle_exit_s: float | None) -> None:
    while idle_exit_s is not None:
        await asyncio.sleep(min(_IDLE_CHECK_S, idle_exit_s))
        quiet_s = time.monotonic() - house.last_request
        if quiet_s >= idle_exit_s and not house.invoker.running and not any(house.queue.counts().values()):
            print(f"Leaving after {quiet_s:.0f} s without a request.", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log
            house.leave.set()
            return


def _spare_the_collector() -> None:
    """AWS's service models are a hundred thousand objects that live as long as the lab: leave them out of
    every collection, and collect the few that come and go less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _allow_many_descriptors() -> None:
    """Each environment takes two descriptors, each client one; the soft limit is often 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
