"""API Gateway's operations on REST APIs as a whole: the tree, methods, integrations, stages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lablambda.api.apigateway.patches import PATCHES
from lablambda.api.apigateway.table import APIGATEWAY
from lablambda.api.shapes import Service
from tests.api.apigateway.conftest import patch, refusal
from tests.api_clients import code_of

F = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
Api = dict[str, Any]
Place = dict[str, str]
BAD, NOT_FOUND, CONFLICT = (
    (400, "BadRequestException"),
    (404, "NotFoundException"),
    (409, "ConflictException"),
)
UNBUILT = (501, "NotImplementedException")


def test_each_operation_and_each_patch_is_of_the_model() -> None:
    service = Service("apigateway")
    assert [name for name in APIGATEWAY if name not in service.operations] == []
    assert [noun for noun in PATCHES if f"Update{noun}" not in APIGATEWAY] == []


def test_an_api_is_made_changed_and_deleted(gateway: Any) -> None:
    made = gateway.create_rest_api(
        name="x", description="old", tags={"a": "1"}, binaryMediaTypes=["image/png"]
    )
    identity = made["id"]
    assert (made["apiKeySource"], made["endpointConfiguration"]["types"]) == ("HEADER", ["EDGE"])
    assert [one["path"] for one in gateway.get_resources(restApiId=identity)["items"]] == ["/"]
    assert sorted(one["name"] for one in gateway.get_models(restApiId=identity)["items"]) == [
        "Empty",
        "Error",
    ]
    changed = gateway.update_rest_api(
        restApiId=identity,
        patchOperations=patch(
            ("replace", "/name", "y"),
            ("add", "/binaryMediaTypes/application~1pdf"),
            ("remove", "/binaryMediaTypes/image~1png"),
            ("replace", "/endpointConfiguration/types/EDGE", "REGIONAL"),
            ("replace", "/disableExecuteApiEndpoint", "true"),
        ),
    )
    assert (changed["name"], changed["binaryMediaTypes"]) == ("y", ["application/pdf"])
    assert (changed["endpointConfiguration"]["types"], changed["disableExecuteApiEndpoint"]) == (
        ["REGIONAL"],
        True,
    )
    assert gateway.get_rest_api(restApiId=identity)["createdDate"] == made["createdDate"]
    assert identity in [one["id"] for one in gateway.get_rest_apis(limit=500)["items"]]
    gateway.delete_rest_api(restApiId=identity)
    assert refusal(gateway.get_rest_api, restApiId=identity) == NOT_FOUND


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"name": "x", "policy": "{}"}, UNBUILT),
        ({"name": "x", "endpointConfiguration": {"types": ["PRIVATE"]}}, UNBUILT),
        ({"name": "x", "minimumCompressionSize": 0}, UNBUILT),
        ({"name": "x", "cloneFrom": "abc"}, UNBUILT),
        ({"name": "x", "apiKeySource": "COOKIE"}, BAD),
        ({}, BAD),
    ],
)
def test_what_is_no_api(gateway: Any, members: dict[str, Any], wanted: tuple[int, str]) -> None:
    assert refusal(gateway.create_rest_api, **members) == wanted


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (("replace", "/createdDate", "1"), "Invalid patch path  '/createdDate' specified for op 'replace'"),
        (("add", "/name", "x"), "Must be one of"),
        (("replace", "/name"), "needs a value"),
        (("replace", "/disableExecuteApiEndpoint", "yes"), "true or false"),
        (("replace", "/minimumCompressionSize", "few"), "a number is expected"),
        (("replace", "/apiKeySource", "COOKIE"), "enum value set"),
        (("move", "/name", "x"), "Must be one of: []"),
    ],
)
def test_what_is_no_patch(gateway: Any, api: Api, operation: tuple[str, ...], told: str) -> None:
    def update() -> Any:
        return gateway.update_rest_api(restApiId=api["id"], patchOperations=patch(operation))

    status, code, message = code_of(update)
    assert ((status, code), told in message) == (BAD, True), message


def test_moto_answers_for_nothing_of_it(gateway: Any) -> None:
    for call in (gateway.get_vpc_links, gateway.get_domain_names, gateway.get_client_certificates):
        assert refusal(call) == UNBUILT


def test_the_tree(gateway: Any, api: Api) -> None:
    def create(parent: str, part: str) -> str:
        return str(gateway.create_resource(restApiId=api["id"], parentId=parent, pathPart=part)["id"])

    pets = create(api["rootResourceId"], "pets")
    one = create(pets, "{id}")
    rest = create(one, "{rest+}")
    named = {"restApiId": api["id"], "resourceId": rest}
    assert gateway.get_resource(**named)["path"] == "/pets/{id}/{rest+}"
    gateway.update_resource(
        restApiId=api["id"], resourceId=pets, patchOperations=patch(("replace", "/pathPart", "animals"))
    )
    assert gateway.get_resource(**named)["path"] == "/animals/{id}/{rest+}"
    root = api["rootResourceId"]
    assert refusal(create, root, "animals") == CONFLICT
    for parent, part in ((pets, "{other}"), (rest, "below"), (root, "{a}b"), (root, "a/b"), (root, "")):
        assert refusal(create, parent, part) == BAD, part
    assert refusal(create, "nothing", "a") == NOT_FOUND

    def move() -> Any:
        below = patch(("replace", "/parentId", one))
        return gateway.update_resource(restApiId=api["id"], resourceId=pets, patchOperations=below)

    assert refusal(move) == BAD  # below itself
    gateway.delete_resource(restApiId=api["id"], resourceId=pets)
    assert [one["path"] for one in gateway.get_resources(restApiId=api["id"])["items"]] == ["/"]
    assert refusal(gateway.delete_resource, restApiId=api["id"], resourceId=root) == BAD


def test_methods(gateway: Any, api: Api, place: Place) -> None:
    changed = gateway.update_method(
        **place,
        patchOperations=patch(
            ("replace", "/apiKeyRequired", "true"),
            ("add", "/requestParameters/method.request.querystring.q", "true"),
            ("add", "/requestModels/application~1json", "Empty"),
        ),
    )
    assert changed["requestParameters"] == {"method.request.querystring.q": True}
    assert (changed["apiKeyRequired"], changed["requestModels"]) == (True, {"application/json": "Empty"})
    gateway.put_method_response(**place, statusCode="200", responseModels={"application/json": "Error"})
    gateway.update_method_response(
        **place,
        statusCode="200",
        patchOperations=patch(("add", "/responseParameters/method.response.header.x", "false")),
    )
    assert gateway.get_method(**place)["methodResponses"]["200"]["responseParameters"] == {
        "method.response.header.x": False
    }
    embedded = gateway.get_resource(restApiId=api["id"], resourceId=place["resourceId"], embed=["methods"])
    assert embedded["resourceMethods"]["GET"]["apiKeyRequired"] is True
    plain = gateway.get_resource(restApiId=api["id"], resourceId=place["resourceId"])
    assert plain["resourceMethods"] == {"GET": {}}
    gateway.delete_method_response(**place, statusCode="200")
    assert refusal(gateway.get_method_response, **place, statusCode="200") == NOT_FOUND
    gateway.delete_method(**place)
    assert refusal(gateway.get_method, **place) == NOT_FOUND


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"httpMethod": "GET"}, CONFLICT),
        ({"httpMethod": "TRACE"}, BAD),
        ({"authorizationType": "SOME"}, BAD),
        ({"authorizationType": "CUSTOM"}, BAD),
        ({"authorizationType": "COGNITO_USER_POOLS"}, UNBUILT),
        ({"requestParameters": {"method.request.cookie.a": True}}, BAD),
        ({"requestModels": {"application/json": "None"}}, BAD),
        ({"requestValidatorId": "nobody"}, BAD),
        ({"resourceId": "nowhere"}, NOT_FOUND),
    ],
)
def test_what_is_no_method(
    gateway: Any, place: Place, members: dict[str, Any], wanted: tuple[int, str]
) -> None:
    given = {**place, "httpMethod": "PUT", "authorizationType": "NONE", **members}
    assert refusal(gateway.put_method, **given) == wanted


def test_integrations(gateway: Any, place: Place) -> None:
    made = gateway.put_integration(**place, type="AWS", integrationHttpMethod="POST", uri=F)
    assert (made["timeoutInMillis"], made["passthroughBehavior"], made["httpMethod"]) == (
        29_000,
        "WHEN_NO_MATCH",
        "POST",
    )
    gateway.put_method_response(
        **place, statusCode="200", responseParameters={"method.response.header.x": True}
    )
    gateway.put_integration_response(**place, statusCode="200", selectionPattern="")
    changed = gateway.update_integration_response(
        **place,
        statusCode="200",
        patchOperations=patch(
            ("add", "/responseParameters/method.response.header.x", "'1'"),
            ("add", "/responseTemplates/application~1json", "$input.json('$')"),
            ("replace", "/selectionPattern", "a.*"),
        ),
    )
    assert (changed["responseParameters"], changed["selectionPattern"]) == (
        {"method.response.header.x": "'1'"},
        "a.*",
    )
    changed = gateway.update_integration(
        **place,
        patchOperations=patch(
            ("replace", "/timeoutInMillis", "50"),
            ("add", "/requestTemplates/application~1json", '{"a": $input.json("$.b")}'),
            ("replace", "/passthroughBehavior", "NEVER"),
        ),
    )
    assert (changed["timeoutInMillis"], changed["passthroughBehavior"]) == (50, "NEVER")
    assert list(gateway.get_integration(**place)["integrationResponses"]) == ["200"]
    gateway.delete_integration_response(**place, statusCode="200")
    gateway.delete_integration(**place)
    assert refusal(gateway.get_integration, **place) == NOT_FOUND


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"uri": "arn:aws:lambda:nowhere"}, BAD),
        ({"uri": F.replace("lambda:path", "sqs:path").replace(":lambda:", ":sqs:")}, UNBUILT),
        ({"integrationHttpMethod": ""}, BAD),
        ({"timeoutInMillis": 49}, BAD),
        ({"timeoutInMillis": 30_000}, BAD),
        ({"type": "SOAP"}, BAD),
        ({"type": "HTTP_PROXY", "uri": "ftp://a"}, BAD),
        ({"connectionType": "VPC_LINK"}, UNBUILT),
        ({"type": "AWS_PROXY", "responseTransferMode": "STREAM"}, BAD),  # the URI doesn't
        ({"type": "HTTP_PROXY", "uri": "http://a", "responseTransferMode": "STREAM"}, UNBUILT),
        ({"requestParameters": {"integration.request.cookie.a": "'1'"}}, BAD),
        ({"requestParameters": {"integration.request.header.a": "method.request.cookie.a"}}, BAD),
        ({"requestTemplates": {"application/json": "#set($a = 1) $a"}}, UNBUILT),
        ({"requestTemplates": {"application/json": "#foreach($a in $input.path('$'))$a#end"}}, UNBUILT),
        ({"requestTemplates": {"application/json": "$util.parseJson('{}')"}}, UNBUILT),
        ({"requestTemplates": {"application/json": "$input.path('$..a')"}}, UNBUILT),
    ],
)
def test_what_is_no_integration(
    gateway: Any, place: Place, members: dict[str, Any], wanted: tuple[int, str]
) -> None:
    given = {**place, "type": "AWS", "integrationHttpMethod": "POST", "uri": F, **members}
    assert refusal(gateway.put_integration, **given) == wanted


def test_what_is_no_integration_response(gateway: Any, place: Place) -> None:
    def put(**members: Any) -> tuple[int, str]:
        return refusal(gateway.put_integration_response, **place, **members)

    mapped = {"responseParameters": {"method.response.header.x": "'1'"}}
    assert put(statusCode="200") == NOT_FOUND
    gateway.put_integration(**place, type="MOCK")
    assert put(statusCode="200", **mapped) == BAD  # no method response
    gateway.put_method_response(**place, statusCode="200")
    assert put(statusCode="200", **mapped) == BAD  # which doesn't name it
    assert put(statusCode="200", selectionPattern="(") == BAD
    assert put(statusCode="200", responseTemplates={"application/json": "#if(true)a#end"}) == UNBUILT


def test_stages_and_deployments(gateway: Any, api: Api, place: Place) -> None:
    named = {"restApiId": api["id"]}
    assert refusal(gateway.create_deployment, **named) == BAD  # no integration
    gateway.put_integration(**place, type="MOCK")
    first = gateway.create_deployment(**named, stageName="dev", variables={"a": "1"}, description="first")
    assert first["apiSummary"] == {"/": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    second = gateway.create_deployment(**named)
    stage = gateway.create_stage(**named, stageName="prod", deploymentId=second["id"], tags={"a": "1"})
    assert stage["methodSettings"] == {}
    assert refusal(gateway.create_stage, **named, stageName="prod", deploymentId=second["id"]) == CONFLICT
    assert refusal(gateway.create_stage, **named, stageName="x", deploymentId="no") == NOT_FOUND
    assert refusal(gateway.create_stage, **named, stageName="a b", deploymentId=second["id"]) == BAD
    changed = gateway.update_stage(
        **named,
        stageName="dev",
        patchOperations=patch(
            ("replace", "/deploymentId", second["id"]),
            ("replace", "/variables/b", "2"),
            ("remove", "/variables/a"),
            ("replace", "/*/*/logging/loglevel", "INFO"),
            ("replace", "/~1pets~1{id}/GET/throttling/rateLimit", "1.5"),
            ("replace", "/pets/POST/throttling/burstLimit", "2"),
        ),
    )
    assert changed["variables"] == {"b": "2"}
    assert changed["methodSettings"] == {
        "*/*": {"loggingLevel": "INFO"},
        "pets/{id}/GET": {"throttlingRateLimit": 1.5},
        "pets/POST": {"throttlingBurstLimit": 2},
    }
    changed = gateway.update_stage(
        **named, stageName="dev", patchOperations=patch(("remove", "/pets/POST"), ("remove", "/*/*"))
    )
    assert list(changed["methodSettings"]) == ["pets/{id}/GET"]
    assert {one["stageName"] for one in gateway.get_stages(**named, deploymentId=second["id"])["item"]} == {
        "dev",
        "prod",
    }
    assert refusal(gateway.delete_deployment, **named, deploymentId=second["id"]) == BAD
    gateway.delete_deployment(**named, deploymentId=first["id"])
    assert [one["id"] for one in gateway.get_deployments(**named)["items"]] == [second["id"]]
    gateway.delete_stage(**named, stageName="dev")
    assert refusal(gateway.get_stage, **named, stageName="dev") == NOT_FOUND


@pytest.mark.parametrize(
    "operation",
    [
        ("replace", "/cacheClusterEnabled", "true"),
        ("replace", "/canarySettings/percentTraffic", "10"),
        ("replace", "/*/*/caching/enabled", "true"),
    ],
)
def test_what_stages_havent(gateway: Any, api: Api, place: Place, operation: tuple[str, str, str]) -> None:
    gateway.put_integration(**place, type="MOCK")
    gateway.create_deployment(restApiId=api["id"], stageName="dev")

    def update() -> Any:
        return gateway.update_stage(restApiId=api["id"], stageName="dev", patchOperations=patch(operation))

    assert refusal(update) == UNBUILT


def test_the_account(gateway: Any) -> None:
    assert gateway.get_account()["throttleSettings"] == {"burstLimit": 5_000, "rateLimit": 10_000.0}
    role = "arn:aws:iam::000000000000:role/logs"
    gateway.update_account(patchOperations=patch(("replace", "/cloudwatchRoleArn", role)))
    assert gateway.get_account()["cloudwatchRoleArn"] == role


def test_pages(gateway: Any, api: Api) -> None:
    for n in range(3):
        gateway.create_request_validator(restApiId=api["id"], name=f"v{n}")
    pages = gateway.get_paginator("get_request_validators").paginate(
        restApiId=api["id"], PaginationConfig={"PageSize": 2}
    )
    assert [len(page["items"]) for page in pages] == [2, 1]
    assert refusal(gateway.get_resources, restApiId=api["id"], limit=0) == BAD


def test_tags(gateway: Any, api: Api, place: Place) -> None:
    gateway.put_integration(**place, type="MOCK")
    gateway.create_deployment(restApiId=api["id"], stageName="dev")
    key = gateway.create_api_key(name="k")
    plan = gateway.create_usage_plan(name="p")
    root = "arn:aws:apigateway:us-east-1::"
    arns = [
        f"/restapis/{api['id']}",
        f"/restapis/{api['id']}/stages/dev",
        f"/apikeys/{key['id']}",
        f"/usageplans/{plan['id']}",
    ]
    for arn in arns:
        gateway.tag_resource(resourceArn=root + arn, tags={"a": "1", "b": "2"})
        gateway.untag_resource(resourceArn=root + arn, tagKeys=["a"])
        assert gateway.get_tags(resourceArn=root + arn)["tags"] == {"b": "2"}, arn
    assert refusal(gateway.get_tags, resourceArn=f"{root}/nothing/1") == BAD
    gateway.delete_api_key(apiKey=key["id"])
    gateway.delete_usage_plan(usagePlanId=plan["id"])


def test_models_and_validators(gateway: Any, api: Api, place: Place) -> None:
    named = {"restApiId": api["id"]}
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}
    made = gateway.create_model(
        **named, name="Pet", contentType="application/json", schema=json.dumps(schema)
    )
    assert gateway.get_model(**named, modelName="Pet")["id"] == made["id"]
    changed = gateway.update_model(
        **named, modelName="Pet", patchOperations=patch(("replace", "/description", "new"))
    )
    assert changed["description"] == "new"
    for wrong in (
        "{",
        "[]",
        '{"type": "nothing"}',
        '{"$ref": "https://apigateway.amazonaws.com/restapis/x/models/No"}',
    ):
        update = patch(("replace", "/schema", wrong))
        refused = refusal(gateway.update_model, **named, modelName="Pet", patchOperations=update)
        assert refused == BAD, wrong
    gateway.update_method(**place, patchOperations=patch(("add", "/requestModels/application~1json", "Pet")))
    assert refusal(gateway.delete_model, **named, modelName="Pet") == CONFLICT
    validator = gateway.create_request_validator(**named, name="v", validateRequestBody=True)
    gateway.update_method(**place, patchOperations=patch(("replace", "/requestValidatorId", validator["id"])))
    assert refusal(gateway.delete_request_validator, **named, requestValidatorId=validator["id"]) == CONFLICT
    gateway.delete_method(**place)
    gateway.delete_model(**named, modelName="Pet")
    gateway.delete_request_validator(**named, requestValidatorId=validator["id"])
