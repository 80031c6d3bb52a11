"""An OpenAPI document that is imported as a REST API and as an HTTP API, and asked all that may be asked by it.

schemathesis makes the requests from the document: fitting ones and others, past all that a person would write.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, Response
from schemathesis.core.result import Ok

from lablambda.client import Lab
from tests.api_clients import ARN, ROLE, RUNTIME, code
from tests.gateway.rest import LONG

EXAMPLES = 20  # of each operation, kind and API
NAME = "imported-pets"
# Gives what it was asked for, and a pet's answer for what has a pet's body.
SOURCE = """
import base64, json
def handler(event, context):
    body = event.get('body') or '{}'
    if event.get('isBase64Encoded'): body = base64.b64decode(body).decode('utf-8', 'replace')
    try: told = json.loads(body)
    except ValueError: told = body
    return {'statusCode': 200, 'headers': {'content-type': 'application/json'}, 'body': json.dumps({'told': told})}
"""
PET = {
    "type": "object",
    "required": ["name", "age"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 99},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
TOLD = {"type": "object", "required": ["told"]}


def operation(uri: str, version: str, *parameters: dict[str, Any], **members: Any) -> dict[str, Any]:
    said = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "payloadFormatVersion": version}
    return {
        "parameters": [{"required": True, **one} for one in parameters],
        "responses": {
            "200": {"description": "told", "content": {"application/json": {"schema": TOLD}}},
            "400": {"description": "refused"},
        },
        "x-amazon-apigateway-integration": said,
        **members,
    }


def document(uri: str, version: str) -> dict[str, Any]:
    """`version` is that of the events of an HTTP API."""
    query = {"name": "q", "in": "query", "schema": {"type": "string", "minLength": 1}}
    number = {"name": "n", "in": "query", "required": False, "schema": {"type": "integer"}}
    header = {"name": "X-Asked-By", "in": "header", "schema": {"type": "string", "pattern": "^[a-z]{1,9}$"}}
    one = {"name": "id", "in": "path", "schema": {"type": "integer"}}
    body = {"required": True, "content": {"application/json": {"schema": PET}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "pets", "version": "1"},
        "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
        "x-amazon-apigateway-request-validator": "all",
        "paths": {
            "/pets": {
                "get": operation(uri, version, query, number, header),
                "post": operation(uri, version, requestBody=body),
            },
            "/pets/{id}": {"get": operation(uri, version, one), "put": operation(uri, version, one, requestBody=body)},
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def addresses(lab: Lab, functions: Any) -> Iterator[dict[str, str]]:
    """Those of the stages of both APIs."""
    functions.create_function(
        FunctionName=NAME, Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code={"ZipFile": code(SOURCE)}
    )
    functions.add_permission(
        FunctionName=NAME,
        StatementId="apis",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    uri = LONG.format(ARN + NAME)
    rest, http = lab.client("apigateway"), lab.client("apigatewayv2")
    one = rest.import_rest_api(body=json.dumps(document(uri, "1.0")).encode())["id"]
    rest.create_deployment(restApiId=one, stageName="test")
    two = http.import_api(Body=json.dumps(document(uri, "2.0")))
    http.create_stage(ApiId=two["ApiId"], StageName="$default", AutoDeploy=True)
    yield {"REST": f"{lab.https_endpoint}/execute-api/{one}/test", "HTTP": two["ApiEndpoint"]}
    rest.delete_rest_api(restApiId=one)
    http.delete_api(ApiId=two["ApiId"])
    functions.delete_function(FunctionName=NAME)


Checked = Callable[[Any, Response], None]


def ask_all(address: str, trusted: str, mode: GenerationMode, check: Checked) -> Counter[int]:
    """Send so many requests of each operation; gives how often each status came."""
    schema = schemathesis.openapi.from_dict(document(LONG.format(ARN + NAME), "1.0"))
    seen: Counter[int] = Counter()
    with requests.Session() as session:
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)

            @given(case=found.ok().as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Any) -> None:
                response = case.call(base_url=address, session=session, verify=trusted, timeout=30)
                seen[response.status_code] += 1
                check(case, response)

            ask()
    return seen


def test_what_fits_is_served(lab: Lab, addresses: dict[str, str]) -> None:
    def check(case: Any, response: Response) -> None:
        assert response.status_code == 200, (case.as_curl_command(), response.text)
        told = response.json()["told"]
        if case.media_type == "application/json":
            assert told == case.body

    for address in addresses.values():
        seen = ask_all(address, str(lab.ca_certificate), GenerationMode.POSITIVE, check)
        assert seen[200] > 2 * EXAMPLES


def test_what_doesnt_fit_is_refused_or_told(lab: Lab, addresses: dict[str, str], web: httpx.Client) -> None:
    """Nothing of it breaks anything: there is no answer of the lab's own that is a fault."""
    before = psutil.Process(lab.descriptor.pid).num_fds()

    def check(case: Any, response: Response) -> None:
        assert response.status_code < 500, (case.as_curl_command(), response.text)

    seen = {
        name: ask_all(address, str(lab.ca_certificate), GenerationMode.NEGATIVE, check)
        for name, address in addresses.items()
    }
    assert all(sum(count.values()) > 2 * EXAMPLES for count in seen.values()), seen
    assert seen["REST"][400] > EXAMPLES  # its validators refuse what an HTTP API passes on
    assert seen["HTTP"][400] < seen["REST"][400]
    for address in addresses.values():
        assert web.post(f"{address}/pets", json={"name": "Ada", "age": 3}).json() == {
            "told": {"name": "Ada", "age": 3}
        }
    assert psutil.Process(lab.descriptor.pid).num_fds() < before + 50
