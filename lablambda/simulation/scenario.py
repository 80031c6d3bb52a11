"""What is to be simulated: functions with their loads, and the limits that hold for them."""

from __future__ import annotations

from dataclasses import dataclass

from lablambda.rules import cost
from lablambda.rules.concurrency import LEAST_UNRESERVED
from lablambda.rules.cost import X86
from lablambda.rules.lifecycle import IDLE_S
from lablambda.rules.limits import ACCOUNT_CONCURRENCY, TIMEOUT_S
from lablambda.rules.scaling import ENVIRONMENTS
from lablambda.simulation.distributions import Distribution
from lablambda.simulation.profiles import Profile


@dataclass(frozen=True, slots=True)
class Workload:
    """One function and the requests for it.

    `takes` is how long its handler takes, `init` how long a new environment takes until it can begin; a handler
    that takes more than `timeout_s` is ended then, and has failed. `reserved` is its reserved concurrency (None:
    it has none of its own), `provisioned` how many environments are ready before the load begins.
    """

    name: str
    profile: Profile
    takes: Distribution
    init: Distribution
    memory_mb: int = 128
    timeout_s: float = TIMEOUT_S[-1]
    reserved: int | None = None
    provisioned: int = 0
    architecture: str = X86

    def __post_init__(self) -> None:
        if self.reserved is not None and self.provisioned > self.reserved:
            raise ValueError(
                f"{self.name}: {self.provisioned} provisioned is more than the {self.reserved} reserved"
            )


@dataclass(frozen=True, slots=True)
class Scenario:
    """Functions that share an account.

    `account` is its concurrency, `environments` how many a function may gain in ten seconds, `idle_s` for how long
    an environment is kept for the next event. `synchronous` requests are limited in number a second too; `even`
    ones come as evenly as their profile goes, others by chance, by `seed`.
    """

    workloads: tuple[Workload, ...]
    account: int = ACCOUNT_CONCURRENCY
    environments: int = ENVIRONMENTS
    idle_s: float = IDLE_S
    synchronous: bool = True
    even: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.account - self.set_aside < min(LEAST_UNRESERVED, self.account):
            raise ValueError(
                f"{self.set_aside} of the account's concurrency of {self.account} are reserved or provisioned: "
                f"{LEAST_UNRESERVED} have to stay unreserved. Raise --account."
            )

    @property
    def set_aside(self) -> int:
        """How much of the account's concurrency the functions take out of the unreserved pool."""
        return sum(each.provisioned if each.reserved is None else each.reserved for each in self.workloads)

    @property
    def pool(self) -> int:
        """The account's unreserved concurrency."""
        return self.account - self.set_aside

    @property
    def length_s(self) -> float:
        """How long requests come."""
        return max(each.profile.length_s for each in self.workloads)

    @property
    def kept_dollars(self) -> float:
        """What it costs to keep environments ready for all that time."""
        return sum(
            cost.provisioned_price(
                each.provisioned * each.memory_mb / 1024 * self.length_s, 0.0, each.architecture
            )
            for each in self.workloads
        )
