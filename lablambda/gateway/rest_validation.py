"""Request validators: whether a request has what its method asks for.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

from lablambda.gateway.rest_stages import Passage
from lablambda.model.rest_api import RestPart
from lablambda.rules.gateway_responses import Failed
from lablambda.rules.json_schemas import InvalidSchema
from lablambda.rules.rest_mapping import value_of

_JSON = "application/json"


def check_request(passage: Passage) -> None:
    """Raises Failed."""
    validators = passage.served.deployed.parts[RestPart.REQUEST_VALIDATOR]
    validator = validators.get(passage.method.get("requestValidatorId") or "")
    if validator is None:
        return
    if validator["validateRequestParameters"]:
        _check_parameters(passage)
    if validator["validateRequestBody"]:
        _check_body(passage)


def _check_parameters(passage: Passage) -> None:
    wanted = [name for name, needed in (passage.method.get("requestParameters") or {}).items() if needed]
    missing = [name for name in wanted if not any(value_of(name, passage.call))]
    if missing:
        names = ", ".join(name.split(".", 3)[3] for name in missing)
        raise Failed("BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{names}]")


def _check_body(passage: Passage) -> None:
    """By the model for the type of the body; a type for which there is none is let through."""
    models = passage.method.get("requestModels") or {}
    media_type = passage.request.header("content-type").partition(";")[0].strip().lower() or _JSON
    model = models.get(media_type)
    if model is None:
        return
    try:
        errors = passage.served.deployed.schema(model).errors(passage.request.body)
    except InvalidSchema as error:
        raise Failed("API_CONFIGURATION_ERROR", reason=str(error)) from None
    if errors:
        raise Failed("BAD_REQUEST_BODY", details=f"[{', '.join(errors)}]")
