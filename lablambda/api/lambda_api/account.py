"""What the account may use, and uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.rules.limits import CODE_STORAGE_BYTES, UNZIPPED_BYTES, ZIP_BYTES


async def get_account_settings(house: House, p: Parameters) -> Mapping[str, Any]:  # noqa: ARG001 - an operation's signature
    limit = house.invoker.limit
    return {
        "AccountLimit": {
            "TotalCodeSize": CODE_STORAGE_BYTES,
            "CodeSizeUnzipped": UNZIPPED_BYTES,
            "CodeSizeZipped": ZIP_BYTES,
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit - house.catalog.set_aside,
        },
        "AccountUsage": {
            "TotalCodeSize": house.catalog.code_size(),
            "FunctionCount": len(house.catalog.functions()),
        },
    }
