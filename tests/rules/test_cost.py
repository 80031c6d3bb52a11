"""Prices as AWS publishes them."""

from __future__ import annotations

import pytest

from lablambda.model.invocation import Report
from lablambda.rules.cost import (
    ARM,
    PER_GB_S,
    X86,
    Usage,
    in_words,
    of_invocation,
    of_report,
    price,
    usage,
)


def test_a_million_of_128_mb_and_200_ms() -> None:
    """The pricing page's own kind of example: 25,000 GB-seconds and a million requests."""
    one = usage(200, 128)
    million = Usage(1_000_000, one.gb_s * 1_000_000)
    assert million.gb_s == pytest.approx(25_000)
    assert price(million) == pytest.approx(0.6167, abs=5e-5)
    assert price(million, free_tier=True) == 0


@pytest.mark.parametrize(
    ("used", "architecture", "expected"),
    [
        (Usage(0, 0), X86, 0),
        (Usage(2_000_000, 0), X86, 0.4),
        (Usage(0, 6e9), X86, 100_000.2),
        (Usage(0, 6e9 + 1e6), X86, 100_000.2 + 15),
        (Usage(0, 16e9), X86, 100_000.2 + 135_000 + 13_333.4),
        (Usage(0, 7.5e9 + 1e6), ARM, 100_000.5 + 12.0001),
        (Usage(0, 0, storage_gb_s=1e9), ARM, 30.9),
    ],
)
def test_tiers(used: Usage, architecture: str, expected: float) -> None:
    assert price(used, architecture, tiers=True) == pytest.approx(expected)


def test_without_tiers_the_first_price_holds() -> None:
    assert price(Usage(0, 16e9)) == pytest.approx(16e9 * PER_GB_S[X86][0][1])


def test_the_free_tier_is_taken_off_once() -> None:
    used = Usage(1_500_000, 500_000)
    assert price(used, free_tier=True) == pytest.approx(500_000 * 0.2e-6 + 100_000 * 0.0000166667)


@pytest.mark.parametrize(
    ("billed_ms", "memory_mb", "architecture", "storage_mb", "expected"),
    [
        (1000, 1024, X86, 512, 0.2e-6 + 0.0000166667),
        (1000, 1024, ARM, 512, 0.2e-6 + 0.0000133334),
        (1000, 1024, X86, 1536, 0.2e-6 + 0.0000166667 + 0.0000000309),
        (0, 128, X86, 512, 0.2e-6),
    ],
)
def test_one_invocation(
    billed_ms: float, memory_mb: float, architecture: str, storage_mb: float, expected: float
) -> None:
    assert of_invocation(billed_ms, memory_mb, architecture, storage_mb) == pytest.approx(expected)
    report = Report(
        "r", billed_ms, int(billed_ms), int(memory_mb), 1, None, "success", "", architecture, int(storage_mb)
    )
    assert of_report(report) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "$0.00"),
        (0.000000204, "$0.000000204"),
        (0.0123456, "$0.0123"),
        (0.6167, "$0.617"),
        (1.5, "$1.50"),
        (12_345.678, "$12,345.68"),
    ],
)
def test_sums_to_read(dollars: float, text: str) -> None:
    assert in_words(dollars) == text
