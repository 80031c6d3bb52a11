"""Which operations there are."""

from __future__ import annotations

from lablambda.api.apigatewayv2.apis import APIS
from lablambda.api.apigatewayv2.authorizers import AUTHORIZERS
from lablambda.api.apigatewayv2.imports import IMPORTS
from lablambda.api.apigatewayv2.integrations import INTEGRATION_RESPONSES, INTEGRATIONS
from lablambda.api.apigatewayv2.parts import Handler, PartRules, operations
from lablambda.api.apigatewayv2.routes import ROUTE_RESPONSES, ROUTES
from lablambda.api.apigatewayv2.stages import STAGES
from lablambda.api.apigatewayv2.tags import TAGS
from lablambda.model.http_api import Part

_PARTS = (AUTHORIZERS, INTEGRATIONS, INTEGRATION_RESPONSES, PartRules(Part.MODEL), ROUTES, ROUTE_RESPONSES)
APIGATEWAYV2: dict[str, Handler] = {**APIS, **IMPORTS, **STAGES, **TAGS}
for _part in _PARTS:
    APIGATEWAYV2 |= operations(_part)
