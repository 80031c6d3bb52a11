"""A load request by request: each is admitted or throttled, finds an idle environment or starts one, and ends.

The decisions are the lab's own (`rules/admission.py`, `rules/lifecycle.py`), asked as the lab asks them; only time
and work are pretended.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np

from lablambda.rules import admission, cost, scaling
from lablambda.rules.concurrency import Demand
from lablambda.rules.cost import Usage
from lablambda.rules.lifecycle import LONGEST_LIFE_S, too_old
from lablambda.rules.throttle import Bucket
from lablambda.simulation.arrays import Counts, Floats
from lablambda.simulation.distributions import Distribution
from lablambda.simulation.profiles import drawn
from lablambda.simulation.scenario import Scenario, Workload
from lablambda.simulation.trail import FAILED, OK, THROTTLED, Trail

MODEL = "simulated, request by request"
_DRAWN_AT_ONCE = 1_000


class Requests:
    """What became of each request, column by column; `environment` is the number of the one that took it, -1 if
    it was throttled."""

    def __init__(self, count: int) -> None:
        self.latency_s = [0.0] * count
        self.outcome = [OK] * count
        self.environment = [-1] * count
        self.running = [0] * count
        self.dollars = [0.0] * count
        self.cold: list[int] = []
        self.reasons: Counter[str] = Counter()


class _Pace:
    """How fast requests and environments have come, at the moment `now`."""

    def __init__(self, environments: int) -> None:
        self._environments = environments
        self._started: dict[str, Bucket] = {}
        self._requested: dict[str, Bucket] = {}
        self.now = 0.0

    def start(self, function: str) -> bool:
        granted, self._started[function] = scaling.start(
            self._started.get(function), self._environments, self.now
        )
        return granted

    def request(self, owner: str, concurrency: int) -> bool:
        granted, self._requested[owner] = scaling.request(self._requested.get(owner), concurrency, self.now)
        return granted


class _Environments:
    """The environments of one function, numbered as they start: the one that became idle last is taken first."""

    def __init__(self, provisioned: int, idle_s: float, life: Life) -> None:
        self._provisioned = provisioned
        self._idle_s = idle_s
        self._life = life
        self.count = 0
        self._idle: deque[tuple[float, int]] = deque()  # since when, and which
        for _ in range(provisioned):
            self._idle.append((0.0, self.start(0.0)))

    def start(self, now: float) -> int:
        self.count += 1
        return self._life.begin(now)

    def take(self, now: float) -> int | None:
        """An idle environment, or None."""
        self.expire(now)
        while self._idle:
            since, number = self._idle.pop()
            if not self._life.is_over(number, now):
                return number
            self._end(number, max(since, self._life.born(number) + LONGEST_LIFE_S))
        return None

    def give_back(self, number: int, now: float) -> None:
        if self._life.is_over(number, now):
            self._end(number, now)
        else:
            self._idle.append((now, number))

    def expire(self, now: float) -> None:
        """End those that have been idle for too long."""
        while self._idle and self._idle[0][0] <= now - self._idle_s and self.count > self._provisioned:
            since, number = self._idle.popleft()
            self._end(number, since + self._idle_s)

    def _end(self, number: int, now: float) -> None:
        self.count -= 1
        self._life.end(number, now)
        if self.count < self._provisioned:  # replaced while nobody waits
            self._idle.append((now, self.start(now)))


class Life:
    """When each environment began, and when those ended that have."""

    def __init__(self) -> None:
        self.births: list[float] = []
        self.deaths: dict[int, float] = {}

    def begin(self, now: float) -> int:
        self.births.append(now)
        return len(self.births) - 1

    def end(self, number: int, now: float) -> None:
        self.deaths[number] = now

    def born(self, number: int) -> float:
        return self.births[number]

    def is_over(self, number: int, now: float) -> bool:
        return too_old(self.births[number], now)


class _Function:
    """A workload at work: how many run, of them in provisioned concurrency, and its environments."""

    def __init__(
        self, workload: Workload, scenario: Scenario, life: Life, draws: np.random.Generator
    ) -> None:
        self.workload = workload
        self.arn = f"{workload.name}:version"
        self.running = 0
        self.ready_running = 0
        self.environments = _Environments(workload.provisioned, scenario.idle_s, life)
        self.inits = _one_by_one(workload.init, draws)
        self.gb_s_dollars = cost.price(Usage(0, 1.0), workload.architecture)
        self.ready_dollars = cost.provisioned_price(0.0, 1.0, workload.architecture)

    def demand(self, pool: int, pool_running: int) -> Demand:
        """As the lab makes it for an invocation of the version that is provisioned."""
        workload = self.workload
        return Demand(
            workload.reserved,
            self.running - self.ready_running,
            pool,
            pool_running,
            workload.provisioned,
            workload.provisioned,
            self.ready_running,
        )

    def dollars(self, seconds: float, *, ready: bool) -> float:
        """What running for so long costs: milliseconds are billed whole."""
        gb_s = math.ceil(seconds * 1000) / 1000 * self.workload.memory_mb / 1024
        return gb_s * (self.ready_dollars if ready else self.gb_s_dollars)


def follow(scenario: Scenario) -> tuple[Requests, Life, Floats]:
    """Every request with what became of it, every environment, and the moments of arrival in order."""
    draws = np.random.default_rng(scenario.seed)
    at, whose = _arrivals(scenario, draws)
    life = Life()
    functions = [_Function(each, scenario, life, draws) for each in scenario.workloads]
    takes = np.empty(len(at))
    for number, workload in enumerate(scenario.workloads):
        mine = whose == number
        takes[mine] = workload.takes.at(draws.random(int(mine.sum())))
    requests = Requests(len(at))
    _run(scenario, functions, requests, at.tolist(), whose.tolist(), takes.tolist())
    for function in functions:
        function.environments.expire(scenario.length_s)
    return requests, life, at


def _run(
    scenario: Scenario,
    functions: list[_Function],
    requests: Requests,
    at: list[float],
    whose: list[int],
    takes: list[float],
) -> None:
    """The loop over all requests: those that end before the next one arrives leave first."""
    pace = _Pace(scenario.environments)
    under_way: list[tuple[float, int, _Function, bool, int]] = []
    pool, in_pool, in_all, synchronous = scenario.pool, 0, 0, scenario.synchronous
    for number, now in enumerate(at):
        while under_way and under_way[0][0] <= now:
            ended, _, other, was_ready, environment = heappop(under_way)
            other.running -= 1
            other.ready_running -= was_ready
            in_all -= 1
            in_pool -= other.workload.reserved is None and not was_ready
            other.environments.give_back(environment, ended)
        function = functions[whose[number]]
        workload = function.workload
        pace.now = now
        demand = function.demand(pool, in_pool)
        reason, ready = admission.admit(demand, workload.name, function.arn, pace, synchronous=synchronous)
        if reason is not None:
            _throttle(requests, number, reason)
            continue
        init, found = 0.0, function.environments.take(now)
        if found is None:
            reason = admission.grow(workload.name, pace, reserved=workload.reserved is not None)
            if reason is not None:
                _throttle(requests, number, reason)
                continue
            init, found = next(function.inits), function.environments.start(now)
            requests.cold.append(number)
        spent = init + min(takes[number], workload.timeout_s)
        function.running += 1
        function.ready_running += ready
        in_all += 1
        in_pool += workload.reserved is None and not ready
        heappush(under_way, (now + spent, number, function, ready, found))
        requests.latency_s[number] = spent
        requests.environment[number] = found
        requests.running[number] = in_all
        requests.dollars[number] = function.dollars(spent, ready=ready)
        if takes[number] > workload.timeout_s:
            requests.outcome[number] = FAILED


def _throttle(requests: Requests, number: int, reason: str) -> None:
    requests.outcome[number] = THROTTLED
    requests.reasons[reason] += 1


def _arrivals(scenario: Scenario, draws: np.random.Generator) -> tuple[Floats, Counts]:
    """The moments of all requests in order, and the number of the function that each is for."""
    each = [drawn(workload.profile, None if scenario.even else draws) for workload in scenario.workloads]
    at = np.concatenate(each)
    whose = np.repeat(np.arange(len(each)), [len(moments) for moments in each])
    order = np.argsort(at, kind="stable")
    return at[order], whose[order]


def _one_by_one(distribution: Distribution, draws: np.random.Generator) -> Iterator[float]:
    while True:
        yield from distribution.at(draws.random(_DRAWN_AT_ONCE)).tolist()


def trail(scenario: Scenario, name: str) -> Trail:
    """Simulate it, and give every request by itself."""
    requests, life, at = follow(scenario)
    outcome = np.array(requests.outcome, np.int8)
    served = outcome <= FAILED
    return Trail(
        name=name,
        model=MODEL,
        length_s=scenario.length_s,
        at=at,
        latency_s=np.array(requests.latency_s),
        outcome=outcome,
        cold_at=at[requests.cold],
        began=at[served],
        running=np.array(requests.running, float)[served],
        ran_s=np.array(requests.latency_s)[served],
        duration_dollars=np.array(requests.dollars)[served],
        births=np.array(life.births),
        deaths=np.array(list(life.deaths.values())),
        kept_dollars=scenario.kept_dollars,
        reasons=requests.reasons,
    )
