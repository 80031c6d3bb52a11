"""Powertools' Tracer: switched off, left on where no X-Ray daemon listens, and without its SDK."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guests.conftest import Guests, publish


@pytest.fixture(scope="module")
def sdk(functions: Any) -> str:
    """A layer of the X-Ray SDK; it brings a botocore of its own."""
    return publish(functions, ["aws-xray-sdk>=2.14,<3"])


@pytest.mark.parametrize("env", [{"POWERTOOLS_TRACE_DISABLED": "true"}, {}], ids=["off", "on"])
def test_the_handler_is_none_the_wiser(guest: Guests, layer: str, sdk: str, env: dict[str, str]) -> None:
    traced = guest("traced", env=env, Layers=[layer, sdk])
    out = traced.invoke({"amount": 5})
    assert out.payload == {"charged": 5}
    assert traced.error_type({"amount": -1}) == "ValueError"
    assert traced.payload({"amount": 6}) == {"charged": 6}


def test_it_says_nothing(guest: Guests, layer: str, sdk: str) -> None:
    traced = guest("traced", Layers=[layer, sdk])
    assert traced.said(traced.invoke({"amount": 5}).request_id) == []


def test_its_sdk_is_needed(guest: Guests, layer: str) -> None:
    error = guest("traced", env={"POWERTOOLS_TRACE_DISABLED": "true"}, Layers=[layer]).invoke({}).error
    assert error is not None
    assert (error["errorType"], error["requestId"]) == ("Runtime.ImportModuleError", "")
    assert error["errorMessage"] == "Unable to import module 'traced': No module named 'aws_xray_sdk'"
