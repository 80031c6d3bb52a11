"""Which operations there are."""

from __future__ import annotations

from lablambda.api.apigateway.apis import APIS
from lablambda.api.apigateway.authorizers import AUTHORIZERS
from lablambda.api.apigateway.gateway_responses import GATEWAY_RESPONSES
from lablambda.api.apigateway.imports import IMPORTS
from lablambda.api.apigateway.integrations import INTEGRATIONS
from lablambda.api.apigateway.keys import KEYS
from lablambda.api.apigateway.methods import METHOD_OPERATIONS
from lablambda.api.apigateway.models import MODELS, VALIDATORS
from lablambda.api.apigateway.parts import Handler, operations
from lablambda.api.apigateway.plans import PLANS
from lablambda.api.apigateway.resources import RESOURCES
from lablambda.api.apigateway.stages import STAGES
from lablambda.api.apigateway.tags import TAGS

APIGATEWAY: dict[str, Handler] = {
    **APIS,
    **AUTHORIZERS,
    **GATEWAY_RESPONSES,
    **IMPORTS,
    **INTEGRATIONS,
    **KEYS,
    **METHOD_OPERATIONS,
    **operations(MODELS),
    **PLANS,
    **RESOURCES,
    **STAGES,
    **TAGS,
    **operations(VALIDATORS),
}
