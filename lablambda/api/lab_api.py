"""The lab's own calls, which AWS has no words for: status, shutdown, settling, packages, past invocations, what
happens at this moment."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, unquote

from lablambda import __version__
from lablambda.api import figures, live, prometheus_api
from lablambda.config import CA_CERTIFICATE, authority_dir
from lablambda.execution.memory import proportional
from lablambda.httpserver import Request, Response
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, ResourceNotFound
from lablambda.packaging.failure import RequirementsError

_FIGURES = re.compile(r"/lablambda/functions/([^/]+)/metrics")
_INVOCATIONS = re.compile(r"/lablambda/functions/([^/]+)/invocations")
_TIMINGS = re.compile(r"/lablambda/functions/([^/]+)/timings")
_EVENTS = re.compile(r"/lablambda/functions/([^/]+)/events")
_WATCHED = ("/lablambda/live", "/lablambda/status", "/lablambda/clock")
_PACKAGES = "/lablambda/packages/"
_MOST_INVOCATIONS = 1_000
_MOST_TIMINGS = 1_000_000
_MOST_HOURS = 24 * 365
_MOST_ADVANCE_S, _MOST_SPEED = 365 * 86_400.0, 100_000.0


def only_watches(request: Request) -> bool:
    """Whether this is somebody who looks on, JupyterLab's panel for example: an idle lab may leave all the same."""
    return request.method == "GET" and request.path in _WATCHED


async def respond(house: House, request: Request) -> Response:
    """Answer one of these calls. Raises ResourceNotFound for anything else."""
    call = (request.method, request.path)
    if call == ("GET", "/lablambda/status"):
        return _json(await status(house))
    if call == ("POST", "/lablambda/shutdown"):
        house.leave.set()
        return _json({"leaving": True})
    if call == ("GET", "/lablambda/live"):
        return live.respond(house, request)
    if call == ("POST", "/lablambda/settle"):
        return _json({"settled": await _settle(house, _number(request, "timeout", 60.0))})
    if request.path == "/lablambda/clock":
        return _json(_clock(house, request))
    if call == ("POST", "/lablambda/java/compile"):
        return _json(await _compile(house, request))
    if prometheus_api.is_asked_for(request):
        return prometheus_api.respond_signed(house, request)
    if request.method == "GET" and request.path.startswith(_PACKAGES):
        return await _package(house, request.path.removeprefix(_PACKAGES))
    match = _FIGURES.fullmatch(request.path)
    if request.method == "GET" and match is not None:
        return _json(await figures.of_function(house, unquote(match[1]), _hours(request)))
    match = _EVENTS.fullmatch(request.path)
    if request.method == "GET" and match is not None:
        return _past_event(house, unquote(match[1]), request)
    match = _INVOCATIONS.fullmatch(request.path)
    if request.method == "GET" and match is not None:
        limit = min(int(_number(request, "limit", 50)), _MOST_INVOCATIONS)
        return _json({"invocations": await house.history.of(unquote(match[1]), limit)})
    match = _TIMINGS.fullmatch(request.path)
    if request.method == "GET" and match is not None:
        return await _timings(house, unquote(match[1]), request)
    raise ResourceNotFound(f"The lab has no call {request.method} {request.path}")


async def status(house: House) -> dict[str, Any]:
    """What the lab says of itself."""
    return {
        "name": house.name,
        "version": __version__,
        "pid": os.getpid(),
        "endpoint": house.endpoint,
        "https_endpoint": house.https_endpoint,
        "ca_certificate": str(authority_dir() / CA_CERTIFICATE),
        "data": str(house.data),
        "uptime_s": round(time.time() - house.started, 1),
        "runtimes": {
            name: {"version": runtime.version, "path": runtime.path}
            for name, runtime in (await house.runtimes.all()).items()
        },
        "sandbox": {"level": house.runtimes.sandbox.level, "missing": house.runtimes.sandbox.missing},
        "reserve": {family: _size(pids) for family, pids in house.runtimes.reserved().items()},
        "functions": len(house.catalog.functions()),
        "environments": house.host.count(),
        "running": house.invoker.running,
        "queue": house.queue.counts(),
        "services": house.services.status(),
    }


def _size(pids: Sequence[int]) -> dict[str, float]:
    """How many processes, and their memory in MB; what several share counts once."""
    return {"processes": len(pids), "memory_mb": round(sum(map(proportional, pids)) / 2**20, 1)}


async def _package(house: House, digest: str) -> Response:
    """A package's zip, as Code.Location promises it."""
    for package in house.catalog.packages():
        if package.digest == digest:
            data = await asyncio.to_thread(house.store.zip_path(package).read_bytes)
            return Response(200, data, [("content-type", "application/zip")])
    raise ResourceNotFound("No function or layer has this package any more.")


async def _timings(house: House, function: str, request: Request) -> Response:
    """When invocations of a function began and how long they took: by default the last of all."""
    start, end = _number(request, "start", 0.0), _number(request, "end", time.time() + 1)
    limit = min(int(_number(request, "limit", 1_000)), _MOST_TIMINGS)
    body = await house.history.timings(function, start, end, limit)
    return Response(200, body.encode(), [("content-type", "application/json")])


def _past_event(house: House, function: str, request: Request) -> Response:
    """One of the last events of a function: that of a request, or the last."""
    wanted = parse_qs(request.query).get("request", [None])[0]
    found = house.past.find(function, wanted)
    if found is None:
        which = "no event" if wanted is None else f"no event of request {wanted}"
        raise ResourceNotFound(
            f"The lab remembers {which} for {function}: it keeps the last ones since its start."
        )
    request_id, payload = found
    return Response(200, payload, [("content-type", "application/json"), ("x-lablambda-request", request_id)])


def _clock(house: House, request: Request) -> dict[str, float]:
    """The lab's clock, after it was turned as asked."""
    if request.method == "POST":
        advance_s, speed = _number(request, "advance_s", 0.0), _number(request, "speed", house.clock.speed)
        if not (0 <= advance_s <= _MOST_ADVANCE_S and 0 <= speed <= _MOST_SPEED):
            raise InvalidParameterValue(
                f"The lab's clock goes forward only, by a year at once at most, and at {_MOST_SPEED} times real "
                "time at most."
            )
        house.clock.set_speed(speed)
        house.clock.advance(advance_s)
    return {"now": house.clock.now(), "speed": house.clock.speed}


async def _compile(house: House, request: Request) -> dict[str, Any]:
    """A Java file, compiled. Raises InvalidParameterValue for libraries that can't be had."""
    try:
        wanted = json.loads(request.body)
        source, runtime, requires = wanted["source"], wanted["runtime"], wanted["requires"]
        release = int(re.sub(r"\D.*", "", runtime.removeprefix("java")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidParameterValue("Send JSON with source, runtime (such as java21) and requires.") from None
    try:
        compiled = await house.java.compile(source, release, requires)
    except RequirementsError as error:
        raise InvalidParameterValue(str(error)) from None
    return {
        "classes": {path: base64.b64encode(data).decode() for path, data in compiled.classes.items()},
        "problems": [asdict(problem) for problem in compiled.problems],
        "handlers": compiled.handlers,
    }


async def _quiet(house: House) -> None:
    """Until nothing is due, and a look at the sources that tell of nothing finds nothing new."""
    while True:
        await _nothing_due(house)
        received = house.mappings.received
        house.mappings.look()
        await _nothing_due(house)
        if house.mappings.received == received:
            return


async def _nothing_due(house: House) -> None:
    """Until nothing is known to be due: what one room does may be another's event."""
    rooms = (
        house.schedules,
        house.autoscaling,
        house.queue,
        house.deliveries,
        house.mappings,
        house.subscriptions,
    )
    while not all(room.idle for room in rooms):
        for room in rooms:
            await room.settled()


async def _settle(house: House, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await _quiet(house)
    except TimeoutError:
        return False
    return True


def _hours(request: Request) -> float:
    hours = _number(request, "hours", 3.0)
    if not 0 < hours <= _MOST_HOURS:
        raise InvalidParameterValue(f"hours={hours:g} isn't within a year; the default is 3.")
    return hours


def _number(request: Request, name: str, default: float) -> float:
    text = parse_qs(request.query).get(name, [str(default)])[-1]
    try:
        return float(text)
    except ValueError:
        raise InvalidParameterValue(f"{name}={text!r} isn't a number") from None


def _json(body: dict[str, Any]) -> Response:
    return Response(200, json.dumps(body).encode(), [("content-type", "application/json")])
