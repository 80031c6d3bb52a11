"""The one door to a handler: every way of asking becomes an `Invocation` and comes through here."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from lablambda.clock import Clock
from lablambda.hosts.local import LocalHost
from lablambda.lab.catalog import Catalog
from lablambda.lab.lease import Lease, Running
from lablambda.lab.pace import Pace
from lablambda.model.errors import RecursiveInvocation, ResourceConflict, ResourceNotFound, TooManyRequests
from lablambda.model.events import (
    InvocationFinished,
    InvocationStarted,
    InvocationThrottled,
    QueuedEventMoved,
    QueueMove,
)
from lablambda.model.function import LATEST, Function, Phase, Setting, Version
from lablambda.model.invocation import Invocation, Outcome
from lablambda.rules import admission, lineage, provisioning, routing, scaling
from lablambda.rules.concurrency import Demand
from lablambda.rules.names import function_arn
from lablambda.rules.retry import HALTED, LOOPED, MAXIMUM_EVENT_AGE_S, MAXIMUM_RETRY_ATTEMPTS, RetryPolicy
from lablambda.telemetry.bus import Bus
from lablambda.telemetry.past_events import PastEvents


class Invoker:
    """Runs invocations within the concurrency of the account, the function and its versions.

    `limit` is the account's concurrency, `environments` how many a function may gain in ten seconds. `past`
    keeps the last events of each; `settled` waits until no change of a function is under way.
    """

    def __init__(
        self,
        catalog: Catalog,
        host: LocalHost,
        bus: Bus,
        *,
        limit: int,
        environments: int,
        clock: Clock,
        past: PastEvents,
        settled: Callable[[str], Awaitable[None]],
    ) -> None:
        self._catalog = catalog
        self._host = host
        self._bus = bus
        self._limit = limit
        self._past = past
        self._settled = settled
        self._running = Running()
        self._pace = Pace(environments, clock)

    @property
    def limit(self) -> int:
        """The account's concurrency."""
        return self._limit

    @property
    def running(self) -> int:
        return self._running.in_all

    def running_by_function(self) -> dict[str, int]:
        """How many run at this moment, of each function of which any do."""
        return {name: count for name, count in self._running.of_function.items() if count}

    async def invoke(self, invocation: Invocation, *, synchronous: bool = True) -> Outcome:
        """Run it now. Raises ResourceNotFound, ResourceConflict, RecursiveInvocation or TooManyRequests before
        anything ran. `synchronous` requests are limited in number a second, events of queues and sources
        aren't."""
        function, version = self._choose(invocation)
        if _loops(function, invocation):
            self._publish_loop(invocation)
            raise RecursiveInvocation(
                f"{function.name} has run {lineage.MOST} times in this chain of events: it seems to be a loop. "
                "Break it, or allow it with PutFunctionRecursionConfig."
            )
        if version.phase is not Phase.ACTIVE:
            await self._settled(invocation.function)
            function, version = self._choose(invocation)
            if version.phase is Phase.FAILED:
                raise ResourceConflict(
                    "The operation cannot be performed at this time. The function is currently in the following "
                    f"state: Failed. {version.reason}"
                )
        self._past.remember(invocation)
        started = time.time()
        provisioned = provisioning.of_version(function, version.number)
        onward = replace(invocation, trace_id=lineage.passed(invocation.trace_id, function.name))
        with self._lease(function, version, invocation, synchronous=synchronous) as lease:
            if self._bus.watchers:
                begun = InvocationStarted(version.name, invocation.request_id, invocation.source, started)
                self._bus.publish(begun)
            outcome, log_stream = await self._host.run(version, onward)
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
                concurrent=lease.in_all,
                concurrent_of_function=lease.of_function,
                concurrent_of_resource=lease.of_resource,
                unreserved=lease.in_pool if lease.pooled else None,
                provisioned=provisioned,
                in_provisioned=lease.in_provisioned,
                spilled=provisioned > 0 and not lease.ready,
                waited_s=invocation.waited_s,
            )
        )
        return outcome

    def in_use(self, name: str, qualifier: str) -> float:
        """The share of a version's or alias's provisioned concurrency that is in use now, 0 to 1; 0 without any."""
        function = self._catalog.find(name)
        if function is None or not function.has(qualifier):
            return 0.0
        version = function.version(provisioning.version_of(function, qualifier))
        provisioned = 0 if version is None else provisioning.of_version(function, version.number)
        return self._running.ready_in[version.arn] / provisioned if version and provisioned else 0.0

    def retry_policy(self, invocation: Invocation) -> RetryPolicy:
        """How often and how long an asynchronous event is tried: the qualifier invoked decides."""
        function = self._catalog.find(invocation.function)
        qualifier = invocation.qualifier or LATEST
        members = (function and function.setting(Setting.EVENT_INVOKE, qualifier)) or {}
        halted = HALTED if function is not None and function.reserved == 0 else ""
        if function is not None and _loops(function, invocation):
            halted = LOOPED
        return RetryPolicy(
            retries=members.get("MaximumRetryAttempts", MAXIMUM_RETRY_ATTEMPTS),
            age_s=members.get("MaximumEventAgeInSeconds", MAXIMUM_EVENT_AGE_S),
            halted=halted,
        )

    def _publish_loop(self, invocation: Invocation) -> None:
        name, qualifier = invocation.function, invocation.qualifier
        self._bus.publish(QueuedEventMoved(name, qualifier, QueueMove.LOOPED, time.time()))

    def _choose(self, invocation: Invocation) -> tuple[Function, Version]:
        """The version to run: an alias with weights is routed anew for every request."""
        qualifier = invocation.qualifier or LATEST
        function = self._catalog.find(invocation.function)
        if function is not None:
            alias = function.aliases.get(qualifier)
            number = qualifier if alias is None else routing.route(alias, random.random())  # noqa: S311 - no secret
            version = function.version(number)
            if version is not None:
                return function, version
        raise ResourceNotFound(f"Function not found: {function_arn(invocation.function, qualifier)}")

    def _lease(
        self, function: Function, version: Version, invocation: Invocation, *, synchronous: bool
    ) -> Lease:
        """Hold a unit of concurrency for one invocation. Raises TooManyRequests if there is none left, or
        requests or environments come too fast."""
        reserved = function.reserved is not None
        reason, ready = admission.admit(
            self._demand(function, version), function.name, version.arn, self._pace, synchronous=synchronous
        )
        full = ""
        if reason is None and self._host.ready(version)[1] == 0:
            full = self._host.full(version)
            if full:
                print(f"Throttled. {full}", file=sys.stderr, flush=True)  # noqa: T201 - the lab's log
                reason = scaling.too_fast(reserved=reserved)
            else:
                reason = admission.grow(function.name, self._pace, reserved=reserved)
        if reason is not None:
            self._bus.publish(InvocationThrottled(function.name, invocation.qualifier, time.time(), reason))
            raise TooManyRequests(reason, f"Rate Exceeded. {full}") if full else TooManyRequests(reason)
        resource = (function.name, invocation.qualifier)
        return Lease(self._running, resource, version.arn, ready=ready, pooled=not reserved and not ready)

    def _demand(self, function: Function, version: Version) -> Demand:
        running = self._running
        return Demand(
            reserved=function.reserved,
            running=running.of_function[function.name] - running.ready_of[function.name],
            pool=self._limit - self._catalog.set_aside,
            pool_running=running.in_pool,
            provisioned=provisioning.total(function),
            ready=provisioning.of_version(function, version.number),
            ready_running=running.ready_in[version.arn],
        )


def _loops(function: Function, invocation: Invocation) -> bool:
    """Whether the event has been through the function as often as AWS lets it."""
    if lineage.passes(invocation.trace_id, function.name) < lineage.MOST:
        return False
    return (function.setting(Setting.RECURSION) or {}).get("RecursiveLoop") != "Allow"
