"""API Gateway's operations on who may pass and what else is said: authorizers, keys, plans, gateway responses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.apigateway.conftest import patch, refusal
from tests.api.apigateway.test_apis import BAD, CONFLICT, NOT_FOUND, UNBUILT, Api, F, Place

TOKEN = {
    "name": "a",
    "type": "TOKEN",
    "authorizerUri": F,
    "identitySource": "method.request.header.Authorization",
}


def test_authorizers(gateway: Any, api: Api, place: Place) -> None:
    named = {"restApiId": api["id"]}
    made = gateway.create_authorizer(**named, **TOKEN)
    assert (made["authorizerResultTtlInSeconds"], made["authType"]) == (300, "custom")
    identity = made["id"]
    changed = gateway.update_authorizer(
        **named,
        authorizerId=identity,
        patchOperations=patch(
            ("replace", "/authorizerResultTtlInSeconds", "0"),
            ("replace", "/identityValidationExpression", "a+"),
        ),
    )
    assert (changed["authorizerResultTtlInSeconds"], changed["identityValidationExpression"]) == (0, "a+")
    use = patch(("replace", "/authorizationType", "CUSTOM"), ("replace", "/authorizerId", identity))
    gateway.update_method(**place, patchOperations=use)
    assert refusal(gateway.delete_authorizer, **named, authorizerId=identity) == CONFLICT
    gateway.update_method(
        **place, patchOperations=patch(("replace", "/authorizationType", "NONE"), ("remove", "/authorizerId"))
    )
    gateway.delete_authorizer(**named, authorizerId=identity)
    assert gateway.get_authorizers(**named)["items"] == []


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"type": "COGNITO_USER_POOLS", "providerARNs": ["x"]}, UNBUILT),
        ({"identitySource": "method.request.querystring.a"}, BAD),
        ({"identitySource": None}, BAD),
        ({"type": "REQUEST", "identitySource": None}, BAD),
        ({"type": "REQUEST", "identitySource": "method.request.body"}, BAD),
        ({"authorizerResultTtlInSeconds": 3601}, BAD),
        ({"authorizerUri": "https://a.example"}, BAD),
        ({"identityValidationExpression": "("}, BAD),
    ],
)
def test_what_is_no_authorizer(
    gateway: Any, api: Api, members: dict[str, Any], wanted: tuple[int, str]
) -> None:
    given = {name: value for name, value in {**TOKEN, **members}.items() if value is not None}
    assert refusal(gateway.create_authorizer, restApiId=api["id"], **given) == wanted


def test_gateway_responses(gateway: Any, api: Api) -> None:
    named = {"restApiId": api["id"], "responseType": "ACCESS_DENIED"}
    general = gateway.get_gateway_response(**named)
    assert (general["statusCode"], general["defaultResponse"]) == ("403", True)
    gateway.put_gateway_response(**named, statusCode="404")
    changed = gateway.update_gateway_response(
        **named,
        patchOperations=patch(
            ("add", "/responseParameters/gatewayresponse.header.x", "'1'"),
            ("replace", "/responseTemplates/application~1json", "{}"),
        ),
    )
    assert (changed["statusCode"], changed["defaultResponse"]) == ("404", False)
    assert changed["responseParameters"] == {"gatewayresponse.header.x": "'1'"}
    assert len(gateway.get_gateway_responses(restApiId=api["id"], limit=500)["items"]) == 21
    gateway.delete_gateway_response(**named)
    assert refusal(gateway.delete_gateway_response, **named) == NOT_FOUND
    for members, wanted in (
        ({"statusCode": "99"}, BAD),
        ({"responseParameters": {"header.x": "'1'"}}, BAD),
        ({"responseTemplates": {"a/b": "#stop"}}, UNBUILT),
        ({"responseType": "TEAPOT"}, BAD),
    ):
        given = {**named, **members}
        assert refusal(gateway.put_gateway_response, **given) == wanted, members


def test_keys(gateway: Any) -> None:
    made = gateway.create_api_key(name="mine", enabled=True, value="v" * 20, customerId="c1")
    assert made["value"] == "v" * 20
    assert "value" not in gateway.get_api_key(apiKey=made["id"])
    assert gateway.get_api_key(apiKey=made["id"], includeValue=True)["value"] == "v" * 20
    assert [one["id"] for one in gateway.get_api_keys(nameQuery="mi", customerId="c1")["items"]] == [
        made["id"]
    ]
    assert gateway.get_api_keys(nameQuery="other")["items"] == []
    changed = gateway.update_api_key(
        apiKey=made["id"], patchOperations=patch(("replace", "/enabled", "false"), ("add", "/stages", "a/b"))
    )
    assert (changed["enabled"], changed["stageKeys"]) == (False, ["a/b"])
    assert refusal(gateway.create_api_key, value="v" * 20) == CONFLICT
    assert refusal(gateway.create_api_key, value="v" * 19) == BAD
    gateway.delete_api_key(apiKey=made["id"])
    assert refusal(gateway.get_api_key, apiKey=made["id"]) == NOT_FOUND


def test_plans(gateway: Any, api: Api, place: Place) -> None:
    gateway.put_integration(**place, type="MOCK")
    gateway.create_deployment(restApiId=api["id"], stageName="dev")
    stage = f"{api['id']}:dev"
    plan = gateway.create_usage_plan(name="p", throttle={"rateLimit": 1.5, "burstLimit": 2})
    key = gateway.create_api_key(name="k")

    def update(*operations: tuple[str, ...]) -> Any:
        return gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=patch(*operations))

    changed = update(
        ("add", "/apiStages", stage),
        ("replace", "/quota/limit", "5"),
        ("replace", "/quota/period", "WEEK"),
        ("replace", "/quota/offset", "6"),
        ("replace", f"/apiStages/{stage}/throttle/~1pets/GET/rateLimit", "2.5"),
        ("replace", f"/apiStages/{stage}/throttle/~1pets/GET/burstLimit", "3"),
        ("remove", "/throttle"),
    )
    assert changed["quota"] == {"limit": 5, "period": "WEEK", "offset": 6}
    assert changed["apiStages"] == [
        {"apiId": api["id"], "stage": "dev", "throttle": {"/pets/GET": {"rateLimit": 2.5, "burstLimit": 3}}}
    ]
    assert "throttle" not in changed
    named = {"usagePlanId": plan["id"], "keyId": key["id"]}
    gateway.create_usage_plan_key(**named, keyType="API_KEY")
    assert refusal(gateway.create_usage_plan_key, **named, keyType="API_KEY") == CONFLICT
    assert gateway.get_usage_plan_key(**named)["name"] == "k"
    assert [one["id"] for one in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]] == [key["id"]]
    assert [one["id"] for one in gateway.get_usage_plans(keyId=key["id"])["items"]] == [plan["id"]]
    for wrong in (
        ("add", "/apiStages", "nothing:dev"),
        ("add", "/apiStages", f"{api['id']}:nothing"),
        ("replace", "/quota/offset", "7"),
        ("replace", "/quota/period", "YEAR"),
        ("replace", f"/apiStages/{stage}/throttle/~1pets/GET/rate", "1"),
        ("replace", f"/apiStages/{stage}/throttle/~1pets/GET/rateLimit", "fast"),
        ("replace", "/apiStages", stage),
        ("remove", "/apiStages", "a:b"),
    ):
        assert refusal(update, wrong)[0] in (400, 404), wrong
    assert refusal(gateway.delete_usage_plan, usagePlanId=plan["id"]) == BAD  # it has a stage
    for dates in (("2026-01-01", "2026-05-01"), ("2026-01-02", "2026-01-01"), ("today", "2026-01-01")):
        ask = {"usagePlanId": plan["id"], "startDate": dates[0], "endDate": dates[1]}
        assert refusal(gateway.get_usage, **ask) == BAD
    gateway.delete_api_key(apiKey=key["id"])  # leaves its plans
    assert gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"] == []
    update(("remove", f"/apiStages/{stage}/throttle"), ("remove", "/apiStages", stage))
    gateway.delete_usage_plan(usagePlanId=plan["id"])
    assert refusal(gateway.get_usage_plan, usagePlanId=plan["id"]) == NOT_FOUND
