"""REST APIs from documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from tests.api.apigateway.conftest import refusal
from tests.api.apigateway.test_apis import BAD, NOT_FOUND, UNBUILT, F
from tests.rules.test_openapi import DOCUMENT, PLACES, with_junk

MOCK = """
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default: {statusCode: 200, responseParameters: {method.response.header.X-A: "'1'"}}
          "4\\\\d\\\\d": {statusCode: 404}
"""
OPENAPI = f"""
openapi: 3.0.1
info: {{title: pets, description: of all kinds, version: 2026-11-01}}
servers: [{{url: "https://a.example/{{stage}}/v1", variables: {{stage: {{default: prod}}}}}}]
x-amazon-apigateway-binary-media-types: [image/png]
x-amazon-apigateway-request-validators: {{all: {{validateRequestBody: true, validateRequestParameters: true}}}}
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-gateway-responses:
  DEFAULT_4XX: {{statusCode: 418, responseParameters: {{gatewayresponse.header.X-A: "'1'"}}}}
paths:
  /pets/{{id}}:
    parameters:
      - {{$ref: '#/components/parameters/Id'}}
    get:
      operationId: getPet
      parameters: [{{name: q, in: query, required: true, schema: {{type: string}}}}]
      security: [{{key: []}}, {{own: []}}]
      responses:
        200: {{description: fine, headers: {{X-A: {{schema: {{type: string}}}}}}, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Pet'}}}}}}}}
        404: {{description: none}}
        default: {{description: whatever}}{MOCK}
    x-amazon-apigateway-any-method:
      security: [{{signed: []}}]
      requestBody: {{content: {{application/json: {{schema: {{type: array, items: {{$ref: '#/components/schemas/Pet'}}}}}}}}}}
      responses: {{}}
      x-amazon-apigateway-integration: {{type: aws_proxy, httpMethod: POST, uri: "{F}", passthroughBehavior: when_no_match}}
components:
  parameters:
    Id: {{name: id, in: path, required: true, schema: {{type: string}}}}
  schemas:
    Pet: {{type: object, properties: {{kind: {{$ref: '#/components/schemas/Kind_of'}}}}}}
    Kind_of: {{type: string}}
  securitySchemes:
    key: {{type: apiKey, name: x-api-key, in: header}}
    own:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authtype: custom
      x-amazon-apigateway-authorizer: {{type: token, authorizerUri: "{F}", authorizerResultTtlInSeconds: 60}}
    signed: {{type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}}
"""
SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "toys"},
    "basePath": "/a/b",
    "consumes": ["application/xml"],
    "paths": {
        "/toys": {
            "post": {
                "parameters": [{"in": "body", "name": "toy", "schema": {"$ref": "#/definitions/Toy"}}],
                "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Toy"}}},
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "POST",
                    "uri": "http://127.0.0.1:9/",
                },
            }
        }
    },
    "definitions": {"Toy": {"type": "object"}},
}


@pytest.fixture
def imported(gateway: Any) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = gateway.import_rest_api(body=OPENAPI.encode())
    yield made
    gateway.delete_rest_api(restApiId=made["id"])


def resources(gateway: Any, identity: str) -> dict[str, Any]:
    listed = gateway.get_resources(restApiId=identity, embed=["methods"])["items"]
    return {one["path"]: one.get("resourceMethods", {}) for one in listed}


def test_openapi(gateway: Any, imported: dict[str, Any]) -> None:
    named = {"restApiId": imported["id"]}
    assert (imported["name"], imported["description"], imported["version"]) == (
        "pets",
        "of all kinds",
        "2026-11-01",
    )
    assert imported["binaryMediaTypes"] == ["image/png"]
    found = resources(gateway, imported["id"])
    assert list(found) == ["/", "/pets", "/pets/{id}"]
    get, any_ = found["/pets/{id}"]["GET"], found["/pets/{id}"]["ANY"]
    (authorizer,) = gateway.get_authorizers(**named)["items"]
    (validator,) = gateway.get_request_validators(**named)["items"]
    assert (authorizer["name"], authorizer["type"], authorizer["identitySource"]) == (
        "own",
        "TOKEN",
        "method.request.header.Authorization",
    )
    assert (get["authorizationType"], get["authorizerId"], get["apiKeyRequired"]) == (
        "CUSTOM",
        authorizer["id"],
        True,
    )
    assert get["requestParameters"] == {"method.request.path.id": True, "method.request.querystring.q": True}
    assert (get["requestValidatorId"], get["operationName"]) == (validator["id"], "getPet")
    assert get["methodResponses"]["200"]["responseModels"] == {"application/json": "Pet"}
    assert list(get["methodResponses"]) == ["200", "404"]
    integration = get["methodIntegration"]
    assert integration["type"] == "MOCK"
    assert integration["integrationResponses"]["200"]["responseParameters"] == {
        "method.response.header.X-A": "'1'"
    }
    assert integration["integrationResponses"]["404"]["selectionPattern"] == "4\\d\\d"
    assert (any_["authorizationType"], any_["methodIntegration"]["uri"]) == ("AWS_IAM", F)
    models = {one["name"]: json.loads(one["schema"]) for one in gateway.get_models(**named)["items"]}
    at = f"https://apigateway.amazonaws.com/restapis/{imported['id']}/models/"
    assert models["Pet"]["properties"]["kind"] == {"$ref": f"{at}Kindof"}
    assert models[any_["requestModels"]["application/json"]]["items"] == {"$ref": f"{at}Pet"}
    general = gateway.get_gateway_response(**named, responseType="DEFAULT_4XX")
    assert (general["statusCode"], general["defaultResponse"]) == ("418", False)
    gateway.create_deployment(**named, stageName="dev")


def test_merging_and_overwriting(gateway: Any, imported: dict[str, Any]) -> None:
    identity = imported["id"]
    gateway.create_deployment(restApiId=identity, stageName="dev")
    toys = json.dumps(SWAGGER).encode()
    merged = gateway.put_rest_api(restApiId=identity, mode="merge", body=toys)
    assert (merged["name"], list(resources(gateway, identity))) == (
        "toys",
        ["/", "/pets", "/pets/{id}", "/toys"],
    )
    gateway.put_rest_api(restApiId=identity, mode="merge", body=OPENAPI.encode())  # the same once more
    assert len(gateway.get_authorizers(restApiId=identity)["items"]) == 1
    gateway.put_rest_api(restApiId=identity, mode="overwrite", body=toys, parameters={"basepath": "prepend"})
    found = resources(gateway, identity)
    assert list(found) == ["/", "/a", "/a/b", "/a/b/toys"]
    post = found["/a/b/toys"]["POST"]
    assert (post["requestModels"], post["methodIntegration"]["type"]) == (
        {"application/xml": "Toy"},
        "HTTP_PROXY",
    )
    assert [one["stageName"] for one in gateway.get_stages(restApiId=identity)["item"]] == ["dev"]
    assert gateway.get_rest_api(restApiId=identity)["rootResourceId"] == imported["rootResourceId"]
    gateway.put_rest_api(restApiId=identity, body=toys, mode="overwrite", parameters={"basepath": "split"})
    assert list(resources(gateway, identity)) == ["/", "/b", "/b/toys"]
    assert refusal(gateway.put_rest_api, restApiId="nothing", body=toys) == NOT_FOUND


def test_servers_base_path(gateway: Any) -> None:
    given = {"basepath": "prepend", "endpointConfigurationTypes": "REGIONAL"}
    made = gateway.import_rest_api(body=OPENAPI.encode(), parameters=given)
    assert list(resources(gateway, made["id"]))[-1] == "/prod/v1/pets/{id}"
    assert made["endpointConfiguration"]["types"] == ["REGIONAL"]
    gateway.delete_rest_api(restApiId=made["id"])


def changed(**members: Any) -> dict[str, Any]:
    return {**SWAGGER, **members}


def with_integration(**members: Any) -> dict[str, Any]:
    given = {"type": "mock", **members}
    return changed(paths={"/": {"get": {"x-amazon-apigateway-integration": given}}})


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ("{", BAD),
        ("[1]", BAD),
        ("a: &b [1]\nopenapi: *b", BAD),
        ({"openapi": "4.0.0"}, BAD),
        (changed(info={}), BAD),
        (changed(paths={"toys": {}}), BAD),
        (changed(paths={"/{a}b": {"get": {}}}), BAD),
        (changed(paths={"/a": {"$ref": "#/paths/~1a"}}), BAD),
        (changed(paths={"/a": {"get": {"security": [{"nobody": []}]}}}), BAD),
        (changed(definitions={"Toy": {"$ref": "#/definitions/No"}}), BAD),
        (changed(definitions={"Toy": {"type": "toy"}}), BAD),
        (with_integration(type="soap"), BAD),
        (with_integration(timeoutInMillis="long"), BAD),
        (with_integration(responses={"default": {"statusCode": 200, "responseParameters": {"method.response.header.a": "'1'"}}}), BAD),
        (with_integration(requestTemplates={"application/json": "#set($a = 1)"}), UNBUILT),
        (changed(**{"x-amazon-apigateway-policy": {"Version": "2012-10-17"}}), UNBUILT),
    ],
)  # fmt: skip
def test_what_is_no_document(gateway: Any, document: Any, wanted: tuple[int, str]) -> None:
    before = [one["id"] for one in gateway.get_rest_apis(limit=500)["items"]]
    body = document if isinstance(document, str) else json.dumps(document)
    assert refusal(gateway.import_rest_api, body=body.encode()) == wanted
    assert [one["id"] for one in gateway.get_rest_apis(limit=500)["items"]] == before


@pytest.mark.parametrize("junk", [None, True, "x", [1], {"a": 1}], ids=str)
def test_anything_anywhere(lab: Lab, gateway: Any, junk: Any) -> None:
    """Whatever stands at some place of a document: it is imported, or refused as the caller's mistake."""
    http = lab.client("apigatewayv2")

    def outcomes(document: Any) -> tuple[int, int]:
        body = json.dumps(document)
        rest = status(lambda: gateway.import_rest_api(body=body.encode()))
        return rest, status(lambda: http.import_api(Body=body))

    assert outcomes(DOCUMENT) == (201, 201)
    for place in PLACES:
        for found in outcomes(with_junk(place, junk)):
            assert found in (201, 400, 501), place
    for one in gateway.get_rest_apis(limit=500)["items"]:
        gateway.delete_rest_api(restApiId=one["id"])
    for one in http.get_apis(MaxResults="1000")["Items"]:
        http.delete_api(ApiId=one["ApiId"])


def status(call: Callable[[], Any]) -> int:
    """With which the call is answered."""
    try:
        answer = call()
    except ClientError as error:
        answer = error.response
    found: int = answer["ResponseMetadata"]["HTTPStatusCode"]
    return found
