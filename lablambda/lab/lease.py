"""Concurrency while it is in use: what runs, and the unit that one invocation holds."""

from __future__ import annotations

from collections import Counter


class Running:
    """How many invocations run at this moment: in all, in the account's pool, of which function, and, of
    those in provisioned concurrency, of which function and version (by ARN)."""

    __slots__ = ("in_all", "in_pool", "of_function", "ready_in", "ready_of")

    def __init__(self) -> None:
        self.in_all = 0
        self.in_pool = 0
        self.of_function: Counter[str] = Counter()
        self.ready_of: Counter[str] = Counter()
        self.ready_in: Counter[str] = Counter()


class Lease:
    """One invocation's unit of concurrency. What it holds is decided when it is made: a reservation may
    come or go meanwhile. A class, not a generator, because every invocation has one."""

    __slots__ = ("_arn", "_name", "_ready", "_running", "in_all", "in_pool", "of_function", "pooled")

    def __init__(self, running: Running, name: str, arn: str, *, ready: bool, pooled: bool) -> None:
        self._running = running
        self._name = name
        self._arn = arn
        self._ready = ready
        self.pooled = pooled

    def __enter__(self) -> Lease:
        self._count(1)
        running = self._running
        self.in_all, self.in_pool = running.in_all, running.in_pool
        self.of_function = running.of_function[self._name]
        return self

    def __exit__(self, *_: object) -> None:
        self._count(-1)

    def _count(self, step: int) -> None:
        running = self._running
        running.in_all += step
        running.of_function[self._name] += step
        if self.pooled:
            running.in_pool += step
        if self._ready:
            running.ready_of[self._name] += step
            running.ready_in[self._arn] += step
