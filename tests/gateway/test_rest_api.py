"""REST APIs, made by boto3 and asked by real clients over TLS."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from lablambda.client import Lab
from tests.api_clients import ARN, Create
from tests.gateway.rest import ECHO, LONG, Made, Rest
from tests.processes import Home

MISSING = {"message": "Missing Authentication Token"}


def test_an_event(rest: Made, echo: str, web: httpx.Client) -> None:
    made = rest()
    made.proxy("POST /pets/{id}", echo)
    address = made.deploy(variables={"table": "pets"})
    headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Content-Type", "text/plain"), ("Cookie", "a=1")]
    answer = web.post(f"{address}/pets/a%2Fb?q=1&q=2&r=%26", content="hü".encode(), headers=headers)
    event = answer.json()
    assert "version" not in event
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/pets/{id}", "/pets/a%2Fb", "POST")
    assert (event["headers"]["x-twice"], event["multiValueHeaders"]["x-twice"]) == ("2", ["1", "2"])
    assert (event["headers"]["Content-Type"], event["headers"]["Cookie"]) == ("text/plain", "a=1")
    assert event["headers"]["X-Forwarded-Proto"] == "https"
    assert event["queryStringParameters"] == {"q": "2", "r": "&"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"], "r": ["&"]}
    assert (event["pathParameters"], event["stageVariables"]) == ({"id": "a/b"}, {"table": "pets"})
    assert (event["body"], event["isBase64Encoded"]) == ("hü", False)
    context = event["requestContext"]
    assert (context["path"], context["stage"], context["resourcePath"]) == (
        "/test/pets/a%2Fb",
        "test",
        "/pets/{id}",
    )
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["resourceId"] == made.resource("/pets/{id}")
    assert context["requestId"] == answer.headers["x-amzn-requestid"]
    assert context["extendedRequestId"] == answer.headers["x-amz-apigw-id"]


def test_what_is_absent_is_null(rest: Made, echo: str, web: httpx.Client) -> None:
    made = rest()
    made.proxy("GET /", echo)
    event = web.get(f"{made.deploy()}/").json()
    absent = (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    )
    assert [event[name] for name in absent] == [None] * 5
    assert (event["path"], event["requestContext"]["path"]) == ("/", "/test/")


def test_the_tree(rest: Made, web: httpx.Client) -> None:
    made = rest()
    routes = (
        "GET /pets",
        "GET /pets/dog",
        "GET /pets/{id}",
        "ANY /{proxy+}",
        "ANY /pets/{id}/toys",
        "DELETE /pets/{id}/toys",
    )
    for route in routes:
        made.mock(route, route)
    address = made.deploy()
    asked = {
        "GET /pets": "GET /pets",
        "GET /pets/": "GET /pets",
        "GET /pets/dog": "GET /pets/dog",
        "GET /pets/cat": "GET /pets/{id}",
        "POST /pets/cat": "ANY /{proxy+}",
        "POST /pets": "ANY /{proxy+}",
        "GET /pets/cat/toys": "ANY /pets/{id}/toys",
        "DELETE /pets/cat/toys": "DELETE /pets/{id}/toys",
        "GET /a/b/c": "ANY /{proxy+}",
    }
    for request, route in asked.items():
        method, path = request.split(" ")
        assert web.request(method, address + path).json() == route, request
    answer = web.get(f"{address}/")
    assert (answer.status_code, answer.json()) == (403, MISSING)
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    nowhere = web.get(address.replace("/test", "/other") + "/pets")
    assert (nowhere.status_code, nowhere.json()) == (403, {"message": "Forbidden"})


def test_by_host(rest: Made, trust: ssl.SSLContext) -> None:
    made = rest()
    made.mock("GET /a", "by host")
    port = httpx.URL(made.deploy()).port
    host = f"{made.identity}.execute-api.us-east-1.localhost:{port}"
    with httpx.Client(verify=trust) as client:
        answer = client.get(f"https://127.0.0.1:{port}/test/a", headers={"host": host})
    assert answer.json() == "by host"


def test_stages_serve_what_was_deployed(rest: Made, web: httpx.Client) -> None:
    made = rest()
    made.mock("GET /a", "first")
    address = made.deploy()
    made.mock("GET /b", "second")
    assert web.get(f"{address}/b").json() == MISSING
    first = made.gateway.get_stage(restApiId=made.identity, stageName="test")["deploymentId"]
    made.deploy()
    assert web.get(f"{address}/b").json() == "second"
    made.patch_stage(("replace", "/deploymentId", first))  # back again
    assert web.get(f"{address}/b").json() == MISSING


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ("{'statusCode': 201, 'headers': {'x-a': True}, 'body': 'hello'}", 201, "hello"),
        ("{'statusCode': '202'}", 202, ""),
        ("{'body': 'no status'}", 200, "no status"),
        ("{}", 200, ""),
        ("{'statusCode': 200, 'cookies': ['a=1']}", 502, None),
        ("{'message': 'no response'}", 502, None),
        ("'text'", 502, None),
        ("None", 502, None),
        ("{'statusCode': 'x'}", 502, None),
        ("{'statusCode': 200, 'body': {'n': 1}}", 502, None),
        ("1 / 0", 502, None),
    ],
)
def test_results(
    rest: Made, create: Create, web: httpx.Client, result: str, status: int, body: str | None
) -> None:
    made = rest()
    made.proxy("GET /", create(f"def handler(event, context): return {result}"))
    answer = web.get(f"{made.deploy()}/")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    if body is None:
        assert answer.json() == {"message": "Internal server error"}
    else:
        assert answer.text == body
        assert answer.headers.get("x-a") in (None, "true")


def test_headers_of_results(rest: Made, create: Create, web: httpx.Client) -> None:
    made = rest()
    said = {
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "headers": {"WWW-Authenticate": "Own", "X-A": "1"},
    }
    made.proxy("GET /", create(f"def handler(event, context): return {said}"))
    answer = web.get(f"{made.deploy()}/")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (answer.headers["x-amzn-remapped-www-authenticate"], answer.headers["x-a"]) == ("Own", "1")


def test_bytes(rest: Made, create: Create, web: httpx.Client) -> None:
    source = """
import base64, json
def handler(event, context):
    if event['httpMethod'] == 'POST':
        return {'body': json.dumps([event['isBase64Encoded'], event['body']])}
    return {'body': base64.b64encode(bytes(range(256))).decode(), 'isBase64Encoded': True, 'headers': {'content-type': 'image/png'}}
"""
    made = rest(binaryMediaTypes=["image/*"])
    made.proxy("ANY /", create(source))
    address = made.deploy() + "/"
    data = bytes(range(256))
    assert web.get(address, headers={"accept": "image/png, */*"}).content == data
    assert web.get(address, headers={"accept": "*/*"}).content == base64.b64encode(data)
    image = web.post(address, content=data, headers={"content-type": "image/png"}).json()
    assert image == [True, base64.b64encode(data).decode()]
    assert web.post(address, content=b"a", headers={"content-type": "text/plain"}).json() == [False, "a"]


def test_failures(rest: Made, functions: Any, create: Create, echo: str, web: httpx.Client) -> None:
    made = rest()
    made.proxy(
        "GET /slow",
        create("import time\ndef handler(event, context): time.sleep(2)", Timeout=10),
        timeoutInMillis=100,
    )
    throttled = create(ECHO)
    functions.put_function_concurrency(FunctionName=throttled, ReservedConcurrentExecutions=0)
    made.proxy("GET /throttled", throttled)
    made.proxy("GET /forbidden", create(ECHO), allowed=False)
    made.proxy("GET /nobody", "nobody-is-there", allowed=False)
    made.proxy("POST /large", echo)
    address = made.deploy()
    told = {path: web.get(f"{address}/{path}") for path in ("slow", "throttled", "forbidden", "nobody")}
    assert {path: (answer.status_code, answer.json()["message"]) for path, answer in told.items()} == {
        "slow": (504, "Endpoint request timed out"),
        "throttled": (500, "Internal server error"),
        "forbidden": (500, "Internal server error"),
        "nobody": (500, "Internal server error"),
    }
    large = web.post(f"{address}/large", content=b"x" * 7_000_000)
    assert (large.status_code, large.json()) == (413, {"message": "Request Too Long"})


def test_the_functions_policy_names_the_method(rest: Made, create: Create, web: httpx.Client) -> None:
    made, name = rest(), create(ECHO)
    made.allow(name, "test/GET/allowed/{id}")
    made.proxy("ANY /allowed/{id}", name, allowed=False)
    address = made.deploy()
    assert web.get(f"{address}/allowed/1").status_code == 200
    assert web.post(f"{address}/allowed/1").status_code == 500


def test_a_stage_variable_names_the_function(rest: Made, echo: str, web: httpx.Client) -> None:
    made = rest()
    made.allow(echo)
    uri = LONG.format(ARN + "${stageVariables.f}")
    made.proxy("GET /", echo, allowed=False, uri=uri)
    assert web.get(f"{made.deploy(variables={'f': echo})}/").status_code == 200
    made.patch_stage(("replace", "/variables/f", "nobody-is-there"))
    assert web.get(f"{made.address}/").status_code == 500


# ----------------------------------------------------------------------------------- gateway responses


def test_gateway_responses(rest: Made, web: httpx.Client) -> None:
    made = rest()
    made.mock("GET /a")
    made.gateway.put_gateway_response(
        restApiId=made.identity,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.x-origin": "method.request.header.origin",
        },
        responseTemplates={
            "application/json": '{"told": $context.error.messageString, "path": "$context.path"}'
        },
    )
    made.gateway.put_gateway_response(
        restApiId=made.identity,
        responseType="DEFAULT_4XX",
        responseParameters={"gatewayresponse.header.x-own": "'4xx'"},
    )
    made.mock("GET /key", of_method={"apiKeyRequired": True})
    address = made.deploy()
    answer = web.get(f"{address}/nothing", headers={"origin": "https://a.example"})
    assert (answer.status_code, answer.json()) == (
        404,
        {"told": "Missing Authentication Token", "path": "/test/nothing"},
    )
    assert (answer.headers["access-control-allow-origin"], answer.headers["x-origin"]) == (
        "*",
        "https://a.example",
    )
    general = web.get(f"{address}/key")
    assert (general.status_code, general.json(), general.headers["x-own"]) == (
        403,
        {"message": "Forbidden"},
        "4xx",
    )


# ------------------------------------------------------------------------------- validation, logs, disk


def test_validation(rest: Made, web: httpx.Client) -> None:
    made = rest()
    gateway, identity = made.gateway, made.identity
    validator = gateway.create_request_validator(
        restApiId=identity, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    item = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    gateway.create_model(
        restApiId=identity, name="Item", contentType="application/json", schema=json.dumps(item)
    )
    refers = {
        "type": "array",
        "items": {"$ref": f"https://apigateway.amazonaws.com/restapis/{identity}/models/Item"},
    }
    gateway.create_model(
        restApiId=identity, name="Items", contentType="application/json", schema=json.dumps(refers)
    )
    method = {
        "requestValidatorId": validator,
        "requestParameters": {
            "method.request.querystring.q": True,
            "method.request.header.x-a": True,
            "method.request.header.x-b": False,
        },
        "requestModels": {"application/json": "Items"},
    }
    made.mock("POST /", of_method=method)
    details = '{"details": "$util.escapeJavaScript($context.error.validationErrorString)"}'
    gateway.put_gateway_response(
        restApiId=identity, responseType="BAD_REQUEST_BODY", responseTemplates={"application/json": details}
    )
    address = f"{made.deploy()}/"
    missing = web.post(address, json=[])
    assert (missing.status_code, missing.json()) == (
        400,
        {"message": "Missing required request parameters: [q, x-a]"},
    )

    def ask(body: Any) -> httpx.Response:
        return web.post(f"{address}?q=1", json=body, headers={"x-a": "1"})

    assert ask([{"n": 1}, {"n": 2}]).status_code == 200
    wrong = ask([{"n": 1}, {"n": "x"}])
    assert (wrong.status_code, wrong.json()) == (400, {"details": '[/1/n: "x" is not of type "integer"]'})


def test_access_logs(lab: Lab, rest: Made, web: httpx.Client) -> None:
    made = rest()
    made.mock("GET /a/{id}", "hello")
    address = made.deploy()
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="rest-access")
    form = "$context.httpMethod $context.resourcePath $context.path $context.status $context.responseLength $context.error.responseType $context.identity.sourceIp"
    made.patch_stage(
        (
            "replace",
            "/accessLogSettings/destinationArn",
            "arn:aws:logs:us-east-1:000000000000:log-group:rest-access",
        ),
        ("replace", "/accessLogSettings/format", form),
    )
    web.get(f"{address}/a/1")
    web.get(f"{address}/b")
    lab.settle()
    lines = [event["message"] for event in logs.filter_log_events(logGroupName="rest-access")["events"]]
    assert lines == [
        "GET /a/{id} /test/a/1 200 7 - 127.0.0.1",
        "GET - /test/b 403 42 MISSING_AUTHENTICATION_TOKEN 127.0.0.1",
    ]
    logs.delete_log_group(logGroupName="rest-access")


def test_an_api_outlives_the_lab(tmp_path: Path, functions: Any) -> None:
    home = Home(tmp_path)
    try:
        made = Rest(home.up("--services", "none"), functions)
        made.mock("GET /a", "kept", of_method={"apiKeyRequired": True})
        made.deploy()
        stages = [{"apiId": made.identity, "stage": "test"}]
        plan = made.gateway.create_usage_plan(
            name="p", apiStages=stages, quota={"limit": 2, "period": "MONTH"}
        )["id"]
        key = made.gateway.create_api_key(name="k", enabled=True)
        made.gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        trust = ssl.create_default_context(cafile=tmp_path / "data" / "lablambda" / "authority" / "ca.pem")

        def ask() -> httpx.Response:
            return httpx.get(f"{made.address}/a", verify=trust, headers={"x-api-key": key["value"]})

        assert ask().json() == "kept"
        assert home.run("down", "--name", "t").returncode == 0
        made.lab = home.up("--services", "none")
        assert [ask().status_code, ask().status_code] == [200, 429]
    finally:
        home.end()
