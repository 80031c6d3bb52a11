"""How much of provisioned concurrency was in use, minute by minute of the lab's time, as far back as scaling looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from lablambda.model.events import Event, InvocationFinished
from lablambda.rules.target_tracking import MINUTES, PERIOD_S

Resource = tuple[str, str]  # a function, and a version or alias of it


class Utilization:
    """Listens to the bus. A share is 0 to 1."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._shares: dict[Resource, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def hear(self, event: Event) -> None:
        if isinstance(event, InvocationFinished) and event.provisioned and event.qualifier is not None:
            self.note((event.function, event.qualifier), event.in_provisioned / event.provisioned)

    def note(self, resource: Resource, share: float) -> None:
        """Take a sample at this moment."""
        minutes = self._shares[resource]
        minute = int(self._now() // PERIOD_S)
        minutes[minute].append(share)
        for old in [known for known in minutes if known <= minute - 2 * MINUTES]:
            del minutes[old]

    def span(self) -> tuple[float, float] | None:
        """The first and the last moment at which there is anything to decide on; None if there are no samples."""
        minutes = [minute for known in self._shares.values() for minute in known]
        return ((min(minutes) + 1) * PERIOD_S, (max(minutes) + MINUTES) * PERIOD_S) if minutes else None

    def averages(self, resource: Resource, moment: float) -> list[float | None]:
        """Of the whole minutes before a moment, oldest first; None where there is no sample."""
        return [sum(shares) / len(shares) if shares else None for shares in self._before(resource, moment)]

    def maxima(self, resource: Resource, moment: float) -> list[float | None]:
        """As `averages`, the highest of each."""
        return [max(shares, default=None) for shares in self._before(resource, moment)]

    def _before(self, resource: Resource, moment: float) -> list[list[float]]:
        last = int(moment // PERIOD_S)
        minutes = self._shares.get(resource, {})
        return [minutes.get(minute, []) for minute in range(last - MINUTES, last)]
