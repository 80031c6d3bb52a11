from __future__ import annotations

from typing import Any

import pytest

from lablambda.api.shapes import Service
from lablambda.api.validation import _compiled, validate
from lablambda.model.errors import ValidationFailed

LAMBDA = Service("lambda")
GOOD: dict[str, Any] = {
    "FunctionName": "f",
    "Runtime": "python3.13",
    "Role": "arn:aws:iam::000000000000:role/r",
    "Handler": "f.handler",
    "Code": {"ZipFile": b"zip"},
}


def message(**changes: Any) -> str:
    parameters = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(ValidationFailed) as caught:
        validate(parameters, LAMBDA.operations["CreateFunction"].input)
    return str(caught.value)


def test_what_is_right() -> None:
    validate(GOOD, LAMBDA.operations["CreateFunction"].input)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Timeout": 901}, "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"),
        ({"MemorySize": 64}, "Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"),
        ({"MemorySize": 10241}, "Member must have value less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 511}}, "Value '511' at 'ephemeralStorage.size'"),
        ({"Role": None}, "Value null at 'role' failed to satisfy constraint: Member must not be null"),
        ({"Role": "me"}, "Value 'me' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: "),
        ({"Handler": "a b"}, "at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\\s]+"),
        ({"Description": "x" * 257}, "Member must have length less than or equal to 256"),
        ({"PackageType": "Egg"}, "at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]"),
        ({"FunctionName": "has space"}, "Value 'has space' at 'functionName'"),
        ({"Environment": {"Variables": {"1X": "v"}}}, "at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: ["),
        ({"Timeout": "3"}, "Member must be of type integer"),
        ({"Timeout": True}, "Member must be of type integer"),
        ({"Timeout": False}, "Member must be of type integer"),
        ({"Timeout": 2**63}, "Member must be of type integer"),
        ({"Timeout": 3.0}, "Member must be of type integer"),
        ({"Timeout": float("nan")}, "Member must be of type integer"),
    ],
)  # fmt: skip
def test_one_fault(changes: dict[str, Any], expected: str) -> None:
    found = message(**changes)
    assert found.startswith("1 validation error detected: ")
    assert expected in found


def test_several_at_once() -> None:
    found = message(Timeout=0, MemorySize=1, Role=None)
    assert found.startswith("3 validation errors detected: ")
    assert found.count("; ") == 2


@pytest.mark.parametrize(
    "service", ["lambda", "logs", "events", "scheduler", "apigatewayv2", "application-autoscaling"]
)
def test_every_pattern_of_the_models_can_be_used(service: str) -> None:
    model = Service(service).model
    for name in model.shape_names:
        pattern = model.shape_for(name).metadata.get("pattern")
        if pattern:
            _compiled(pattern)
