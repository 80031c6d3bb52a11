"""What happens in the lab, as it happens: a stream of JSON lines, each a `Tick`.

Nothing is sent while nothing happens, but for a line now and then by which a watcher knows that the lab is there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec

from lablambda.api.lambda_api.described import configuration
from lablambda.httpserver import Request, Response
from lablambda.lab.house import House
from lablambda.model.function import Function
from lablambda.model.live import Environments, FunctionSeen, Tick
from lablambda.rules import provisioning
from lablambda.telemetry.tape import Reel, Tape, finished, line, started

CONTENT_TYPE = "application/x-ndjson"
_PAUSE_S, _SILENCE_S = 0.1, 5.0


def respond(house: House, request: Request) -> Response:
    """Watching ends when the watcher hangs up."""
    request.abandonable = True
    return Response(200, headers=[("content-type", CONTENT_TYPE)], parts=_lines(house))


async def _lines(house: House) -> AsyncIterator[bytes]:
    news = asyncio.Event()
    changed = {function.name for function in house.catalog.functions()}
    tape = Tape(news.set)

    def note(name: str) -> None:
        changed.add(name)
        news.set()

    stops = (house.bus.watch(tape.hear), house.catalog.listen(note))
    whole = True
    try:
        while True:
            yield msgspec.json.encode(_tick(house, changed, tape.take(), whole=whole)) + b"\n"
            whole = False
            await asyncio.sleep(_PAUSE_S)  # what comes meanwhile is told together
            await _wait(news)
    finally:
        for stop in stops:
            stop()


async def _wait(news: asyncio.Event) -> None:
    """Until there are any, or it has been silent for long."""
    try:
        async with asyncio.timeout(_SILENCE_S):
            await news.wait()
    except TimeoutError:
        return
    news.clear()


def _tick(house: House, changed: set[str], reel: Reel, *, whole: bool) -> Tick:
    """What there is to tell; nothing is left in `changed`."""
    found = {name: house.catalog.find(name) for name in sorted(changed)}
    changed.clear()
    return Tick(
        at=time.time(),
        whole=whole,
        functions=[_seen(function) for function in found.values() if function is not None],
        gone=[name for name, function in found.items() if function is None],
        running=house.invoker.running_by_function(),
        environments=_environments(house),
        started=[started(event) for events in reel.started.values() for event in events],
        finished=[finished(*event) for events in reel.finished.values() for event in events],
        lines=[line(event) for events in reel.lines.values() for event in events],
        counts=reel.counts,
        left_out=reel.left_out,
    )


def _seen(function: Function) -> FunctionSeen:
    return FunctionSeen(
        configuration=configuration(function.latest),
        last_version=function.last,
        aliases=sorted(function.aliases),
        reserved=function.reserved,
        provisioned=provisioning.total(function),
    )


def _environments(house: House) -> dict[str, Environments]:
    """By function, of those that have any."""
    counted = {function.name: house.host.ready(function.latest) for function in house.catalog.functions()}
    return {name: Environments(*count) for name, count in counted.items() if count[0]}
