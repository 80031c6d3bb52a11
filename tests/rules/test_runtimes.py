"""Which runtimes a function may name."""

from __future__ import annotations

import pytest

from lablambda.api.shapes import Service
from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.runtimes import DEPRECATED, SUPPORTED, check_runtime, family, nearest, substitution


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


@pytest.mark.parametrize(
    ("wanted", "here", "runs"),
    [
        ("python3.12", ["python3.11", "python3.12", "python3.13"], "python3.12"),
        ("python3.12", ["python3.11", "python3.13", "python3.14"], "python3.13"),
        ("python3.14", ["python3.11", "python3.9", "python3.13"], "python3.13"),
        ("nodejs22.x", ["python3.11", "nodejs20.x"], "nodejs20.x"),
        ("nodejs22.x", ["nodejs20.x", "nodejs24.x"], "nodejs24.x"),
        ("java8.al2", ["java17", "java21"], "java17"),
        ("provided.al2", ["provided.al2023"], "provided.al2023"),
        ("ruby3.4", ["java17", "python3.11"], None),
    ],
)
def test_the_nearest_of_the_family_runs_it_newer_first(
    wanted: str, here: list[str], runs: str | None
) -> None:
    assert nearest(wanted, here) == runs


def test_every_runtime_has_a_family() -> None:
    assert {family(name) for name in SUPPORTED} == {"nodejs", "java", "python", "dotnet", "ruby", "provided"}


def test_what_runs_another_version_is_said() -> None:
    assert substitution("java21", "java21") == ""
    assert substitution("provided.al2", "provided.al2023") == ""
    assert substitution("python3.13", "python3.11") == (
        "python3.13 isn't on this machine, python3.11 runs it. To get it: uv python install 3.13, and restart the lab."
    )
    for name in SUPPORTED:
        if family(name) not in ("provided", "dotnet"):
            assert name in substitution(name, "another")
