"""Which runtimes a function may name."""

from __future__ import annotations

import pytest

from lablambda.api.shapes import Service
from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.runtimes import DEPRECATED, SUPPORTED, check_runtime


def test_the_model_knows_them_all() -> None:
    known = Service("lambda").model.shape_for("Runtime").enum
    assert set(SUPPORTED) | set(DEPRECATED) <= set(known)
    assert not set(SUPPORTED) & set(DEPRECATED)


@pytest.mark.parametrize("name", SUPPORTED)
def test_supported(name: str) -> None:
    check_runtime(name)


@pytest.mark.parametrize("name", DEPRECATED)
def test_deprecated(name: str) -> None:
    with pytest.raises(InvalidParameterValue, match="is no longer supported for creating or updating"):
        check_runtime(name)


@pytest.mark.parametrize("name", ["Python3.13", "python3.13.1", "", "cobol85"])
def test_unknown(name: str) -> None:
    with pytest.raises(InvalidParameterValue, match="Member must satisfy enum value set"):
        check_runtime(name)
