"""Concurrency while it is in use: what runs, and the unit that one invocation holds."""

from __future__ import annotations

from collections import defaultdict


class Running:
    """How many invocations run at this moment: in all, in the account's pool, of which function, of which
    resource (a function with the qualifier that callers name), and, of those in provisioned concurrency,
    of which function and version (by ARN)."""

    __slots__ = ("in_all", "in_pool", "of_function", "of_resource", "ready_in", "ready_of")

    def __init__(self) -> None:
        self.in_all = 0
        self.in_pool = 0
        # Not Counters: each write to one takes about twice as long.
        self.of_function: dict[str, int] = defaultdict(int)
        self.of_resource: dict[tuple[str, str | None], int] = defaultdict(int)
        self.ready_of: dict[str, int] = defaultdict(int)
        self.ready_in: dict[str, int] = defaultdict(int)


class Lease:
    """One invocation's unit of concurrency, and how many ran when it began. What it holds is decided when
    it is made: a reservation may come or go meanwhile. A class, not a generator, because every
    invocation has one."""

    __slots__ = (
        "_arn",
        "_resource",
        "_running",
        "in_all",
        "in_pool",
        "in_provisioned",
        "of_function",
        "of_resource",
        "pooled",
        "ready",
    )

    def __init__(
        self, running: Running, resource: tuple[str, str | None], arn: str, *, ready: bool, pooled: bool
    ) -> None:
        self._running = running
        self._resource = resource
        self._arn = arn
        self.ready = ready
        self.pooled = pooled

    def __enter__(self) -> Lease:
        self._count(1)
        running = self._running
        self.in_all, self.in_pool = running.in_all, running.in_pool
        self.of_function = running.of_function[self._resource[0]]
        self.of_resource = running.of_resource[self._resource]
        self.in_provisioned = running.ready_in[self._arn]
        return self

    def __exit__(self, *_: object) -> None:
        self._count(-1)

    def _count(self, step: int) -> None:
        running, name = self._running, self._resource[0]
        running.in_all += step
        running.of_function[name] += step
        running.of_resource[self._resource] += step
        if self.pooled:
            running.in_pool += step
        if self.ready:
            running.ready_of[name] += step
            running.ready_in[self._arn] += step
