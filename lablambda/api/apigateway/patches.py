"""Updates: what may be changed, as data, and patch operations carried out along botocore's shapes.

Source: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

from lablambda.api.nouns import of_shape, shape_of
from lablambda.api.shapes import Parameters
from lablambda.model.api import Members
from lablambda.model.errors import ValidationFailed

SERVICE = "apigateway"
_R, _AR, _ARR = ("replace",), ("add", "remove"), ("add", "remove", "replace")
Paths = Mapping[str, tuple[str, ...]]
# By noun: the paths (`*` is any one name), and what may be done there.
PATCHES: Mapping[str, Paths] = {
    "Account": {"/cloudwatchRoleArn": ("remove", "replace"), "/features": _AR},
    "ApiKey": dict.fromkeys(("/customerId", "/description", "/enabled", "/name"), _R) | {"/stageKeys": _AR},
    "Authorizer": dict.fromkeys(
        (
            "/authorizerCredentials",
            "/authorizerResultTtlInSeconds",
            "/authorizerUri",
            "/authType",
            "/identitySource",
            "/identityValidationExpression",
            "/name",
        ),
        _R,
    ),
    "Deployment": {"/description": _R},
    "GatewayResponse": {"/statusCode": _R, "/responseParameters/*": _ARR, "/responseTemplates/*": _ARR},
    "Integration": {
        **dict.fromkeys(
            (
                "/cacheNamespace",
                "/connectionId",
                "/connectionType",
                "/contentHandling",
                "/credentials",
                "/httpMethod",
                "/passthroughBehavior",
                "/responseTransferMode",
                "/timeoutInMillis",
                "/tlsConfig/insecureSkipVerification",
                "/uri",
            ),
            ("remove", "replace"),
        ),
        "/cacheKeyParameters/*": _AR,
        "/requestParameters/*": _ARR,
        "/requestTemplates/*": _ARR,
    },
    "IntegrationResponse": {
        "/contentHandling": ("remove", "replace"),
        "/responseParameters/*": _ARR,
        "/responseTemplates/*": _ARR,
        "/selectionPattern": ("remove", "replace"),
    },
    "Method": {
        **dict.fromkeys(
            (
                "/apiKeyRequired",
                "/authorizationType",
                "/authorizerId",
                "/operationName",
                "/requestValidatorId",
            ),
            ("remove", "replace"),
        ),
        "/authorizationScopes": _AR,
        "/requestModels/*": _ARR,
        "/requestParameters/*": _ARR,
    },
    "MethodResponse": {"/responseModels/*": _ARR, "/responseParameters/*": _ARR},
    "Model": {"/description": _R, "/schema": _R},
    "RequestValidator": dict.fromkeys(("/name", "/validateRequestBody", "/validateRequestParameters"), _R),
    "Resource": {"/parentId": _R, "/pathPart": _R},
    "RestApi": {
        **dict.fromkeys(
            (
                "/apiKeySource",
                "/description",
                "/disableExecuteApiEndpoint",
                "/minimumCompressionSize",
                "/name",
                "/policy",
                "/version",
                "/endpointConfiguration/ipAddressType",
                "/endpointConfiguration/types/*",
            ),
            _R,
        ),
        "/binaryMediaTypes/*": _ARR,
        "/endpointConfiguration/vpcEndpointIds": _AR,
    },
    "Stage": {
        **dict.fromkeys(
            (
                "/cacheClusterEnabled",
                "/cacheClusterSize",
                "/clientCertificateId",
                "/deploymentId",
                "/description",
                "/documentationVersion",
                "/tracingEnabled",
            ),
            _R,
        ),
        "/accessLogSettings": ("remove",),
        "/accessLogSettings/*": _ARR,
        "/canarySettings/*": _ARR,
        "/methodSettings/*": ("remove",),
        "/methodSettings/*/*": _R,
        "/variables/*": _ARR,
    },
    "UsagePlan": {
        **dict.fromkeys(("/description", "/name", "/productCode"), _R),
        "/quota": ("remove",),
        "/quota/*": _ARR,
        "/throttle": ("remove",),
        "/throttle/*": _ARR,
    },
}


def tokens_of(path: str) -> list[str]:
    """The names in a patch operation's path."""
    return [token.replace("~1", "/").replace("~0", "~") for token in path.removeprefix("/").split("/")]


def patched(noun: str, members: Members, p: Parameters) -> dict[str, Any]:
    """The members of a noun after the patch operations among the parameters. Raises ValidationFailed."""
    shape = shape_of(SERVICE, noun)
    for operation in p.get("patchOperations", ()):
        op, path = operation.get("op"), operation.get("path", "")
        tokens = tokens_of(path)
        allowed = [name for name, ops in PATCHES[noun].items() if op in ops]
        if not any(_fits(tokens, name) for name in allowed):
            raise ValidationFailed(
                f"Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{', '.join(allowed)}]"
            )
        members = _changed(members, tokens, shape, op, operation.get("value"), path)
    return of_shape(SERVICE, noun, members)


def _fits(tokens: list[str], template: str) -> bool:
    wanted = template[1:].split("/")
    return len(wanted) == len(tokens) and all(
        want in ("*", token) for want, token in zip(wanted, tokens, strict=True)
    )


def _changed(value: Any, tokens: list[str], shape: Shape, op: str, given: str | None, path: str) -> Any:
    """The value (of that shape) with the operation done at the place that the tokens lead to; None is nothing."""
    if shape.type_name == "list":
        return _changed_list(list(value or ()), tokens, op, given)
    if not tokens:
        return None if op == "remove" else _leaf(given, shape, path)
    name, *rest = tokens
    inner = shape.value if shape.type_name == "map" else shape.members.get(name)
    if inner is None:
        raise ValidationFailed(f"Invalid patch path '{path}' specified: there is no {name}")
    known = dict(value or {})
    changed = _changed(known.get(name), rest, inner, op, given, path)
    known.pop(name, None)
    return known if changed is None else {**known, name: changed}


def _changed_list(items: list[Any], tokens: list[str], op: str, given: str | None) -> list[Any]:
    """An item is named by itself: as the last part of the path, or as the value."""
    named = tokens[0] if tokens else given
    if op == "replace" and tokens:
        return [given if item == named else item for item in items]
    kept = [item for item in items if item != named]
    return kept if op == "remove" else [*kept, named]


def _leaf(given: str | None, shape: Shape, path: str) -> Any:
    kind = shape.type_name
    if given is None:
        raise ValidationFailed(f"Invalid patch operation: {path} needs a value")
    if kind == "boolean":
        if given.lower() not in ("true", "false"):
            raise ValidationFailed(f"Invalid value '{given}' specified for {path}: true or false is expected")
        return given.lower() == "true"
    try:
        if kind in ("integer", "long"):
            return int(given)
        return float(given) if kind in ("double", "float") else given
    except ValueError:
        raise ValidationFailed(
            f"Invalid value '{given}' specified for {path}: a number is expected"
        ) from None
