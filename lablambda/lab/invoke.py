"""The one door to a handler: every way of asking becomes an `Invocation` and comes through here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.model.errors import TooManyRequests
from lablambda.model.events import InvocationFinished, InvocationThrottled
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
        self._running_of: Counter[str] = Counter()

    @property
    def running(self) -> int:
        return self._running

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run it now. Raises ResourceNotFound or TooManyRequests before anything ran."""
        version = self._catalog.version(FunctionReference(invocation.function, invocation.qualifier))
        started = time.time()
        with self._lease(invocation) as concurrent:
            outcome, log_stream = await self._host.run(version, invocation)
        self._bus.publish(
            InvocationFinished(
                function=version.name,
                version=version.number,
                qualifier=invocation.qualifier,
                source=invocation.source,
                started=started,
                log_stream=log_stream,
                report=outcome.report,
                error=outcome.payload if outcome.function_error else None,
                concurrent=concurrent[0],
                concurrent_of_function=concurrent[1],
            )
        )
        return outcome

    @contextmanager
    def _lease(self, invocation: Invocation) -> Iterator[tuple[int, int]]:
        """Hold a unit of concurrency for one invocation; gives how many run now, and of this function."""
        name = invocation.function
        reason = concurrency.refusal(running=self._running, limit=self._limit)
        if reason is not None:
            self._bus.publish(InvocationThrottled(name, invocation.qualifier, time.time(), reason))
            raise TooManyRequests(reason)
        self._running += 1
        self._running_of[name] += 1
        try:
            yield self._running, self._running_of[name]
        finally:
            self._running -= 1
            self._running_of[name] -= 1
