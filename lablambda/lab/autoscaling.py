"""Application Auto Scaling for provisioned concurrency: targets on disk, and the loop that scales them by the lab's
clock.

Where AWS has alarms of CloudWatch watch a metric, this looks at the same figures itself, once in a minute of the lab's
time; every minute that passes is looked at, also when the clock is turned by hand. What was in use is kept in memory:
after a restart, scaling waits until it has seen enough anew. Scheduled actions that were due while the lab was down are
not made up for.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from lablambda.clock import Clock
from lablambda.lab.agenda import Agenda
from lablambda.lab.catalog import Catalog
from lablambda.lab.provisioner import Provisioner
from lablambda.model.autoscaling import ScalableTarget, ScalingActivity, ScalingPolicy, ScheduledAction
from lablambda.model.errors import LabError
from lablambda.model.function import Setting
from lablambda.rules import provisioning, target_tracking
from lablambda.rules.schedule import parse_schedule
from lablambda.rules.target_tracking import PERIOD_S, Standing, Tracking
from lablambda.storage.journal import Journal
from lablambda.telemetry.utilization import Utilization

SCHEMA = "CREATE TABLE IF NOT EXISTS scalable_target (resource TEXT PRIMARY KEY, body TEXT);"
_MOST_ACTIVITIES = 100
InUse = Callable[[str, str], float]


class AutoScaling(Agenda):
    """`in_use` gives the share of a version's or alias's provisioned concurrency that is in use at this moment; `heard`
    has the utilization told of all invocations that are over."""

    def __init__(
        self,
        journal: Journal,
        catalog: Catalog,
        provisioner: Provisioner,
        utilization: Utilization,
        *,
        in_use: InUse,
        heard: Callable[[], None],
        clock: Clock,
    ) -> None:
        super().__init__(clock)
        self._journal = journal
        self._catalog = catalog
        self._provisioner = provisioner
        self._utilization = utilization
        self._in_use = in_use
        self._heard = heard
        self._reached = clock.now()
        rows = journal.read_now("SELECT body FROM scalable_target")
        read = (msgspec.json.decode(body, type=ScalableTarget) for (body,) in rows)
        self._targets = {target.resource: target for target in read}

    # ----------------------------------------------------------------------------------------- targets

    def targets(self) -> list[ScalableTarget]:
        """All, by ResourceId."""
        return [self._targets[resource] for resource in sorted(self._targets)]

    def find(self, resource: str) -> ScalableTarget | None:
        return self._targets.get(resource)

    async def save(self, target: ScalableTarget) -> None:
        self._targets[target.resource] = target
        self._changed.set()
        row = (target.resource, msgspec.json.encode(target).decode())
        await self._journal.write(
            "INSERT OR REPLACE INTO scalable_target (resource, body) VALUES (?, ?)", [row]
        )

    async def remove(self, target: ScalableTarget) -> None:
        """With its policies, scheduled actions and activities."""
        del self._targets[target.resource]
        self._changed.set()
        await self._journal.write("DELETE FROM scalable_target WHERE resource = ?", [(target.resource,)])

    def capacity(self, target: ScalableTarget) -> int:
        """What is provisioned now."""
        function = self._catalog.find(target.function)
        members = None if function is None else function.setting(Setting.PROVISIONED, target.qualifier)
        return 0 if members is None else int(members[provisioning.REQUESTED])

    async def bring_within_bounds(self, target: ScalableTarget, cause: str) -> None:
        """Scale a target whose capacity is outside its bounds."""
        await self._scale(target, self._bounded(target, self.capacity(target)), self._clock.now(), cause)

    # ------------------------------------------------------------------------------------------- time

    async def _let_happen(self, now: float) -> float | None:
        """Do what has become due, in order of time; gives when the next is due."""
        self._heard()
        self._look()
        while (moment := self._next()) is not None and moment <= now:
            for target in self.targets():
                await self._act(target, moment)
            self._reached = moment
        self._reached = now
        return self._next()

    def _look(self) -> None:
        """Take what is in use at this moment for a sample: of a long invocation nothing is told until its end."""
        for target in self.targets():
            if target.policies and (share := self._in_use(target.function, target.qualifier)):
                self._utilization.note((target.function, target.qualifier), share)

    def _next(self) -> float | None:
        dues = [due for target in self._targets.values() for due in self._dues(target)]
        return min(dues, default=None)

    def _dues(self, target: ScalableTarget) -> Iterator[float]:
        yield from (due for a in target.actions.values() if (due := _due(a, self._reached)) is not None)
        if target.policies:
            yield from self._minutes(target)

    def _minutes(self, target: ScalableTarget) -> Iterator[float]:
        """The next minute with something to decide, and while something runs the next to take a sample."""
        span = self._utilization.span()
        if span is not None and (minute := max(_next_minute(self._reached), span[0])) <= span[1]:
            yield minute
        if self._in_use(target.function, target.qualifier):
            yield _next_minute(max(self._reached, self._clock.now()))

    async def _act(self, target: ScalableTarget, moment: float) -> None:
        for action in target.actions.values():
            if _due(action, self._reached) == moment:
                await self._apply(target, action, moment)
        latest = self._targets.get(target.resource)
        if latest is not None and latest.policies and moment % PERIOD_S == 0:
            await self._track(latest, moment)

    # ---------------------------------------------------------------------------------------- scaling

    async def _apply(self, target: ScalableTarget, action: ScheduledAction, moment: float) -> None:
        """New bounds, and the capacity within them; not while scheduled scaling is suspended."""
        target = self._targets.get(target.resource, target)
        if target.suspended.get("ScheduledScalingSuspended"):
            return
        bounds = action.members["ScalableTargetAction"]
        minimum = bounds.get("MinCapacity", target.minimum)
        maximum = bounds.get("MaxCapacity", target.maximum)
        target = replace(target, minimum=minimum, maximum=max(minimum, maximum))
        await self.save(target)
        cause = f"scheduled action name {action.name} was triggered"
        await self._scale(target, self._bounded(target, self.capacity(target)), moment, cause)

    async def _track(self, target: ScalableTarget, moment: float) -> None:
        capacity = self.capacity(target)
        standing = Standing(
            capacity, moment - target.scaled_out, moment - target.scaled_in, target.before_out or capacity
        )
        wishes = {name: self._wish(target, p, standing, moment) for name, p in target.policies.items()}
        wanted = self._bounded(target, target_tracking.choose(capacity, list(wishes.values())))
        way = "Out" if wanted > capacity else "In"
        if wanted != capacity and not target.suspended.get(f"DynamicScaling{way}Suspended"):
            name = next(name for name, wish in wishes.items() if (wish > capacity) == (wanted > capacity))
            await self._scale(target, wanted, moment, f"policy {name} was triggered by its metric")

    def _wish(self, target: ScalableTarget, policy: ScalingPolicy, standing: Standing, moment: float) -> int:
        resource = (target.function, target.qualifier)
        highest = policy.members.get("CustomizedMetricSpecification", {}).get("Statistic") == "Maximum"
        figures = self._utilization.maxima if highest else self._utilization.averages
        return target_tracking.wish(_tracking(policy.members), standing, figures(resource, moment))

    async def _scale(self, target: ScalableTarget, wanted: int, moment: float, cause: str) -> None:
        """Provision so much, and note that; a refusal is noted too."""
        before = self.capacity(target)
        if wanted == before:
            return
        activity = ScalingActivity(
            str(uuid.uuid4()), moment, f"Setting desired concurrency to {wanted}.", cause
        )
        try:
            await self._provisioner.put(target.function, target.qualifier, wanted)
        except LabError as error:
            await self._note(target, replace(activity, failure=str(error)))
            return
        if wanted > before:
            target = replace(target, scaled_out=moment, before_out=before, scaled_in=0.0)
        else:
            target = replace(target, scaled_in=moment)
        await self._note(target, activity)

    async def _note(self, target: ScalableTarget, activity: ScalingActivity) -> None:
        if target.resource in self._targets:
            activities = (activity, *target.activities)[:_MOST_ACTIVITIES]
            await self.save(replace(target, activities=activities))

    @staticmethod
    def _bounded(target: ScalableTarget, capacity: int) -> int:
        return target_tracking.within(capacity, target.minimum, target.maximum)


def _next_minute(moment: float) -> float:
    return (moment // PERIOD_S + 1) * PERIOD_S


def _tracking(members: Any) -> Tracking:
    return Tracking(
        members["TargetValue"],
        members.get("ScaleOutCooldown", 0),
        members.get("ScaleInCooldown", 0),
        not members.get("DisableScaleIn", False),
    )


def _due(action: ScheduledAction, moment: float) -> float | None:
    """When an action is due next after a moment, within its start and end."""
    members = action.members
    zone = ZoneInfo(members.get("Timezone") or "UTC")
    schedule = parse_schedule(members["Schedule"], since=action.created, zone=zone, once=True)
    due = schedule.after(max(moment, members.get("StartTime", 0) - 1))
    return None if due is None or due > members.get("EndTime", float("inf")) else due
