"""API Gateway's operations on HTTP and WebSocket APIs, by boto3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lablambda.client import Lab
from tests.api_clients import ARN, code_of

F = f"{ARN}f"


@pytest.fixture(scope="module")
def gateway(lab: Lab) -> Any:
    from botocore.config import Config

    return lab.client("apigatewayv2", config=Config(retries={"max_attempts": 0}, parameter_validation=False))


@pytest.fixture
def api(gateway: Any) -> Iterator[str]:
    identity = gateway.create_api(Name="test", ProtocolType="HTTP")["ApiId"]
    yield identity
    gateway.delete_api(ApiId=identity)


@pytest.fixture
def integration(gateway: Any, api: str) -> str:
    made = gateway.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=F, PayloadFormatVersion="2.0"
    )
    return str(made["IntegrationId"])


def test_an_api_is_made_changed_and_deleted(gateway: Any) -> None:
    made = gateway.create_api(
        Name="x", ProtocolType="HTTP", Tags={"a": "1"}, CorsConfiguration={"AllowOrigins": ["*"]}
    )
    identity = made["ApiId"]
    assert made["ApiEndpoint"].endswith(f"/execute-api/{identity}")
    assert made["RouteSelectionExpression"] == "$request.method $request.path"
    changed = gateway.update_api(ApiId=identity, Description="new", DisableExecuteApiEndpoint=True)
    assert (changed["Description"], changed["DisableExecuteApiEndpoint"], changed["Name"]) == (
        "new",
        True,
        "x",
    )
    assert gateway.get_api(ApiId=identity)["CorsConfiguration"] == {"AllowOrigins": ["*"]}
    gateway.delete_cors_configuration(ApiId=identity)
    assert "CorsConfiguration" not in gateway.get_api(ApiId=identity)
    assert identity in [api["ApiId"] for api in gateway.get_apis()["Items"]]
    gateway.delete_api(ApiId=identity)
    assert code_of(lambda: gateway.get_api(ApiId=identity))[:2] == (404, "NotFoundException")


def test_a_websocket_api(gateway: Any) -> None:
    selection = "$request.body.action"
    made = gateway.create_api(Name="x", ProtocolType="WEBSOCKET", RouteSelectionExpression=selection)
    assert made["ApiEndpoint"].startswith("wss://")
    route = gateway.create_route(ApiId=made["ApiId"], RouteKey="$connect")
    response = gateway.create_route_response(
        ApiId=made["ApiId"], RouteId=route["RouteId"], RouteResponseKey="$default"
    )
    listed = gateway.get_route_responses(ApiId=made["ApiId"], RouteId=route["RouteId"])["Items"]
    assert [one["RouteResponseId"] for one in listed] == [response["RouteResponseId"]]
    gateway.delete_api(ApiId=made["ApiId"])


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"ProtocolType": "WEBSOCKET"}, "Route selection expression is required"),
        ({"ProtocolType": "HTTP", "RouteSelectionExpression": "$request.path"}, "must be '$request.method"),
        ({"ProtocolType": "SOAP"}, "SOAP"),
        ({"ProtocolType": "HTTP", "Target": "arn:aws:lambda:nowhere"}, "Invalid function ARN"),
        ({"ProtocolType": "HTTP", "Target": F, "RouteKey": "GET pets"}, "not formatted properly"),
        (
            {"ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["*"], "AllowCredentials": True}},
            "origin *",
        ),
        (
            {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.a", "Target": F},
            "only supported for HTTP",
        ),
    ],
)
def test_what_is_no_api(gateway: Any, members: dict[str, Any], told: str) -> None:
    status, code, text = code_of(lambda: gateway.create_api(Name="x", **members))
    assert (status, code) == (400, "BadRequestException")
    assert told in text


@pytest.mark.parametrize(
    "key",
    ["GET", "get /a", "GET a", "FETCH /a", "GET /{a+}/b", "GET /{a}/{a}", "GET /x{a}", "GET /{", "$connect"],
)
def test_what_is_no_route(gateway: Any, api: str, key: str) -> None:
    assert code_of(lambda: gateway.create_route(ApiId=api, RouteKey=key))[:2] == (400, "BadRequestException")


def test_routes(gateway: Any, api: str, integration: str) -> None:
    target = f"integrations/{integration}"
    made = gateway.create_route(ApiId=api, RouteKey="GET /a", Target=target)
    assert made["AuthorizationType"] == "NONE"
    again = code_of(lambda: gateway.create_route(ApiId=api, RouteKey="GET /a"))
    assert again[:2] == (409, "ConflictException")
    changed = gateway.update_route(ApiId=api, RouteId=made["RouteId"], RouteKey="GET /b")
    assert (changed["RouteKey"], changed["Target"]) == ("GET /b", target)
    absent = code_of(lambda: gateway.create_route(ApiId=api, RouteKey="GET /c", Target="integrations/none"))
    assert absent[:2] == (404, "NotFoundException")
    used = code_of(lambda: gateway.delete_integration(ApiId=api, IntegrationId=integration))
    assert used[:2] == (409, "ConflictException")
    gateway.delete_route(ApiId=api, RouteId=made["RouteId"])
    gateway.delete_integration(ApiId=api, IntegrationId=integration)
    assert gateway.get_routes(ApiId=api)["Items"] == []


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"IntegrationType": "AWS_PROXY", "IntegrationUri": F}, "PayloadFormatVersion"),
        ({"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"}, "Invalid function ARN"),
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "ftp://x", "PayloadFormatVersion": "1.0"}, "HTTP endpoint"),
        ({"IntegrationType": "MOCK", "PayloadFormatVersion": "1.0"}, "not supported for HTTP"),
        ({"IntegrationType": "AWS_PROXY", "IntegrationUri": F, "PayloadFormatVersion": "2.0", "TimeoutInMillis": 9},
         "timeoutInMillis"),
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x", "PayloadFormatVersion": "1.0",
          "RequestParameters": {"append:header.authorization": "x"}}, "restricted"),
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x", "PayloadFormatVersion": "1.0",
          "RequestParameters": {"set:header.a": "x"}}, "Invalid mapping expression"),
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://x", "PayloadFormatVersion": "1.0",
          "ResponseParameters": {"9": {"append:header.a": "x"}}}, "no status code"),
    ],
)  # fmt: skip
def test_what_is_no_integration(gateway: Any, api: str, members: dict[str, Any], told: str) -> None:
    status, code, text = code_of(lambda: gateway.create_integration(ApiId=api, **members))
    assert (status, code) == (400, "BadRequestException")
    assert told in text


def test_what_isnt_built_says_so(gateway: Any, api: str) -> None:
    made = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationSubtype": "SQS-SendMessage",
        "PayloadFormatVersion": "1.0",
    }
    assert code_of(lambda: gateway.create_integration(ApiId=api, **made))[0] == 501
    assert code_of(lambda: gateway.get_domain_names())[0] == 501


JWT = {"Issuer": "https://issuer.example", "Audience": ["me"]}
SOURCE = ["$request.header.Authorization"]


def test_authorizers(gateway: Any, api: str, integration: str) -> None:
    made = gateway.create_authorizer(
        ApiId=api, Name="a", AuthorizerType="JWT", IdentitySource=SOURCE, JwtConfiguration=JWT
    )
    identity = made["AuthorizerId"]
    gateway.create_route(ApiId=api, RouteKey="GET /a", AuthorizationType="JWT", AuthorizerId=identity)
    used = code_of(lambda: gateway.delete_authorizer(ApiId=api, AuthorizerId=identity))
    assert used[:2] == (409, "ConflictException")
    for members in (
        {"AuthorizationType": "JWT"},
        {"AuthorizationType": "CUSTOM", "AuthorizerId": identity},
        {"AuthorizationType": "NONE", "AuthorizationScopes": ["a"]},
    ):
        wrong = code_of(lambda given=members: gateway.create_route(ApiId=api, RouteKey="GET /b", **given))  # type: ignore[misc]
        assert wrong[:2] == (400, "BadRequestException")


@pytest.mark.parametrize(
    "members",
    [
        {"AuthorizerType": "JWT", "JwtConfiguration": {"Issuer": "https://x"}},
        {"AuthorizerType": "JWT", "JwtConfiguration": {"Issuer": "x", "Audience": ["a"]}},
        {
            "AuthorizerType": "JWT",
            "JwtConfiguration": JWT,
            "IdentitySource": ["$request.header.a", "$request.header.b"],
        },
        {"AuthorizerType": "REQUEST", "AuthorizerUri": F},
        {"AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0"},
        {
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": F,
            "AuthorizerPayloadFormatVersion": "2.0",
            "AuthorizerResultTtlInSeconds": 3601,
        },
    ],
)
def test_what_is_no_authorizer(gateway: Any, api: str, members: dict[str, Any]) -> None:
    given = {"Name": "a", "IdentitySource": SOURCE, **members}
    assert code_of(lambda: gateway.create_authorizer(ApiId=api, **given))[:2] == (400, "BadRequestException")


def test_stages_and_deployments(gateway: Any, api: str, integration: str) -> None:
    early = code_of(lambda: gateway.create_deployment(ApiId=api))
    assert early[:2] == (400, "BadRequestException")
    gateway.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration}")
    first = gateway.create_deployment(ApiId=api)["DeploymentId"]
    made = gateway.create_stage(ApiId=api, StageName="prod", DeploymentId=first, StageVariables={"a": "1"})
    assert (made["DeploymentId"], made["StageVariables"]) == (first, {"a": "1"})
    second = gateway.create_deployment(ApiId=api, StageName="prod", Description="two")["DeploymentId"]
    assert gateway.get_stage(ApiId=api, StageName="prod")["DeploymentId"] == second
    active = code_of(lambda: gateway.delete_deployment(ApiId=api, DeploymentId=second))
    assert active[:2] == (400, "BadRequestException")
    gateway.delete_deployment(ApiId=api, DeploymentId=first)
    assert [one["DeploymentId"] for one in gateway.get_deployments(ApiId=api)["Items"]] == [second]
    assert code_of(lambda: gateway.create_stage(ApiId=api, StageName="prod"))[:2] == (
        409,
        "ConflictException",
    )
    assert code_of(lambda: gateway.create_stage(ApiId=api, StageName="a b"))[:2] == (
        400,
        "BadRequestException",
    )
    gateway.delete_stage(ApiId=api, StageName="prod")
    assert gateway.get_stages(ApiId=api)["Items"] == []


def test_a_stage_that_deploys_by_itself(gateway: Any, api: str, integration: str) -> None:
    first = gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)["DeploymentId"]
    gateway.create_route(ApiId=api, RouteKey="GET /a", Target=f"integrations/{integration}")
    stage = gateway.get_stage(ApiId=api, StageName="$default")
    assert stage["DeploymentId"] != first
    assert stage["LastDeploymentStatusMessage"].startswith("Successfully deployed")
    gateway.update_stage(ApiId=api, StageName="$default", StageVariables={"a": "1"})
    assert gateway.get_stage(ApiId=api, StageName="$default")["DeploymentId"] == stage["DeploymentId"]
    for number in range(15):
        gateway.create_route(ApiId=api, RouteKey=f"GET /{number}")
    assert len(gateway.get_deployments(ApiId=api)["Items"]) <= 11  # the oldest are cleared away


def test_settings_of_routes(gateway: Any, api: str) -> None:
    gateway.create_stage(ApiId=api, StageName="s", RouteSettings={"GET /a": {"ThrottlingBurstLimit": 1}})
    gateway.update_stage(ApiId=api, StageName="s", RouteSettings={"GET /b": {"ThrottlingBurstLimit": 2}})
    assert set(gateway.get_stage(ApiId=api, StageName="s")["RouteSettings"]) == {"GET /a", "GET /b"}
    gateway.delete_route_settings(ApiId=api, StageName="s", RouteKey="GET /a")
    assert set(gateway.get_stage(ApiId=api, StageName="s")["RouteSettings"]) == {"GET /b"}
    gateway.update_stage(ApiId=api, StageName="s", AccessLogSettings={"Format": "$context.status"})
    gateway.delete_access_log_settings(ApiId=api, StageName="s")
    assert "AccessLogSettings" not in gateway.get_stage(ApiId=api, StageName="s")


def test_tags(gateway: Any, api: str) -> None:
    gateway.create_stage(ApiId=api, StageName="s", Tags={"stage": "1"})
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}"
    gateway.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
    gateway.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert gateway.get_tags(ResourceArn=arn)["Tags"] == {"b": "2"}
    assert gateway.get_tags(ResourceArn=f"{arn}/stages/s")["Tags"] == {"stage": "1"}
    assert code_of(lambda: gateway.get_tags(ResourceArn="arn:aws:s3:::b"))[:2] == (400, "BadRequestException")


def test_pages(gateway: Any, api: str) -> None:
    for number in range(5):
        gateway.create_route(ApiId=api, RouteKey=f"GET /{number}")
    first = gateway.get_routes(ApiId=api, MaxResults="3")
    rest = gateway.get_routes(ApiId=api, NextToken=first["NextToken"])
    assert (len(first["Items"]), len(rest["Items"])) == (3, 2)
    assert code_of(lambda: gateway.get_routes(ApiId=api, MaxResults="many"))[:2] == (
        400,
        "BadRequestException",
    )
