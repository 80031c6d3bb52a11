"""The HTTPS port: what a route takes beside the bare server, many connections at work, idle and slow."""

from __future__ import annotations

import asyncio
import ssl
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from lablambda.client import Lab
from lablambda.config import authority_dir
from lablambda.deployment import deploy
from lablambda.gateway.certificates import Authority, ServerFiles
from lablambda.model.deployment import Deployment
from lablambda.rules.names import function_arn
from lablambda.rules.runtimes import family
from tests.bench.client import PLAIN, RUNTIME, Client, Row, ask_in_turns, port_of, rate
from tests.bench.controls import constant_server, on_one_cpu, pss_kib
from tests.bench.peer import SOURCE, is_possible, serverless_offline

_EACH, _WARM_UP = 200, 2  # requests of each client in turn; rounds that don't count
_TURNS = 5
_OPEN_AT_ONCE = 200
_TRICKLE_S = 0.1


def http(lab: Lab, rounds: int, seconds: float, idle: int) -> list[Row]:
    """`idle` is how many connections wait."""
    url, api = _addresses(lab, "web", RUNTIME)
    rows = [row for method in ("GET", "POST") for row in _routes(lab, url, api, rounds, method)]
    rows += _beside_peer(lab, rounds)
    rows += [row for count in (32, 64) for row in _throughput(lab, url, api, count, seconds)]
    return [*rows, *_idle(lab, url, idle), _slow(lab, url, rounds)]


def _routes(lab: Lab, url: str, api: str, rounds: int, method: str) -> list[Row]:
    """With a body (POST) and without."""
    tls = _trust(lab)
    with on_one_cpu(), _certificate() as files, constant_server(files) as port:
        clients = [
            Client(None, port, "/", tls=tls, method=method),
            _client(url, tls, method),
            _client(api, tls, method),
        ]
        control, *others = _medians(clients, rounds)
    return [
        Row(f"warm {what}, {method}, p50 over TLS", middle, "ms", control, "at most 2.5 x")
        for what, middle in zip(("function URL", "HTTP API"), others, strict=True)
    ]


def _beside_peer(lab: Lab, rounds: int) -> list[Row]:
    """The same function in Node.js, by a route of each."""
    if not is_possible() or "nodejs" not in {family(name) for name in lab.status()["runtimes"]}:
        print("no row beside serverless-offline: there is no npm", flush=True)
        return []
    tls = _trust(lab)
    _, api = _addresses(lab, "web-node", "nodejs20.x")
    rows = []
    with on_one_cpu(), _certificate() as files, serverless_offline(1, files) as peer:
        for method in ("GET", "POST"):
            clients = [
                Client(None, peer.web_port, peer.route, tls=tls, method=method),
                _client(api, tls, method),
            ]
            control, ours = _medians(clients, rounds)
            what = f"warm HTTP API, {method}, Node.js"
            rows.append(Row(what, ours, "ms", control, "at most 0.5 x serverless-offline"))
    return rows


def _throughput(lab: Lab, url: str, api: str, count: int, seconds: float) -> list[Row]:
    """So many connections that are kept alive, all kinds in turns; the control asks for the same invocations by the
    Lambda API."""
    tls = _trust(lab)
    invoke = "/2015-03-31/functions/web/invocations"
    makes: list[Callable[[], Client]] = [
        lambda: Client(lab, port_of(lab), invoke),
        lambda: _client(url, tls),
        lambda: _client(api, tls),
    ]
    rates: list[list[float]] = [[] for _ in makes]
    with on_one_cpu():
        for _ in range(_TURNS):
            for make, found in zip(makes, rates, strict=True):
                found.append(rate([make() for _ in range(count)], seconds / _TURNS))
    control, *others = map(statistics.median, rates)
    return [
        Row(f"{what}, {count} connections", value, "/s", control, "at least 0.6 x invoking")
        for what, value in zip(("function URL", "HTTP API"), others, strict=True)
    ]


def _idle(lab: Lab, url: str, count: int) -> list[Row]:
    """What a connection with nothing to do takes, and what others feel of them."""
    tls = _trust(lab)
    before = pss_kib(lab.descriptor.pid)

    async def run() -> tuple[float, int, float]:
        alone = await _median(_client(url, tls))
        async with _open(url, tls, count):
            return alone, pss_kib(lab.descriptor.pid) - before, await _median(_client(url, tls))

    alone, grown, among = uvloop.run(run())
    return [
        Row(f"memory of {count} idle connections", grown / count, "KiB each"),
        Row(f"function URL p50 among {count} idle ones", among, "ms", alone, "as alone"),
    ]


def _slow(lab: Lab, url: str, rounds: int) -> Row:
    """A hundred clients that send a header now and then, and one that does as it should."""
    tls = _trust(lab)

    async def run() -> tuple[float, float]:
        alone = await _median(_client(url, tls), rounds)
        async with _open(url, tls, 100) as writers:
            trickling = asyncio.ensure_future(_trickle(url, writers))
            among = await _median(_client(url, tls), rounds)
            trickling.cancel()
        return alone, among

    alone, among = uvloop.run(run())
    return Row("function URL p50 beside 100 slow clients", among, "ms", alone, "as alone")


# ------------------------------------------------------------------------------------------------- parts


def _addresses(lab: Lab, name: str, runtime: str) -> tuple[str, str]:
    """The function's URL and an HTTP API's route to it."""
    files = {"f.py": PLAIN.encode(), "index.js": SOURCE.encode()}
    handler = "index.handler" if family(runtime) == "nodejs" else "f.handler"
    deploy(Deployment(name, runtime, handler, files, memory_mb=256, timeout_s=30), lab)
    functions, gateway = lab.client("lambda"), lab.client("apigatewayv2")
    api = gateway.create_api(Name=name, ProtocolType="HTTP", Target=function_arn(name))
    allowed: list[dict[str, Any]] = [
        {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"},
        {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True},
        {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"},
    ]
    for number, permission in enumerate(allowed):
        functions.add_permission(FunctionName=name, StatementId=str(number), **permission)
    url = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    return url, f"{api['ApiEndpoint']}/"


def _trust(lab: Lab) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=lab.ca_certificate)


@contextmanager
def _certificate() -> Iterator[ServerFiles]:
    """One such as the lab's own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Authority(authority_dir()).issue(Path(folder))


def _client(address: str, tls: ssl.SSLContext, method: str = "POST") -> Client:
    parts = urlsplit(address)
    assert parts.port is not None
    return Client(None, parts.port, parts.path, tls=tls, method=method)


def _medians(clients: list[Client], rounds: int) -> list[float]:
    asked = ask_in_turns(clients, _WARM_UP + rounds, _EACH)
    return [statistics.median(times[_WARM_UP * _EACH :]) for times in asked]


async def _median(client: Client, rounds: int = 5) -> float:
    return statistics.median([await client.ask() for _ in range(rounds * _EACH)])


@asynccontextmanager
async def _open(url: str, tls: ssl.SSLContext, count: int) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """So many connections, and nothing sent."""
    port = urlsplit(url).port
    writers: list[asyncio.StreamWriter] = []
    while len(writers) < count:
        several = range(min(_OPEN_AT_ONCE, count - len(writers)))
        opened = (asyncio.open_connection("127.0.0.1", port, ssl=tls) for _ in several)
        writers += [writer for _, writer in await asyncio.gather(*opened)]
    try:
        yield writers
    finally:
        for writer in writers:
            writer.transport.abort()


async def _trickle(url: str, writers: list[asyncio.StreamWriter]) -> None:
    """Requests that never end."""
    for writer in writers:
        writer.write(f"GET {urlsplit(url).path} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode())
    while True:
        await asyncio.sleep(_TRICKLE_S)
        for number, writer in enumerate(writers):
            writer.write(f"x-{number}: slow\r\n".encode())
