"""Structured logs and metrics in the form of Powertools' documentation."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
payments = Logger(child=True)
metrics = Metrics()


def charge(amount: int) -> int:
    if amount < 0:
        raise ValueError(f"can't charge {amount}")
    payments.debug("about to charge")
    return amount


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
def logs(event: dict[str, Any], context: LambdaContext) -> str:
    logger.append_keys(order=event["order"])
    logger.info("charging", extra={"amount": event["amount"], "note": "two\nlines"})
    try:
        charge(event["amount"])
    except ValueError:
        logger.exception("refused")
    return logger.get_correlation_id()


@metrics.log_metrics(capture_cold_start_metric=True)
def measures(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_dimension(name="shop", value="tea")
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=2)
    metrics.add_metadata(key="order", value=event["order"])
    return {"charged": charge(event["amount"])}
