"""The table of operations against botocore's model, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lablambda.api.lambda_api.table import LAMBDA, Level
from lablambda.api.shapes import Service
from tests.api_clients import code_of


def test_the_table_knows_every_operation_of_the_model() -> None:
    """An older botocore may know less than the table; one that knows more finds us out."""
    assert set(Service("lambda").operations) <= set(LAMBDA)


def test_whatever_only_stores_or_refuses_says_why() -> None:
    assert [name for name, entry in LAMBDA.items() if entry.level is not Level.WORKS and not entry.note] == []
    assert all((entry.handler is None) == (entry.level is Level.REFUSED) for entry in LAMBDA.values())


PARAMETERS: dict[str, Any] = {
    "CapacityProviderName": "p",
    "CodeSigningConfigArn": f"arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-{'0' * 17}",
    "DurableExecutionArn": "arn",
    "FunctionName": "f",
    "CallbackId": "id",
}


@pytest.mark.parametrize("operation", [name for name, e in LAMBDA.items() if e.level is Level.REFUSED])
def test_what_is_refused_says_so(functions: Any, operation: str) -> None:
    """Before it looks at the parameters: whoever asks wants to know that first."""
    from botocore import xform_name

    members = functions.meta.service_model.operation_model(operation).input_shape.members
    given = {name: value for name, value in PARAMETERS.items() if name in members}
    found = code_of(lambda: getattr(functions, xform_name(operation))(**given))
    assert found[:2] == (501, "NotImplementedException")
    assert found[2].startswith(f"{operation} is not implemented")
