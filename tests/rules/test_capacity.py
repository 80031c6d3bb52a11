"""When a machine is full."""

from __future__ import annotations

import pytest

from lablambda.rules.capacity import expected_mb, lacking_mb


@pytest.mark.parametrize(
    ("size", "peak", "expected"), [(128, 0, 64), (32, 0, 32), (512, 300, 300), (128, 140, 128)]
)
def test_what_an_environment_is_expected_to_take(size: int, peak: int, expected: int) -> None:
    assert expected_mb(size, peak) == expected


@pytest.mark.parametrize(
    ("available", "growth", "total", "lacking"),
    [
        (356, 0, 4_000, 0),
        (355, 0, 4_000, 1),
        (456, 100, 4_000, 0),
        (400, 100, 4_000, 56),
        (1_099, 0, 20_000, 1),
    ],
)
def test_some_memory_stays_free(available: int, growth: int, total: int, lacking: int) -> None:
    assert lacking_mb(100, available_mb=available, growth_mb=growth, total_mb=total) == lacking
