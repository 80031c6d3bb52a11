"""One function's requests as a flow, in steps of time.

Of what comes in a step, a share still runs at its end and at the end of each later step, by the distribution of
durations: that is exact for the mean of any load. Environments are there for the most that ran within the time that
they may be idle, and for what chance adds to the mean: some standard deviations, as callers don't come evenly.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from lablambda.rules import concurrency
from lablambda.rules.concurrency import Demand
from lablambda.rules.lifecycle import LONGEST_LIFE_S
from lablambda.simulation.arrays import Floats
from lablambda.simulation.scenario import Scenario, Workload

# A distribution is cut into so many equal parts.
_PARTS = 1_000
# So many times what a handler takes.
_SETTLING = 50
_SHARES: Floats = (np.arange(_PARTS) + 0.5) / _PARTS


class Remaining:
    """What of the requests of one step still runs at its end (first) and at the end of each later one."""

    def __init__(self, seconds: Floats, step_s: float) -> None:
        """`seconds` are how long they take, each as often as the others."""
        # Of those that came evenly within the step: the longer they take, the more are still there.
        later = range(math.ceil(seconds.max() / step_s) + 1)
        self.shares = np.array([np.clip(seconds / step_s - each, 0, 1).mean() for each in later])

    @property
    def first(self) -> float:
        return float(self.shares[0])

    def variance(self) -> float:
        """How much the number that runs varies if requests come evenly, of what it does if they come by chance."""
        return float((self.shares * (1 - self.shares)).sum() / max(self.shares.sum(), 1e-9))


class Flow:
    """How many requests of a function run at the end of each step, and how many environments it has.

    `on_demand` is how many may run beside what is provisioned, other functions aside. By step there are `arrivals`,
    and of them `served`, `throttled`, `cold` and `ready` (in provisioned concurrency); how many run at its end
    (`mean`), with chance at `most`; and `environments`.
    """

    def __init__(self, workload: Workload, scenario: Scenario, steps: int, step_s: float) -> None:
        self.workload = workload
        demand = Demand(workload.reserved, 0, scenario.pool, 0, workload.provisioned)
        self.on_demand = concurrency.on_demand_limit(demand)
        self._ceiling = float(workload.provisioned + self.on_demand)
        takes = workload.takes.at(_SHARES)
        self.failing = float((takes > workload.timeout_s).mean())
        self.warm_s = np.minimum(takes, workload.timeout_s)
        # Every init with some handler's time after it, in an order of chance.
        self.cold_s = np.random.default_rng(0).permutation(workload.init.at(_SHARES)) + self.warm_s
        self._mean_s, self._mean_cold_s = max(float(self.warm_s.mean()), 1e-3), float(self.cold_s.mean())
        self._warm, self._cold = Remaining(self.warm_s, step_s), Remaining(self.cold_s, step_s)
        self._running = np.zeros(steps + max(len(self._warm.shares), len(self._cold.shares)))
        self._used: deque[tuple[int, float]] = deque()
        self._step_s = step_s
        self._idle_steps, self._life_steps = scenario.idle_s / step_s, round(LONGEST_LIFE_S / step_s)
        looks = max(2.0, min(scenario.idle_s, scenario.length_s) / self._mean_s)
        self._by_chance = math.sqrt(2 * math.log(looks) * (self._warm.variance() if scenario.even else 1.0))
        # What chance adds to a level, it adds only when the level has held for some time.
        self._settled, self._settling = 0.0, min(1.0, step_s / (_SETTLING * self._mean_s))
        self.arrivals, self._first_rates = _arrivals(workload, steps, step_s)
        self.served, self.throttled, self.cold, self.ready = np.zeros((4, steps))
        self.mean, self.most, self.environments = np.zeros((3, steps))

    def carried(self, step: int) -> float:
        """How many of earlier requests run at the end of this step."""
        return float(self._running[step])

    def kept(self, step: int) -> float:
        """How many environments there are before this step: the most that were used within the idle time."""
        while self._used and self._used[0][0] < step - self._idle_steps:
            self._used.popleft()
        return max(float(self.workload.provisioned), self._used[0][1] if self._used else 0.0)

    def peak(self, step: int, admitted: float) -> float:
        """The most that run within the step if so many requests are admitted in it."""
        jump = self._jump(step, self._ceiling)
        return max(self.at_end(step, admitted), self.kept(step) + jump if jump > 0 else 0.0)

    def at_end(self, step: int, admitted: float) -> float:
        """How many run at the end of the step if so many requests are admitted in it."""
        cold = self._starts(step, admitted, self._ceiling)
        return self.carried(step) + (admitted - cold) * self._warm.first + cold * self._cold.first

    def admissible(self, step: int, limit: float) -> float:
        """How many requests may be admitted in the step if no more than `limit` are to run at its end: what solves
        `at_end` for them, without chance."""
        room = limit - self.carried(step)
        warm, cold = max(self._warm.first, 1e-9), max(self._cold.first, 1e-9)
        # With some cold starts: as many as there are requests above the environments kept.
        mixed = limit * (1 - cold + warm) + self.kept(step) * (cold - warm) - self.carried(step)
        return max(0.0, room / cold, min(room, mixed) / warm)

    def admit(self, step: int, admitted: float, limit: float, startable: float) -> tuple[float, float]:
        """Admit so many requests, of which `limit` may run at once and `startable` start an environment; gives how
        many did that, and how many would have had to and weren't allowed."""
        kept = self.kept(step)
        cold = self._starts(step, admitted, limit)
        warm = admitted - cold
        if cold > startable:  # whoever finds no environment is refused, until one is idle
            waiting = admitted - (cold if self._jump(step, limit) > 0 else startable)
            cold = startable
            idle = kept - self.carried(step) + cold * (1 - self._cold.first)
            warm = min(waiting, max(0.0, idle) / max(self._warm.first, 1e-9))
        for count, remaining in ((warm, self._warm.shares), (cold, self._cold.shares)):
            if count > 0:
                self._running[step : step + len(remaining)] += count * remaining
        self.served[step], self.cold[step] = warm + cold, cold
        self._settled += (self.carried(step) - self._settled) * self._settling
        used = min(self._needed(self.carried(step), admitted), kept + cold)
        if self._jump(step, limit) > 0:  # over by the end of the step, but their environments are there
            used = min(kept + cold, self._ceiling)
        self.mean[step], self.most[step] = self.carried(step), used
        self.environments[step] = max(kept, used)
        while self._used and self._used[-1][1] <= used:
            self._used.pop()
        self._used.append((step, used))
        return cold, admitted - warm - cold

    def rest(self, step: int) -> bool:
        """Whether nothing comes or runs in the step; its environments stay as they are then."""
        if self.arrivals[step] > 0 or self._running[step] > 1e-6:
            return False
        self.environments[step] = self.kept(step)
        return True

    def _starts(self, step: int, admitted: float, limit: float) -> float:
        """How many of the requests find no idle environment, if `limit` may run at once."""
        mean = self.carried(step) + admitted * self._warm.first
        missing = max(0.0, self._needed(mean, admitted) - self.kept(step))
        # Each brings an environment, and stays longer in it than a warm request would.
        starts = missing / max(1 - self._cold.first + self._warm.first, 1e-9)
        starts = min(admitted, max(starts, self._jump(step, limit)))
        return starts + min(admitted - starts, self._replaced(step))

    def _jump(self, step: int, limit: float) -> float:
        """How many requests find no environment while the first new ones start, if the step begins with more of them
        than those that are there can take. Shorter steps than that show it by themselves."""
        if self._mean_cold_s > self._step_s:
            return 0.0
        kept = self.kept(step)
        above = float(self._first_rates[step]) - kept / self._mean_s
        return max(0.0, min(above * self._mean_cold_s, limit - kept))

    def _needed(self, mean: float, admitted: float) -> float:
        """How many environments so many requests at once need: one at least if there is any."""
        by_chance = self._by_chance * math.sqrt(max(0.0, min(mean, self._settled)))
        needed = max(mean + by_chance, min(1.0, admitted))
        return min(needed, self._ceiling)

    def _replaced(self, step: int) -> float:
        """How many environments at work end in this step because they are hours old."""
        born = step - self._life_steps
        return min(float(self.cold[born]), self.carried(step)) if born >= 0 else 0.0


def _arrivals(workload: Workload, steps: int, step_s: float) -> tuple[Floats, Floats]:
    """How many requests come in each step, and how many a second at its begin."""
    edges = np.linspace(0, steps * step_s, steps + 1)
    come, moment_s = workload.profile.by(edges), step_s / 100
    rates: Floats = (workload.profile.by(edges[:-1] + moment_s) - come[:-1]) / moment_s
    return np.diff(come), rates
