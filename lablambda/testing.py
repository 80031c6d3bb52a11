"""The pytest plugin: a fixture `lab` that is a private lab, gone when the tests are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lablambda.client import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A private lab, shared by the session's tests: name your functions and buckets apart."""
    from lablambda.client import Lab

    with Lab.private() as private:
        yield private
