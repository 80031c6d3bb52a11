"""A client of the operations on REST APIs, and an API for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lablambda.client import Lab
from tests.api_clients import code_of, functions

__all__ = ["functions"]


@pytest.fixture(scope="session")
def gateway(lab: Lab) -> Any:
    """It checks nothing itself, so every answer is the lab's."""
    from botocore.config import Config

    return lab.client("apigateway", config=Config(retries={"max_attempts": 0}, parameter_validation=False))


@pytest.fixture
def api(gateway: Any) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = gateway.create_rest_api(name="test")
    yield made
    gateway.delete_rest_api(restApiId=made["id"])


@pytest.fixture
def place(gateway: Any, api: dict[str, Any]) -> dict[str, str]:
    """What names a method GET of the root, which is there."""
    named = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    gateway.put_method(**named, authorizationType="NONE")
    return named


def patch(*operations: tuple[str, ...]) -> list[dict[str, str]]:
    """Patch operations from their op, path and, if they have one, value."""
    return [dict(zip(("op", "path", "value"), one, strict=False)) for one in operations]


def refusal(call: Callable[..., Any], *arguments: Any, **members: Any) -> tuple[int, str]:
    """The status and code with which the call is refused."""
    return code_of(lambda: call(*arguments, **members))[:2]
