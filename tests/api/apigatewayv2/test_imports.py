"""HTTP APIs from OpenAPI documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lablambda.client import Lab
from tests.api_clients import code_of

F = "arn:aws:lambda:us-east-1:000000000000:function:f"
OPENAPI = f"""
openapi: 3.0.1
info: {{title: pets, version: '1'}}
servers: [{{url: /v1}}]
x-amazon-apigateway-cors: {{allowOrigins: ['https://a.example'], maxAge: 5}}
paths:
  /pets/{{id}}:
    get:
      operationId: getPet
      security: [{{tokens: [read]}}]
      x-amazon-apigateway-integration: {{$ref: '#/components/x-amazon-apigateway-integrations/f'}}
    x-amazon-apigateway-any-method:
      security: [{{own: []}}]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: http://127.0.0.1:9/
        payloadFormatVersion: 1.0
        requestParameters: {{append:header.x: $context.stage}}
        responseParameters: {{'200': {{append:header.y: "1"}}}}
  /$default:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-auth: {{type: AWS_IAM}}
      x-amazon-apigateway-integration: {{$ref: '#/components/x-amazon-apigateway-integrations/f'}}
components:
  x-amazon-apigateway-integrations:
    f: {{type: aws_proxy, uri: "{F}", payloadFormatVersion: '2.0', timeoutInMillis: 1000}}
  securitySchemes:
    tokens:
      type: oauth2
      x-amazon-apigateway-authorizer: {{type: jwt, jwtConfiguration: {{issuer: 'https://a.example', audience: [me]}}}}
    own:
      type: apiKey
      name: authorization
      in: header
      x-amazon-apigateway-authorizer:
        type: request
        identitySource: $request.header.a, $request.querystring.b
        authorizerUri: "{F}"
        authorizerPayloadFormatVersion: '2.0'
        enableSimpleResponses: true
"""


@pytest.fixture(scope="module")
def gateway(lab: Lab) -> Any:
    return lab.client("apigatewayv2")


def test_openapi(gateway: Any) -> None:
    made = gateway.import_api(Body=OPENAPI)
    named = {"ApiId": made["ApiId"]}
    assert (made["Name"], made["CorsConfiguration"]) == (
        "pets",
        {"AllowOrigins": ["https://a.example"], "MaxAge": 5},
    )
    routes = {route["RouteKey"]: route for route in gateway.get_routes(**named)["Items"]}
    assert sorted(routes) == ["$default", "ANY /pets/{id}", "GET /pets/{id}"]
    authorizers = {one["Name"]: one for one in gateway.get_authorizers(**named)["Items"]}
    get, any_ = routes["GET /pets/{id}"], routes["ANY /pets/{id}"]
    assert (get["AuthorizationType"], get["AuthorizationScopes"]) == ("JWT", ["read"])
    assert get["AuthorizerId"] == authorizers["tokens"]["AuthorizerId"]
    assert authorizers["tokens"]["JwtConfiguration"] == {"Audience": ["me"], "Issuer": "https://a.example"}
    assert authorizers["own"]["IdentitySource"] == ["$request.header.a", "$request.querystring.b"]
    assert (any_["AuthorizationType"], routes["$default"]["AuthorizationType"]) == ("CUSTOM", "AWS_IAM")
    integrations = {one["IntegrationId"]: one for one in gateway.get_integrations(**named)["Items"]}
    of_get = integrations[get["Target"].removeprefix("integrations/")]
    of_any = integrations[any_["Target"].removeprefix("integrations/")]
    assert (of_get["IntegrationUri"], of_get["TimeoutInMillis"], of_get["IntegrationType"]) == (
        F,
        1000,
        "AWS_PROXY",
    )
    assert (of_any["PayloadFormatVersion"], of_any["IntegrationMethod"]) == ("1.0", "ANY")
    assert of_any["ResponseParameters"] == {"200": {"append:header.y": "1"}}
    gateway.create_stage(**named, StageName="$default", AutoDeploy=True)
    other = {
        "openapi": "3.0.0",
        "info": {"title": "toys"},
        "servers": [{"url": "/v1"}],
        "paths": {"/toys": {"get": {}}},
    }
    again = gateway.reimport_api(**named, Body=json.dumps(other), Basepath="prepend")
    assert (again["Name"], "CorsConfiguration" in again) == ("toys", False)
    assert [route["RouteKey"] for route in gateway.get_routes(**named)["Items"]] == ["GET /v1/toys"]
    assert [one["StageName"] for one in gateway.get_stages(**named)["Items"]] == ["$default"]
    gateway.delete_api(**named)


@pytest.mark.parametrize(
    "changes",
    [
        {"openapi": None},
        {"swagger": "2.0"},
        {"info": {}},
        {"paths": {"/a/{b}c": {"get": {}}}},
        {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}}},
        {
            "paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": F}}}}
        },  # no version
        {"x-amazon-apigateway-cors": {"allowOrigins": ["*"], "allowCredentials": True}},
        {"x-amazon-apigateway-cors": {"allowOrigins": "*"}},
    ],
)
def test_what_is_no_document(gateway: Any, changes: dict[str, Any]) -> None:
    document = {"openapi": "3.0.0", "info": {"title": "x"}, "paths": {}, **changes}
    refused = code_of(lambda: gateway.import_api(Body=json.dumps(document)))
    assert refused[:2] == (400, "BadRequestException")
