"""HTTP APIs, made by boto3 and asked by real clients over TLS."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa

from lablambda.client import Lab
from tests.api_clients import ARN, Create
from tests.processes import Home

ECHO = "def handler(event, context): return event"
Made = Callable[..., "Api"]


class Api:
    """An HTTP API with its client; `address` is that of its default stage."""

    def __init__(self, gateway: Any, functions: Any, **members: Any) -> None:
        self.gateway, self.functions = gateway, functions
        made = gateway.create_api(**{"Name": "test", "ProtocolType": "HTTP", **members})
        self.identity, self.address = made["ApiId"], made["ApiEndpoint"]
        if "Target" not in members:
            gateway.create_stage(ApiId=self.identity, StageName="$default", AutoDeploy=True)

    def allow(self, function: str, path: str = "*") -> None:
        self.functions.add_permission(
            FunctionName=function,
            StatementId=f"api-{self.identity}-{len(path)}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{self.identity}/{path}",
        )

    def integrate(self, function: str, *, allowed: bool = True, **members: Any) -> str:
        if allowed:
            self.allow(function)
        given = {
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": ARN + function,
            "PayloadFormatVersion": "2.0",
        }
        made = self.gateway.create_integration(ApiId=self.identity, **{**given, **members})
        return f"integrations/{made['IntegrationId']}"

    def route(self, key: str, target: str, **members: Any) -> str:
        return str(
            self.gateway.create_route(ApiId=self.identity, RouteKey=key, Target=target, **members)["RouteId"]
        )


@pytest.fixture
def api(lab: Lab, functions: Any) -> Iterator[Made]:
    made: list[Api] = []

    def make(**members: Any) -> Api:
        made.append(Api(lab.client("apigatewayv2"), functions, **members))
        return made[-1]

    yield make
    for one in made:
        one.gateway.delete_api(ApiId=one.identity)


def test_quick_create(api: Made, create: Create, web: httpx.Client) -> None:
    name = create(ECHO)
    made = api(Target=ARN + name)
    assert web.get(made.address).json() == {"message": "Internal Server Error"}  # nobody allowed it
    made.allow(name)
    event = web.get(f"{made.address}/any/path?x=1").json()
    assert (event["routeKey"], event["rawPath"]) == ("$default", "/any/path")
    assert event["requestContext"]["stage"] == "$default"
    assert f"https://{event['requestContext']['domainName']}" == made.address
    answer = web.get(made.address)
    assert len(answer.headers["apigw-requestid"]) == 16


def test_the_function_may_change_its_mind(
    api: Made, create: Create, web: httpx.Client, functions: Any
) -> None:
    name = create("def handler(event, context): return 'in'")
    made = api(Target=ARN + name)
    made.allow(name)
    assert web.get(made.address).text == "in"
    functions.remove_permission(FunctionName=name, StatementId=f"api-{made.identity}-1")
    assert web.get(made.address).status_code == 500
    made.allow(name, "*/*/other")
    assert web.get(made.address).status_code == 500
    made.allow(name)
    assert web.get(made.address).text == "in"


def test_routes_by_rank(api: Made, create: Create, web: httpx.Client) -> None:
    """AWS's own example."""
    made = api()
    target = made.integrate(
        create("def handler(event, context): return [event['routeKey'], event.get('pathParameters')]")
    )
    for key in ("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"):
        made.route(key, target)
    asked = {
        "GET /pets/dog/1": ["GET /pets/dog/1", None],
        "GET /pets/dog/2": ["GET /pets/dog/{id}", {"id": "2"}],
        "GET /pets/dog/a%2Fb": ["GET /pets/dog/{id}", {"id": "a/b"}],
        "GET /pets/cat/1": ["GET /pets/{proxy+}", {"proxy": "cat/1"}],
        "POST /test/5": ["ANY /{proxy+}", {"proxy": "test/5"}],
        "GET /": ["$default", None],
    }
    for request, told in asked.items():
        method, path = request.split(" ")
        assert web.request(method, made.address + path).json() == told, request


def test_no_route(api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    made.route("GET /a", made.integrate(create(ECHO)))
    for method, path in (("POST", "/a"), ("GET", "/a/"), ("GET", "/b"), ("GET", "")):
        answer = web.request(method, made.address + path)
        assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
    assert web.get(made.address.replace(made.identity, "nobody1234")).status_code == 404


def test_stages_serve_what_was_deployed(api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    target = made.integrate(create(ECHO))
    made.route("GET /a", target)
    made.gateway.create_stage(ApiId=made.identity, StageName="prod", StageVariables={"table": "pets"})
    assert web.get(f"{made.address}/prod/a").status_code == 404  # nothing is deployed to it
    made.gateway.create_deployment(ApiId=made.identity, StageName="prod")
    made.route("GET /b", target)
    event = web.get(f"{made.address}/prod/a").json()
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/prod/a", "prod")
    assert event["stageVariables"] == {"table": "pets"}
    assert web.get(f"{made.address}/prod/b").status_code == 404
    assert web.get(f"{made.address}/b").status_code == 200


def test_a_stage_variable_names_the_function(api: Made, create: Create, web: httpx.Client) -> None:
    made, name = api(), create("def handler(event, context): return 'found'")
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        + ARN
        + "${stageVariables.f}/invocations"
    )
    made.allow(name)
    made.route("GET /", made.integrate(name, allowed=False, IntegrationUri=uri))
    made.gateway.update_stage(ApiId=made.identity, StageName="$default", StageVariables={"f": name})
    assert web.get(f"{made.address}/").text == "found"


def test_payload_1_0(api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    source = "import json\ndef handler(event, context): return {'statusCode': 200, 'body': json.dumps(event)}"
    made.route("POST /a/{id}", made.integrate(create(source), PayloadFormatVersion="1.0"))
    headers = [("x-twice", "1"), ("x-twice", "2"), ("content-type", "text/plain")]
    event = web.post(f"{made.address}/a/7?q=1&q=2", content=b"hi", headers=headers).json()
    assert (event["version"], event["resource"], event["path"], event["httpMethod"]) == (
        "1.0",
        "/a/{id}",
        "/a/7",
        "POST",
    )
    assert event["multiValueHeaders"]["x-twice"] == ["1", "2"]
    assert event["headers"]["x-twice"] == "2"
    assert event["queryStringParameters"] == {"q": "2"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert event["pathParameters"] == {"id": "7"}
    assert (event["stageVariables"], event["body"], event["isBase64Encoded"]) == (None, "hi", False)
    context = event["requestContext"]
    assert (context["identity"]["sourceIp"], context["resourcePath"]) == ("127.0.0.1", "/a/{id}")
    assert context["requestTimeEpoch"] > 1_700_000_000_000


@pytest.mark.parametrize(("version", "name"), [("2.0", "rawPath"), ("1.0", "path")])
def test_the_path_is_decoded(api: Made, create: Create, web: httpx.Client, version: str, name: str) -> None:
    made = api()
    source = "import json\ndef handler(event, context): return {'statusCode': 200, 'body': json.dumps(event)}"
    made.route("$default", made.integrate(create(source), PayloadFormatVersion=version))
    made.gateway.create_stage(ApiId=made.identity, StageName="prod", AutoDeploy=True)
    for stage in ("", "/prod"):
        event = web.get(f"{made.address}{stage}/gr%C3%BCn%2Ftea").json()
        assert event[name] == f"{stage}/grün/tea"
        context = event["requestContext"]
        assert context.get("http", context)["path"] == event[name]
    answer = web.get(f"{made.address}/100%25")
    assert (answer.status_code, answer.json()) == (400, {"message": "Bad Request"})


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("{'statusCode': 200, 'multiValueHeaders': {'Set-Cookie': ['a=1', 'b=2']}, 'headers': {'set-cookie': 'c=3'}}", 200),
        ("{'body': 'no status'}", 200),
        ("'text'", 500),
        ("{'statusCode': 200, 'body': {'n': 1}}", 500),
    ],
)  # fmt: skip
def test_results_of_1_0(api: Made, create: Create, web: httpx.Client, result: str, status: int) -> None:
    made = api()
    name = create(f"def handler(event, context): return {result}")
    made.route("GET /", made.integrate(name, PayloadFormatVersion="1.0"))
    answer = web.get(f"{made.address}/")
    assert answer.status_code == status
    if "Cookie" in result:
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_failures(api: Made, functions: Any, create: Create, web: httpx.Client) -> None:
    made = api()
    failing = create("def handler(event, context): raise ValueError('no')")
    made.route("GET /raises", made.integrate(failing))
    slow = create("import time\ndef handler(event, context): time.sleep(2)", Timeout=10)
    made.route("GET /slow", made.integrate(slow, TimeoutInMillis=100))
    throttled = create(ECHO)
    functions.put_function_concurrency(FunctionName=throttled, ReservedConcurrentExecutions=0)
    made.route("GET /throttled", made.integrate(throttled))
    told = {path: web.get(f"{made.address}/{path}") for path in ("raises", "slow", "throttled")}
    assert {path: (answer.status_code, answer.json()["message"]) for path, answer in told.items()} == {
        "raises": (500, "Internal Server Error"),
        "slow": (503, "Service Unavailable"),
        "throttled": (503, "Service Unavailable"),
    }


def test_the_functions_policy_names_the_route(api: Made, create: Create, web: httpx.Client) -> None:
    made, name = api(), create(ECHO)
    target = made.integrate(name, allowed=False)
    made.allow(name, "*/GET/allowed/{id}")
    made.route("GET /allowed/{id}", target)
    made.route("GET /other", target)
    assert web.get(f"{made.address}/allowed/1").status_code == 200
    assert web.get(f"{made.address}/other").status_code == 500


def test_cors_is_the_gateways(api: Made, create: Create, web: httpx.Client) -> None:
    made = api(CorsConfiguration={"AllowOrigins": ["https://a.example"], "AllowMethods": ["*"], "MaxAge": 5})
    source = "def handler(event, context): return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': 'x'}}"
    made.route("GET /", made.integrate(create(source)))
    origin = {"origin": "https://a.example"}
    preflight = web.options(f"{made.address}/", headers={**origin, "access-control-request-method": "GET"})
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "*")
    answer = web.get(f"{made.address}/", headers=origin)
    assert answer.headers.get_list("access-control-allow-origin") == ["https://a.example"]
    other = web.get(f"{made.address}/", headers={"origin": "https://b.example"})
    assert "access-control-allow-origin" not in other.headers


# ---------------------------------------------------------------------------------------- authorization


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def issuer(key: rsa.RSAPrivateKey) -> Iterator[str]:
    """One who gives tokens, on loopback."""
    document = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": "k1", "use": "sig"}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = {
                "/.well-known/openid-configuration": {"jwks_uri": f"{address}/keys"},
                "/keys": {"keys": [document]},
            }
            body = json.dumps(told.get(self.path, {})).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield address
        server.shutdown()
        thread.join()


def token(
    key: rsa.RSAPrivateKey, issuer: str, *, kid: str = "k1", algorithm: str = "RS256", **claims: Any
) -> str:
    body = {
        "iss": issuer,
        "aud": "me",
        "exp": time.time() + 60,
        "sub": "ada",
        "scope": "read write",
        **claims,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(body, key if algorithm == "RS256" else "secret" * 8, algorithm, headers={"kid": kid})


def jwt_route(made: Api, target: str, issuer: str, *scopes: str) -> None:
    authorizer = made.gateway.create_authorizer(
        ApiId=made.identity,
        Name="tokens",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["me"]},
    )["AuthorizerId"]
    made.route(
        "GET /", target, AuthorizationType="JWT", AuthorizerId=authorizer, AuthorizationScopes=list(scopes)
    )


def test_a_token_lets_in(
    api: Made, create: Create, web: httpx.Client, key: rsa.RSAPrivateKey, issuer: str
) -> None:
    made = api()
    jwt_route(made, made.integrate(create(ECHO)), issuer, "read")
    given = token(key, issuer, groups=["a", "b"], admin=True)
    for value in (f"Bearer {given}", given):
        event = web.get(f"{made.address}/", headers={"authorization": value}).json()
        told = event["requestContext"]["authorizer"]["jwt"]
        assert (told["claims"]["sub"], told["claims"]["groups"], told["claims"]["admin"]) == (
            "ada",
            "[a b]",
            "true",
        )
        assert told["scopes"] == ["read"]


def test_tokens_that_dont(
    api: Made, create: Create, web: httpx.Client, key: rsa.RSAPrivateKey, issuer: str
) -> None:
    made = api()
    jwt_route(made, made.integrate(create(ECHO)), issuer, "read", "admin")
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong = {
        "": "",
        "no token": "Bearer xyz",
        "expired": token(key, issuer, exp=time.time() - 1),
        "not yet": token(key, issuer, nbf=time.time() + 60),
        "no expiry": token(key, issuer, exp=None),
        "another's": token(key, issuer, iss="http://127.0.0.1:1"),
        "for others": token(key, issuer, aud="you"),
        "another key": token(other, issuer),
        "a key of nobody": token(key, issuer, kid="k2"),
        "symmetric": token(key, issuer, algorithm="HS256"),
        "unsigned": jwt.encode({"iss": issuer, "aud": "me"}, "", "none", headers={"kid": "k1"}),
    }
    for name, value in wrong.items():
        answer = web.get(f"{made.address}/", headers={"authorization": value} if value else {})
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"}), name
        assert answer.headers["www-authenticate"].startswith("Bearer")
    too_little = token(key, issuer, scope="write")
    assert web.get(f"{made.address}/", headers={"authorization": too_little}).status_code == 403
    by_client = token(key, issuer, aud=None, client_id="me", scope=None, scp=["read"])
    assert web.get(f"{made.address}/", headers={"authorization": by_client}).status_code == 200


def test_keys_in_a_file(
    api: Made, create: Create, web: httpx.Client, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    document = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": "k1"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [document]}))
    issuer = (tmp_path / "keys.json").as_uri()
    made = api()
    jwt_route(made, made.integrate(create(ECHO)), issuer)
    assert web.get(f"{made.address}/", headers={"authorization": token(key, issuer)}).status_code == 200


AUTHORIZER = """
calls = []
def handler(event, context):
    calls.append(1)
    word = event['headers'].get('authorization', '')
    if word == 'raise': raise ValueError('no')
    if word == 'odd': return {'isAuthorized': 'yes'}
    return {'isAuthorized': word == 'sesame', 'context': {'calls': len(calls), 'type': event['type'], 'arn': event['routeArn'],
            'sources': event['identitySource']}}
"""


def function_route(made: Api, target: str, function: str, **members: Any) -> None:
    made.allow(function, "authorizers/*")
    given = {
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": ARN + function,
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "IdentitySource": ["$request.header.Authorization"],
        "AuthorizerResultTtlInSeconds": 0,
    }
    authorizer = made.gateway.create_authorizer(ApiId=made.identity, Name="own", **{**given, **members})[
        "AuthorizerId"
    ]
    made.route("GET /{id}", target, AuthorizationType="CUSTOM", AuthorizerId=authorizer)


def test_a_functions_word(api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    function_route(made, made.integrate(create(ECHO)), create(AUTHORIZER))

    def ask(word: str) -> httpx.Response:
        return web.get(f"{made.address}/1", headers={"authorization": word} if word else {})

    told = ask("sesame").json()["requestContext"]["authorizer"]["lambda"]
    assert (told["type"], told["sources"], told["calls"]) == ("REQUEST", ["sesame"], 1)
    assert told["arn"] == f"arn:aws:execute-api:us-east-1:000000000000:{made.identity}/$default/GET/1"
    assert ask("sesame").json()["requestContext"]["authorizer"]["lambda"]["calls"] == 2
    answers = {
        word: (ask(word).status_code, ask(word).json()["message"]) for word in ("", "open", "raise", "odd")
    }
    assert answers == {
        "": (401, "Unauthorized"),
        "open": (403, "Forbidden"),
        "raise": (500, "Internal Server Error"),
        "odd": (500, "Internal Server Error"),
    }


def test_a_word_is_kept_for_its_time(lab: Lab, api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    function_route(made, made.integrate(create(ECHO)), create(AUTHORIZER), AuthorizerResultTtlInSeconds=60)

    def calls() -> int:
        event = web.get(f"{made.address}/1", headers={"authorization": "sesame"}).json()
        return int(event["requestContext"]["authorizer"]["lambda"]["calls"])

    assert [calls(), calls()] == [1, 1]
    lab.clock.advance(61)
    assert calls() == 2


POLICY = """
def handler(event, context):
    api = event.get('methodArn', event.get('routeArn')).rsplit('/', 2)[0]
    statements = [{'Action': 'execute-api:Invoke', 'Effect': 'Allow', 'Resource': api + '/GET/*'},
                  {'Action': 'execute-api:*', 'Effect': 'Deny', 'Resource': [api + '/GET/secret']}]
    return {'principalId': 'ada', 'policyDocument': {'Version': '2012-10-17', 'Statement': statements}, 'context': {'n': 1}}
"""


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_functions_policy(api: Made, create: Create, web: httpx.Client, version: str) -> None:
    made = api()
    function_route(
        made,
        made.integrate(create(ECHO)),
        create(POLICY),
        AuthorizerPayloadFormatVersion=version,
        EnableSimpleResponses=False,
        AuthorizerResultTtlInSeconds=60,
    )
    word = {"authorization": "x"}
    assert web.get(f"{made.address}/open", headers=word).status_code == 200
    assert web.get(f"{made.address}/secret", headers=word).status_code == 403  # by the policy that was kept


def test_signed_requests(lab: Lab, api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    made.route("GET /a", made.integrate(create(ECHO)), AuthorizationType="AWS_IAM")
    request = AWSRequest("GET", f"{made.address}/a?x=1")
    keys = Credentials(lab.descriptor.access_key, lab.descriptor.secret_key)
    SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
    event = web.get(f"{made.address}/a?x=1", headers=dict(request.headers.items())).json()
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::000000000000:root"
    assert web.get(f"{made.address}/a").status_code == 403


# ---------------------------------------------------------------------- throttling, proxies, mapping, logs


def test_throttling(api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    target = made.integrate(create("def handler(event, context): return 'ok'"))
    made.route("GET /few", target)
    made.route("GET /many", target)
    few = {"GET /few": {"ThrottlingBurstLimit": 3, "ThrottlingRateLimit": 0.01}}
    made.gateway.update_stage(ApiId=made.identity, StageName="$default", RouteSettings=few)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: web.get(f"{made.address}/few").status_code, range(10)))
    assert (codes.count(200), codes.count(429)) == (3, 7)
    assert web.get(f"{made.address}/few").json() == {"message": "Too Many Requests"}
    assert {web.get(f"{made.address}/many").status_code for _ in range(10)} == {200}


@pytest.fixture
def server() -> Iterator[str]:
    """A server that tells what it was asked."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            told = {
                "method": self.command,
                "path": self.path,
                "body": body.decode(),
                "headers": dict(self.headers),
            }
            self.send_response(418)
            self.send_header("x-theirs", "1")
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def proxied(made: Api, uri: str, **members: Any) -> str:
    given = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "PayloadFormatVersion": "1.0"}
    made_one = made.gateway.create_integration(
        ApiId=made.identity, **{**given, "IntegrationUri": uri, **members}
    )
    return f"integrations/{made_one['IntegrationId']}"


def test_a_proxy(api: Made, web: httpx.Client, server: str) -> None:
    made = api()
    made.route("ANY /to/{proxy+}", proxied(made, f"{server}/v1/{{proxy}}"))
    made.route("GET /nobody", proxied(made, "http://127.0.0.1:9/"))
    answer = web.post(f"{made.address}/to/a/b?x=1", content=b"body", headers={"x-mine": "2"})
    told = answer.json()
    assert (answer.status_code, answer.headers["x-theirs"]) == (418, "1")
    assert (told["method"], told["path"], told["body"], told["headers"]["x-mine"]) == (
        "POST",
        "/v1/a/b?x=1",
        "body",
        "2",
    )
    assert "host=127.0.0.1" in told["headers"]["forwarded"]
    assert web.get(f"{made.address}/nobody").status_code == 503


def test_parameter_mapping(api: Made, web: httpx.Client, server: str) -> None:
    made = api()
    mapping = {
        "append:header.x-id": "$request.path.id",
        "overwrite:header.x-stage": "stage ${context.stage} of ${context.apiId}",
        "remove:header.x-gone": "''",
        "overwrite:querystring.q": "$request.header.x-q",
        "remove:querystring.r": "''",
        "overwrite:path": "/fixed/${request.path.id}",
    }
    changes = {"418": {"overwrite:statuscode": "200", "append:header.x-ours": "$response.header.x-theirs"}}
    made.route("GET /a/{id}", proxied(made, server, RequestParameters=mapping, ResponseParameters=changes))
    headers = {"x-q": "new", "x-gone": "1", "x-stage": "2"}
    answer = web.get(f"{made.address}/a/7?q=old&r=1&s=2", headers=headers)
    told = answer.json()
    assert (answer.status_code, answer.headers["x-ours"], answer.headers["x-theirs"]) == (200, "1", "1")
    assert told["headers"]["x-id"] == "7"
    assert told["headers"]["x-stage"] == f"stage $default of {made.identity}"
    assert "x-gone" not in told["headers"]
    assert told["path"] == "/fixed/7?s=2&q=new"


def test_access_logs(lab: Lab, api: Made, create: Create, web: httpx.Client) -> None:
    made = api()
    made.route("GET /a", made.integrate(create("def handler(event, context): return 'hello'")))
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="access")
    settings = {
        "DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:access",
        "Format": '$context.httpMethod $context.routeKey $context.status $context.responseLength $context.nothing "$context.path"',
    }
    made.gateway.update_stage(ApiId=made.identity, StageName="$default", AccessLogSettings=settings)
    web.get(f"{made.address}/a?x")
    web.get(f"{made.address}/b")
    lab.settle()
    lines = [event["message"] for event in logs.filter_log_events(logGroupName="access")["events"]]
    assert lines == ['GET GET /a 200 5 - "/a"', 'GET - 404 23 - "/b"']
    logs.delete_log_group(logGroupName="access")


def test_an_api_outlives_the_lab(tmp_path: Path) -> None:
    home = Home(tmp_path)
    try:
        lab = home.up("--services", "none")
        made = lab.client("apigatewayv2").create_api(Name="x", ProtocolType="HTTP", Target=f"{ARN}f")
        assert home.run("down", "--name", "t").returncode == 0
        again = home.up("--services", "none").client("apigatewayv2")
        kept = again.get_api(ApiId=made["ApiId"])
        assert kept["ApiEndpoint"] == made["ApiEndpoint"]
        assert len(again.get_routes(ApiId=made["ApiId"])["Items"]) == 1
        trust = ssl.create_default_context(cafile=tmp_path / "data" / "lablambda" / "authority" / "ca.pem")
        assert httpx.get(made["ApiEndpoint"], verify=trust).status_code == 500  # there is no function f
    finally:
        home.end()
