"""Who may take the methods of REST APIs: by functions, and by signatures."""

from __future__ import annotations

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lablambda.client import Lab
from tests.api_clients import Create
from tests.gateway.rest import AUTHORIZER, EXECUTE, Made

MISSING = {"message": "Missing Authentication Token"}


def test_a_token(lab: Lab, rest: Made, create: Create, echo: str, web: httpx.Client) -> None:
    made = rest()
    name = create(AUTHORIZER)
    authorizer = made.authorizer(name, identityValidationExpression=r"[a-z]+ ?\d*")
    custom = {"authorizationType": "CUSTOM", "authorizerId": authorizer}
    made.proxy("GET /a/{id}", echo, of_method=custom)
    made.mock("POST /b", of_method=custom)
    address = made.deploy()

    def ask(token: str, method: str = "GET", path: str = "/a/1") -> httpx.Response:
        return web.request(method, address + path, headers={"authorization": token} if token else {})

    def asked() -> int:
        """How often the authorizer was."""
        lab.settle()
        return len(lab.function(name).invocations())

    told = ask("ada").json()["requestContext"]["authorizer"]
    assert told == {
        "principalId": "ada",
        "n": "1",
        "yes": "true",
        "calls": "1",
        "type": "TOKEN",
        "arn": f"{EXECUTE}{made.identity}/test/GET/a/1",
    }
    assert (
        ask("ada", path="/a/2").json()["requestContext"]["authorizer"]["calls"] == "1"
    )  # kept for all methods
    assert ask("ada", "POST", "/b").status_code == 403
    assert asked() == 1
    lab.clock.advance(301)  # its environment may have ended, too
    assert ask("ada").status_code == 200
    assert asked() == 2
    made.gateway.flush_stage_authorizers_cache(restApiId=made.identity, stageName="test")
    assert ask("ada").status_code == 200
    assert asked() == 3
    answers = {word: ask(word) for word in ("", "UPPER", "unauthorized", "deny", "raise", "odd", "parts")}
    assert {word: (one.status_code, one.json()["message"]) for word, one in answers.items()} == {
        "": (401, "Unauthorized"),
        "UPPER": (401, "Unauthorized"),
        "unauthorized": (401, "Unauthorized"),
        "deny": (403, "User is not authorized to access this resource"),
        "raise": (500, None),
        "odd": (500, None),
        "parts": (500, None),
    }


def test_a_request(rest: Made, create: Create, echo: str, web: httpx.Client) -> None:
    made = rest()
    sources = "method.request.header.x-word, method.request.querystring.q"
    authorizer = made.authorizer(
        create(AUTHORIZER), type="REQUEST", identitySource=sources, authorizerResultTtlInSeconds=0
    )
    made.proxy("GET /a", echo, of_method={"authorizationType": "CUSTOM", "authorizerId": authorizer})
    address = made.deploy()
    assert web.get(f"{address}/a", headers={"x-word": "ada"}).status_code == 401
    told = [
        web.get(f"{address}/a?q=1", headers={"x-word": "ada"}).json()["requestContext"]["authorizer"]
        for _ in range(2)
    ]
    assert [one["calls"] for one in told] == ["1", "2"]
    assert told[0]["type"] == "REQUEST"


def test_signed_requests(lab: Lab, rest: Made, echo: str, web: httpx.Client) -> None:
    made = rest()
    made.proxy("GET /a", echo, of_method={"authorizationType": "AWS_IAM"})
    address = f"{made.deploy()}/a?x=1"
    request = AWSRequest("GET", address)
    keys = Credentials(lab.descriptor.access_key, lab.descriptor.secret_key)
    SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
    event = web.get(address, headers=dict(request.headers.items())).json()
    assert event["requestContext"]["identity"]["userArn"] == "arn:aws:iam::000000000000:root"
    assert event["requestContext"]["identity"]["accessKey"] == lab.descriptor.access_key
    unsigned = web.get(address)
    assert (unsigned.status_code, unsigned.json()) == (403, MISSING)
    wrong = Credentials(lab.descriptor.access_key, "x" * 40)
    SigV4Auth(wrong, "execute-api", "us-east-1").add_auth(request)
    answer = web.get(address, headers=dict(request.headers.items()))
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")
