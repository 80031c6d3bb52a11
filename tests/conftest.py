"""Shared by all tests: async tests run on uvloop as the lab does, and nothing may be left running."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import hypothesis
import psutil
import pytest

from tests.book import Book, open_book

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True, scope="session")
def nothing_outlives_the_tests() -> Iterator[None]:
    """Every process that a test started must be gone when the last fixture is."""
    yield
    children = psutil.Process().children(recursive=True)
    _, alive = psutil.wait_procs(children, timeout=5)
    told = []
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            told.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
    assert not told, f"left running: {told}"


@pytest.fixture
def book() -> Iterator[Book]:
    """For what handlers write down outside their lab."""
    with open_book() as opened:
        yield opened
