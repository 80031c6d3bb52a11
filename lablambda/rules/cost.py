"""What invocations would cost on AWS: pure arithmetic in dollars, before taxes.

Source: https://aws.amazon.com/lambda/pricing/, prices of us-east-1, for a month.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lablambda.model.invocation import Report

X86 = "x86_64"
ARM = "arm64"
PER_REQUEST = 0.20 / 1e6
FREE_REQUESTS = 1_000_000
FREE_GB_S = 400_000.0
FREE_STORAGE_MB = 512
PER_STORAGE_GB_S = 0.0000000309
# By architecture: (GB-seconds of the month from which the price holds, dollars per GB-second).
PER_GB_S: dict[str, tuple[tuple[float, float], ...]] = {
    X86: ((0, 0.0000166667), (6e9, 0.000015), (15e9, 0.0000133334)),
    ARM: ((0, 0.0000133334), (7.5e9, 0.0000120001), (18.75e9, 0.0000106667)),
}
# By architecture, dollars per GB-second: kept ready, and run in what is kept ready.
PER_PROVISIONED_GB_S: dict[str, tuple[float, float]] = {
    X86: (0.0000041667, 0.0000097222),
    ARM: (0.0000033334, 0.0000077778),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What is billed for one invocation or more: requests, GB-seconds of memory and of storage above 512 MB."""

    requests: int
    gb_s: float
    storage_gb_s: float = 0.0


def usage(billed_ms: float, memory_mb: float, storage_mb: float = FREE_STORAGE_MB) -> Usage:
    """What one invocation is billed for."""
    seconds = billed_ms / 1000
    extra_mb = max(0.0, storage_mb - FREE_STORAGE_MB)
    return Usage(1, seconds * memory_mb / 1024, seconds * extra_mb / 1024)


def price(used: Usage, architecture: str = X86, *, free_tier: bool = False, tiers: bool = False) -> float:
    """Dollars for a month in which this is all that was used.

    `free_tier` takes off the month's free requests and GB-seconds; `tiers` counts the lower prices of large
    volumes. Neither is on by default, so that the price of a sum is the sum of the prices.
    """
    requests = max(0, used.requests - FREE_REQUESTS) if free_tier else used.requests
    gb_s = max(0.0, used.gb_s - FREE_GB_S) if free_tier else used.gb_s
    prices = PER_GB_S[architecture] if tiers else PER_GB_S[architecture][:1]
    return requests * PER_REQUEST + _by_tiers(gb_s, prices) + used.storage_gb_s * PER_STORAGE_GB_S


def provisioned_price(kept_gb_s: float, run_gb_s: float, architecture: str = X86) -> float:
    """Dollars for concurrency that is kept ready, and for what runs in it (requests are priced by `price`)."""
    kept, run = PER_PROVISIONED_GB_S[architecture]
    return kept_gb_s * kept + run_gb_s * run


def _by_tiers(amount: float, prices: tuple[tuple[float, float], ...]) -> float:
    bounds = [*(begin for begin, _ in prices), float("inf")]
    parts = zip(pairwise(bounds), prices, strict=True)
    return sum(max(0.0, min(amount, end) - begin) * dollars for (begin, end), (_, dollars) in parts)


def of_invocation(
    billed_ms: float, memory_mb: float, architecture: str = X86, storage_mb: float = FREE_STORAGE_MB
) -> float:
    """Dollars for one invocation, before free tier: billed time (ms), memory and ephemeral storage (MB)."""
    return price(usage(billed_ms, memory_mb, storage_mb), architecture)


def of_report(report: Report) -> float:
    """Dollars for the invocation that a report is of, before free tier."""
    return of_invocation(report.billed_ms, report.memory_mb, report.architecture, report.storage_mb)


def in_words(dollars: float) -> str:
    """A sum to read: in cents for large ones, to three significant digits for the tiny ones here."""
    if dollars == 0 or dollars >= 1:
        return f"${dollars:,.2f}"
    digits = 0
    while dollars * 10**digits < 100:
        digits += 1
    return f"${dollars:.{digits}f}"
