"""The one door to a handler: every way of asking becomes an `Invocation` and comes through here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.model.errors import TooManyRequests
from lablambda.model.events import InvocationFinished
from lablambda.model.invocation import Invocation, Outcome
from lablambda.rules import concurrency
from lablambda.rules.names import FunctionReference
from lablambda.telemetry.bus import Bus


class Invoker:
    """Runs invocations within the account's concurrency."""

    def __init__(self, catalog: Catalog, host: LocalHost, bus: Bus, *, limit: int) -> None:
        self._catalog = catalog
        self._host = host
        self._bus = bus
        self._limit = limit
        self._running = 0

    @property
    def running(self) -> int:
        return self._running

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run it now. Raises ResourceNotFound or TooManyRequests before anything ran."""
        version = self._catalog.version(FunctionReference(invocation.function, invocation.qualifier))
        started = time.time()
        with self._lease():
            outcome, log_stream = await self._host.run(version, invocation)
        self._bus.publish(
            InvocationFinished(
                function=version.name,
                version=version.number,
                source=invocation.source,
                started=started,
                log_stream=log_stream,
                report=outcome.report,
                error=outcome.payload if outcome.function_error else None,
            )
        )
        return outcome

    @contextmanager
    def _lease(self) -> Iterator[None]:
        """Hold a unit of concurrency for one invocation."""
        reason = concurrency.refusal(running=self._running, limit=self._limit)
        if reason is not None:
            raise TooManyRequests(reason)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
