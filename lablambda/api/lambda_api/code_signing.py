"""Code signing, of which a lab has only the reading side: nothing is signed, and it says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.api.lambda_api.references import unqualified
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import ResourceNotFound

Result = Mapping[str, Any]


async def get_function_code_signing_config(house: House, p: Parameters) -> Result:
    return {"FunctionName": house.catalog.function(unqualified(p)).name}


async def get_code_signing_config(house: House, p: Parameters) -> Result:  # noqa: ARG001 - an operation's signature
    arn = p["CodeSigningConfigArn"]
    raise ResourceNotFound(f"The Lambda code signing configuration {arn} can not be found.")


async def list_code_signing_configs(house: House, p: Parameters) -> Result:  # noqa: ARG001 - an operation's signature
    return {"CodeSigningConfigs": []}
