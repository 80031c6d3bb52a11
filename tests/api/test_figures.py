"""The lab's own call for a function's figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.connection import ApiError
from lablambda.rules.cost import ARM, of_invocation

Create = Callable[..., str]
SOURCE = "def handler(e, c):\n    if e.get('fail'): raise KeyError('x')\n    return 1"


def test_figures(lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    for payload in (b"{}", b'{"fail": 1}', b'{"fail": 1}'):
        functions.invoke(FunctionName=name, Payload=payload)
    figures = lab.function(name).metrics(hours=0.5)
    records = lab.function(name).invocations()
    assert (figures.invocations, figures.errors, figures.throttles) == (3, 2, 0)
    assert (sum(figures.invocations_by_part), sum(figures.errors_by_part)) == (3, 2)
    assert sorted(record.report.duration_ms for record in records)[1] == figures.duration_ms["p50"]
    assert figures.cost == pytest.approx(sum(record.cost for record in records))


def test_the_price_of_an_architecture_and_of_storage(lab: Lab, create: Create) -> None:
    function = lab.function(create(SOURCE, Architectures=["arm64"], EphemeralStorage={"Size": 2048}))
    result = function.invoke()
    assert result.report is not None
    billed_ms, memory_mb = result.report.billed_ms, result.report.memory_mb
    assert result.cost == pytest.approx(of_invocation(billed_ms, memory_mb, ARM, 2048))
    (record,) = function.invocations()
    assert record.cost == result.cost
    assert function.metrics().cost == pytest.approx(result.cost)


def test_a_function_that_is_gone_keeps_its_figures(lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    functions.invoke(FunctionName=name)
    functions.delete_function(FunctionName=name)
    assert lab.function(name).metrics().invocations == 1


@pytest.mark.parametrize("hours", [0, -1, "nan", 9000, "x"])
def test_spans_refused(lab: Lab, create: Create, hours: Any) -> None:
    with pytest.raises(ApiError, match="hours"):
        lab.function(create(SOURCE)).metrics(hours=hours)


def test_a_function_that_never_was(lab: Lab) -> None:
    with pytest.raises(ApiError, match="Function not found"):
        lab.function("never-was").metrics()


def test_timings(lab: Lab, functions: Any, create: Create) -> None:
    name = create(SOURCE)
    for payload in (b"{}", b'{"fail": 1}', b"{}"):
        functions.invoke(FunctionName=name, Payload=payload)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName=name)
    timings = lab.function(name).timings()
    first, second, third = timings.invocations
    assert [each.environment for each in timings.invocations] == [1, 1, 1]
    assert [bool(each.failed) for each in timings.invocations] == [False, True, False]
    assert [each.running for each in timings.invocations] == [1, 1, 1]
    records = lab.function(name).invocations()
    began = [record.started for record in records][::-1]
    assert [each.started for each in timings.invocations] == pytest.approx(began, abs=1e-4)  # to 15 digits
    assert (first.init_ms, first.billed_ms) == (records[2].report.init_ms, records[2].report.billed_ms)
    assert second.init_ms is None
    assert timings.throttles == {"ReservedFunctionConcurrentInvocationLimitExceeded": 1}
    assert lab.function(name).timings(limit=1).invocations == [third]
    assert lab.function(name).timings(start=began[1], end=began[2]).invocations == [second]
    assert lab.function("never-was").timings().invocations == []
