"""API keys, usage plans and throttling of REST APIs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from lablambda.client import Lab
from tests.api_clients import Create
from tests.gateway.rest import AUTHORIZER, Made, Rest


@pytest.fixture
def plan(lab: Lab, rest: Made) -> Iterator[Callable[..., tuple[Rest, str, str, str]]]:
    """Makes an API with a method that needs a key, and a plan with a key; gives the ids of both and the key's value."""
    gateway = lab.client("apigateway")
    made: list[tuple[Rest, str, str]] = []

    def make(of_stage: dict[str, Any] | None = None, **members: Any) -> tuple[Rest, str, str, str]:
        api = rest()
        api.mock("GET /a", of_method={"apiKeyRequired": True})
        api.mock("GET /b", of_method={"apiKeyRequired": True})
        api.deploy()
        stages = [{"apiId": api.identity, "stage": "test", **(of_stage or {})}]
        plan = gateway.create_usage_plan(name="p", apiStages=stages, **members)["id"]
        key = gateway.create_api_key(name="k", enabled=True)
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        made.append((api, plan, key["id"]))
        return api, plan, key["id"], key["value"]

    yield make
    for api, plan, key in made:
        stage = {"op": "remove", "path": "/apiStages", "value": f"{api.identity}:test"}
        gateway.update_usage_plan(usagePlanId=plan, patchOperations=[stage])
        gateway.delete_usage_plan(usagePlanId=plan)
        gateway.delete_api_key(apiKey=key)


Planned = Callable[..., tuple[Rest, str, str, str]]


def test_a_key(rest: Made, plan: Planned, web: httpx.Client) -> None:
    api, _, key, value = plan()
    good = {"x-api-key": value}
    assert web.get(f"{api.address}/a", headers=good).json() == "ok"
    for headers in ({}, {"x-api-key": "x" * 40}):
        answer = web.get(f"{api.address}/a", headers=headers)
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    other = rest()
    other.mock("GET /a", of_method={"apiKeyRequired": True})
    assert web.get(f"{other.deploy()}/a", headers=good).status_code == 403  # the plan isn't for it
    off = {"op": "replace", "path": "/enabled", "value": "false"}
    api.gateway.update_api_key(apiKey=key, patchOperations=[off])
    assert web.get(f"{api.address}/a", headers=good).status_code == 403


def test_a_quota(lab: Lab, plan: Planned, web: httpx.Client) -> None:
    api, identity, key, value = plan(quota={"limit": 3, "period": "DAY"})

    def codes(count: int) -> list[int]:
        return [web.get(f"{api.address}/a", headers={"x-api-key": value}).status_code for _ in range(count)]

    assert codes(4) == [200, 200, 200, 429]
    answer = web.get(f"{api.address}/a", headers={"x-api-key": value})
    assert (answer.json(), answer.headers["x-amzn-errortype"]) == (
        {"message": "Limit Exceeded"},
        "LimitExceededException",
    )
    remaining = {"op": "replace", "path": "/remaining", "value": "1"}
    told = api.gateway.update_usage(usagePlanId=identity, keyId=key, patchOperations=[remaining])
    assert told["items"] == {key: [[3, 1]]}
    assert codes(2) == [200, 429]
    lab.clock.advance(86_400)
    assert codes(1) == [200]
    days = {"startDate": told["startDate"], "endDate": told["endDate"]}
    assert api.gateway.get_usage(usagePlanId=identity, keyId=key, **days)["items"] == {key: [[4, 0]]}


def test_a_plans_throttle(lab: Lab, plan: Planned, web: httpx.Client) -> None:
    """By the lab's clock."""
    own = {"throttle": {"/b/GET": {"burstLimit": 1, "rateLimit": 0.01}}}
    api, *_, value = plan(own, throttle={"burstLimit": 3, "rateLimit": 0.001})

    def codes(path: str, count: int) -> list[int]:
        return [
            web.get(f"{api.address}/{path}", headers={"x-api-key": value}).status_code for _ in range(count)
        ]

    assert codes("b", 2) == [200, 429]
    assert codes("a", 3) == [200, 200, 429]
    lab.clock.advance(1000)
    assert codes("a", 2) == [200, 429]


def test_a_key_that_an_authorizer_knows(rest: Made, plan: Planned, create: Create, web: httpx.Client) -> None:
    _, identity, _, value = plan()
    api = rest(apiKeySource="AUTHORIZER")
    authorizer = api.authorizer(
        create(AUTHORIZER), type="REQUEST", identitySource="method.request.header.x-word"
    )
    api.mock(
        "GET /a",
        of_method={"authorizationType": "CUSTOM", "authorizerId": authorizer, "apiKeyRequired": True},
    )
    address = api.deploy()
    stage = {"op": "add", "path": "/apiStages", "value": f"{api.identity}:test"}
    api.gateway.update_usage_plan(usagePlanId=identity, patchOperations=[stage])
    assert web.get(f"{address}/a", headers={"x-word": "a"}).status_code == 403
    api.patch_stage(("replace", "/variables/key", value))
    assert web.get(f"{address}/a", headers={"x-word": "b"}).status_code == 200
    api.gateway.update_usage_plan(usagePlanId=identity, patchOperations=[{**stage, "op": "remove"}])


def test_throttling(rest: Made, web: httpx.Client) -> None:
    made = rest()
    made.mock("GET /few/{id}")
    made.mock("GET /many")
    address = made.deploy()
    made.patch_stage(
        ("replace", "/*/*/throttling/burstLimit", "1000"),
        ("replace", "/~1few~1{id}/GET/throttling/burstLimit", "3"),
        ("replace", "/~1few~1{id}/GET/throttling/rateLimit", "0.01"),
    )
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda n: web.get(f"{address}/few/{n}").status_code, range(10)))
    assert (codes.count(200), codes.count(429)) == (3, 7)
    answer = web.get(f"{address}/few/1")
    assert (answer.json(), answer.headers["x-amzn-errortype"]) == (
        {"message": "Too Many Requests"},
        "TooManyRequestsException",
    )
    assert {web.get(f"{address}/many").status_code for _ in range(10)} == {200}
