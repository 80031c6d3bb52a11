"""Traces in the form of Powertools' documentation."""

from typing import Any

from aws_lambda_powertools import Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

tracer = Tracer(service="shop")


@tracer.capture_method
def charge(amount: int) -> int:
    tracer.put_annotation(key="Amount", value=amount)
    if amount < 0:
        raise ValueError(f"can't charge {amount}")
    return amount


@tracer.capture_lambda_handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return {"charged": charge(event["amount"])}
