"""WebSocket APIs, made by boto3 and used by a real client over TLS."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed, InvalidStatus

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.api_clients import ARN, Create, code_of, told
from tests.gateway.sockets import Socket, Sockets
from tests.processes import Home

# Tells what happens, and answers messages with what it got.
ECHO = """
import json
def handler(event, context):
    print("GOT " + json.dumps(event))
    return {"statusCode": 200, "body": json.dumps(event)}
"""
Made = Callable[..., "Api"]
Dial = Callable[..., AbstractContextManager[Socket]]


class Api:
    """A WebSocket API with a stage `dev` that deploys by itself; `address` is the stage's."""

    def __init__(self, lab: Lab, functions: Any, expression: str = "$request.body.action") -> None:
        self.gateway, self.functions = lab.client("apigatewayv2"), functions
        made = self.gateway.create_api(
            Name="test", ProtocolType="WEBSOCKET", RouteSelectionExpression=expression
        )
        self.identity = made["ApiId"]
        self.address = f"{made['ApiEndpoint']}/dev"
        self.gateway.create_stage(ApiId=self.identity, StageName="dev", AutoDeploy=True)

    @property
    def https(self) -> str:
        return self.address.replace("wss:", "https:", 1)

    def allow(self, function: str) -> None:
        self.functions.add_permission(
            FunctionName=function,
            StatementId=f"api-{self.identity}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{self.identity}/*",
        )

    def integrate(self, function: str = "", *, allowed: bool = True, **members: Any) -> str:
        if function and allowed:
            self.allow(function)
        given = {"IntegrationType": "AWS_PROXY", "IntegrationUri": ARN + function} if function else {}
        made = self.gateway.create_integration(ApiId=self.identity, **{**given, **members})
        return f"integrations/{made['IntegrationId']}"

    def route(self, key: str, target: str, *, replies: bool = False, **members: Any) -> str:
        identity = str(
            self.gateway.create_route(ApiId=self.identity, RouteKey=key, Target=target, **members)["RouteId"]
        )
        if replies:
            self.gateway.create_route_response(
                ApiId=self.identity, RouteId=identity, RouteResponseKey="$default"
            )
        return identity

    def echo(self, function: str, *keys: str) -> None:
        target = self.integrate(function)
        for key in keys:
            self.route(key, target, replies=True)


@pytest.fixture
def api(lab: Lab, functions: Any) -> Iterator[Made]:
    made: list[Api] = []

    def make(*words: str) -> Api:
        made.append(Api(lab, functions, *words))
        return made[-1]

    yield make
    left = {one["ApiId"] for one in lab.client("apigatewayv2").get_apis()["Items"]}
    for one in made:
        if one.identity in left:
            one.gateway.delete_api(ApiId=one.identity)


@pytest.fixture(scope="module")
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.close()


@pytest.fixture
def dial(sockets: Sockets, trust: ssl.SSLContext) -> Dial:
    """Connects, and leaves at the end."""
    return partial(sockets.connect, trust=trust)


def says(client: Socket, message: str | dict[str, Any]) -> Any:
    """What is answered to a message."""
    client.send(message if isinstance(message, str) else json.dumps(message))
    return json.loads(client.recv())


def refusal(dial: Dial, address: str, **more: Any) -> tuple[int, str]:
    """How a client is refused."""
    with pytest.raises(InvalidStatus) as caught, dial(address, **more):
        pass
    response = caught.value.response
    return response.status_code, (response.body or b"").decode()


@pytest.fixture
def calls(lab: Lab) -> Callable[[Api], Any]:
    """boto3's client of the calls on an API's connections."""
    from botocore.config import Config

    def make(api: Api) -> Any:
        return lab.client(
            "apigatewaymanagementapi",
            endpoint_url=api.https,
            verify=lab.ca_certificate,
            config=Config(retries={"max_attempts": 0}),
        )

    return make


# --------------------------------------------------------------------------------------- events and routes


def test_a_connection_from_beginning_to_end(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    made, name = api(), create(ECHO)
    made.echo(name, "$connect", "$disconnect", "$default", "join")
    with dial(f"{made.address}?room=a&room=b", additional_headers={"X-Mine": "1"}) as client:
        event = says(client, {"action": "join", "n": 1})
        client.close(4005, "enough")
    arrived, message, left = told(lab, name)
    assert message == event
    assert json.loads(event["body"]) == {"action": "join", "n": 1}
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert (context["routeKey"], context["eventType"], context["messageDirection"]) == (
        "join",
        "MESSAGE",
        "IN",
    )
    assert context["messageId"]
    assert len(context["connectionId"]) == 16
    assert f"wss://{context['domainName']}/{context['stage']}" == made.address
    assert (context["apiId"], context["identity"]["sourceIp"]) == (made.identity, "127.0.0.1")

    assert arrived["requestContext"]["eventType"] == "CONNECT"
    assert arrived["queryStringParameters"] == {"room": "b"}
    assert arrived["multiValueQueryStringParameters"] == {"room": ["a", "b"]}
    assert arrived["headers"]["x-mine"] == "1"
    assert arrived["headers"]["Host"] in made.address
    assert arrived["headers"]["Sec-WebSocket-Version"] == "13"
    assert arrived["multiValueHeaders"]["X-Forwarded-For"] == ["127.0.0.1"]
    assert "body" not in arrived

    gone = left["requestContext"]
    assert (gone["eventType"], gone["disconnectStatusCode"]) == ("DISCONNECT", 4005)
    assert {e["requestContext"]["connectionId"] for e in (arrived, message, left)} == {
        context["connectionId"]
    }
    assert len({e["requestContext"]["connectedAt"] for e in (arrived, message, left)}) == 1


@pytest.mark.parametrize(
    ("expression", "message", "key"),
    [
        ("$request.body.action", {"action": "join"}, "join"),
        ("$request.body.action", {"action": "other"}, "$default"),
        ("$request.body.action", {"action": 7}, "7"),
        ("$request.body.action", {"action": "$connect"}, "$default"),
        ("$request.body.action", "no JSON", "$default"),
        ("$request.body.action", "[1]", "$default"),
        ("${request.body.a.b}", {"a": {"b": "join"}}, "join"),
        ("${request.body.a}/${request.body.b}", {"a": "x", "b": "y"}, "x/y"),
        ("${request.body.a}/${request.body.b}", {"a": "x"}, "$default"),
    ],
)
def test_routes(
    api: Made, create: Create, dial: Dial, expression: str, message: str | dict[str, Any], key: str
) -> None:
    made = api(expression)
    made.echo(create(ECHO), "$connect", "$default", "join", "x/y", "7")
    with dial(made.address) as client:
        assert says(client, message)["requestContext"]["routeKey"] == key


def test_without_a_default_route_what_fits_none_is_forbidden(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "join")
    with dial(made.address) as client:
        answer = says(client, {"action": "other"})
        assert (answer["message"], len(answer["connectionId"])) == ("Forbidden", 16)
        assert answer["requestId"]
        assert says(client, {"action": "join"})["requestContext"]["routeKey"] == "join"


def test_a_route_without_a_response_answers_nothing(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    made, name = api(), create(ECHO)
    target = made.integrate(name)
    made.route("quiet", target)
    made.route("loud", target, replies=True)
    with dial(made.address) as client:
        client.send('{"action": "quiet"}')
        assert says(client, {"action": "loud"})["requestContext"]["routeKey"] == "loud"
    assert len(told(lab, name)) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def handler(event, context): raise ValueError('no')", "Internal server error"),
        ("def handler(event, context): import os; os._exit(3)", "Internal server error"),
        ("def handler(event, context): return 'text'", "Internal server error"),
        ("def handler(event, context): return {'body': 'no status'}", "Internal server error"),
        ("def handler(event, context): return {'statusCode': 200, 'body': 'x' * 131073}", "Internal server error"),
        ("def handler(event, context): import time; time.sleep(20)", "Endpoint request timed out"),
    ],
)  # fmt: skip
def test_failures(api: Made, create: Create, dial: Dial, source: str, message: str) -> None:
    made = api()
    made.route("$default", made.integrate(create(source), TimeoutInMillis=1500), replies=True)
    with dial(made.address) as client:
        answer = says(client, "x")
    assert (answer["message"], set(answer)) == (message, {"message", "connectionId", "requestId"})


def test_answers_of_bytes_and_text(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    source = "def handler(event, context): return {'statusCode': 200, 'body': event['body'], 'isBase64Encoded': True}"
    made.echo(create(source), "$default")
    with dial(made.address) as client:
        client.send("AP8=")
        assert client.recv() == b"\x00\xff"
        client.send("Z3LDvG4=")
        assert client.recv() == "grün"


# --------------------------------------------------------------------------------------------- connecting


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def handler(event, context): return {'statusCode': 418, 'body': 'short'}", 418),
        ("def handler(event, context): raise ValueError('no')", 502),
        ("def handler(event, context): return None", 502),
        ("def handler(event, context): import time; time.sleep(20)", 504),
    ],
)
def test_connecting_is_refused(api: Made, create: Create, dial: Dial, source: str, status: int) -> None:
    made = api()
    made.route("$connect", made.integrate(create(source), TimeoutInMillis=1500))
    assert refusal(dial, made.address)[0] == status


def test_nobody_allowed_the_function(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.route("$connect", made.integrate(create(ECHO), allowed=False))
    assert refusal(dial, made.address) == (500, '{"message":"Internal server error"}')


def test_no_such_place(api: Made, create: Create, dial: Dial, web: httpx.Client) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    assert refusal(dial, made.address + "x") == (403, '{"message":"Forbidden"}')
    assert refusal(dial, made.address + "/more")[0] == 403
    assert refusal(dial, made.address.replace(made.identity, "nobody1234"))[0] == 403
    assert refusal(dial, made.address.partition("/execute-api")[0])[0] == 404
    assert refusal(dial, made.address.replace("execute-api", "lambda-url"))[0] == 403
    assert web.get(made.https).status_code == 403


def test_a_stage_that_nothing_is_deployed_to(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    made.gateway.create_stage(ApiId=made.identity, StageName="prod", StageVariables={"v": "1"})
    address = made.address.removesuffix("dev") + "prod"
    assert refusal(dial, address)[0] == 403
    made.gateway.create_deployment(ApiId=made.identity, StageName="prod")
    with dial(address) as client:
        event = says(client, "x")
    assert (event["requestContext"]["stage"], event["stageVariables"]) == ("prod", {"v": "1"})


def test_by_host(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    port = made.address.split(":")[2].split("/")[0]
    host = f"{made.identity}.execute-api.us-east-1.localhost:{port}"
    with (
        socket.create_connection(("127.0.0.1", int(port))) as way,
        dial(f"wss://{host}/dev", sock=way) as client,
    ):
        assert says(client, "x")["requestContext"]["domainName"] == host


def test_another_host_is_refused(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    port = made.address.split(":")[2].split("/")[0]
    address = made.address.replace("127.0.0.1", "evil.example.com")
    with socket.create_connection(("127.0.0.1", int(port))) as way:
        assert refusal(dial, address, sock=way, server_hostname="127.0.0.1")[0] == 403


def test_a_subprotocol(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    source = """
def handler(event, context):
    wanted = event["headers"]["Sec-WebSocket-Protocol"].split(",")
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": wanted[1].strip()}}
"""
    made.route("$connect", made.integrate(create(source)))
    with dial(made.address, subprotocols=["a", "b"]) as client:
        assert client.subprotocol == "b"


# ------------------------------------------------------------------------------------------- authorization

AUTHORIZER = """
import json
def handler(event, context):
    print("GOT " + json.dumps(event))
    word = event["queryStringParameters"]["word"]
    if word == "unknown":
        raise Exception("Unauthorized")
    if word == "broken":
        return {}
    effect = "Allow" if word == "open" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ada", "policyDocument": policy, "context": {"level": 3, "ok": True}}
"""


def test_a_functions_word(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    made, asked = api(), create(AUTHORIZER)
    made.allow(asked)
    authorizer = made.gateway.create_authorizer(
        ApiId=made.identity,
        Name="a",
        AuthorizerType="REQUEST",
        AuthorizerUri=ARN + asked,
        IdentitySource=["route.request.querystring.word"],
    )
    target = made.integrate(create(ECHO))
    made.route("$connect", target, AuthorizationType="CUSTOM", AuthorizerId=authorizer["AuthorizerId"])
    made.route("$default", target, replies=True)
    with dial(f"{made.address}?word=open") as client:
        event = says(client, "x")
    assert event["requestContext"]["authorizer"] == {"principalId": "ada", "level": "3", "ok": "true"}
    assert refusal(dial, made.address)[0] == 401
    assert len(told(lab, asked)) == 1  # it isn't asked without what identifies
    told_to = {
        word: refusal(dial, f"{made.address}?word={word}")[0] for word in ("shut", "unknown", "broken")
    }
    assert told_to == {"shut": 403, "unknown": 401, "broken": 500}
    event = told(lab, asked)[0]
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{made.identity}/dev/$connect"
    assert (event["type"], event["methodArn"]) == ("REQUEST", arn)


def test_iam(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    made = api()
    target = made.integrate(create(ECHO))
    made.route("$connect", target, AuthorizationType="AWS_IAM")
    made.route("$default", target, replies=True)
    assert refusal(dial, made.address) == (403, '{"message":"Missing Authentication Token"}')
    for service, admitted in (("execute-api", True), ("lambda", False)):
        request = AWSRequest("GET", made.https)
        keys = Credentials(lab.descriptor.access_key, lab.descriptor.secret_key)
        SigV4Auth(keys, service, "us-east-1").add_auth(request)
        if admitted:
            with dial(made.address, additional_headers=dict(request.headers)) as client:
                identity = says(client, "x")["requestContext"]["identity"]
            assert identity["userArn"] == "arn:aws:iam::000000000000:root"
            assert identity["accessKey"] == lab.descriptor.access_key
        else:
            assert refusal(dial, made.address, additional_headers=dict(request.headers))[0] == 403


@pytest.mark.parametrize(
    ("key", "members"),
    [("$default", {"AuthorizationType": "AWS_IAM"}), ("$connect", {"AuthorizationType": "JWT"})],
)
def test_authorization_is_of_connecting(api: Made, create: Create, key: str, members: dict[str, Any]) -> None:
    made = api()
    target = made.integrate(create(ECHO))
    assert code_of(lambda: made.route(key, target, **members))[:2] == (400, "BadRequestException")


# ------------------------------------------------------------------------------------- calls on connections


def test_calls_on_connections(
    lab: Lab, api: Made, create: Create, dial: Dial, calls: Callable[[Api], Any]
) -> None:
    made, other, name = api(), api(), create(ECHO)
    made.echo(name, "$default", "$disconnect")
    other.echo(create(ECHO), "$default")
    caller = calls(made)
    with dial(made.address, user_agent_header="me") as client:
        identity = says(client, "x")["requestContext"]["connectionId"]
        caller.post_to_connection(ConnectionId=identity, Data="grün".encode())
        assert client.recv() == "grün"
        caller.post_to_connection(ConnectionId=identity, Data=b"\x00\xff")
        assert client.recv() == b"\x00\xff"
        told_of = caller.get_connection(ConnectionId=identity)
        assert told_of["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "me"}
        assert told_of["ConnectedAt"] <= told_of["LastActiveAt"]
        too_big = code_of(lambda: caller.post_to_connection(ConnectionId=identity, Data=b"x" * 131_073))
        assert too_big[:2] == (413, "PayloadTooLargeException")
        elsewhere = code_of(lambda: calls(other).get_connection(ConnectionId=identity))
        assert elsewhere[:2] == (410, "GoneException")
        at_the_api_port = lab.client("apigatewaymanagementapi")
        at_the_api_port.post_to_connection(ConnectionId=identity, Data=b"there, too")
        assert client.recv() == "there, too"
        caller.delete_connection(ConnectionId=identity)
        gone = code_of(lambda: caller.post_to_connection(ConnectionId=identity, Data=b"x"))
        assert gone[:2] == (410, "GoneException")
        assert client.ended() == 1000
    assert told(lab, name)[-1]["requestContext"]["disconnectStatusCode"] == 1000


def test_calls_must_be_signed(lab: Lab, api: Made, create: Create, dial: Dial, web: httpx.Client) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    with dial(made.address) as client:
        identity = says(client, "x")["requestContext"]["connectionId"]
        place = f"{made.https}/@connections/{identity.replace('=', '%3D')}"
        answer = web.post(place, content=b"hello")
        assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
        assert web.get(place, headers={"authorization": "AWS4-HMAC-SHA256 nonsense"}).status_code == 403


CHAT = """
import boto3, json, os
table = boto3.resource("dynamodb").Table("chat")
def handler(event, context):
    told = event["requestContext"]
    if told["routeKey"] == "$connect":
        table.put_item(Item={"id": told["connectionId"]})
    elif told["routeKey"] == "$disconnect":
        table.delete_item(Key={"id": told["connectionId"]})
    else:
        client = boto3.client(
            "apigatewaymanagementapi", endpoint_url=f"https://{told['domainName']}/{told['stage']}"
        )
        for item in table.scan()["Items"]:
            try:
                client.post_to_connection(ConnectionId=item["id"], Data=event["body"].encode())
            except client.exceptions.GoneException:
                table.delete_item(Key={"id": item["id"]})
    return {"statusCode": 200}
"""


def test_a_chat(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    """The code of AWS's examples, unchanged: a handler sends to everybody who is connected."""
    dynamodb = lab.client("dynamodb")
    key = {"AttributeName": "id"}
    dynamodb.create_table(
        TableName="chat",
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="chat", Item={"id": {"S": "L0SM9cOFvHcCIhw="}})  # who left long ago
    made, name = api(), create(CHAT, Timeout=20)
    target = made.integrate(name)
    for route in ("$connect", "$disconnect", "$default"):
        made.route(route, target)
    with dial(made.address) as ada, dial(made.address) as bob:
        ada.send("hello")
        assert (ada.recv(), bob.recv()) == ("hello", "hello")
    lab.settle()
    assert dynamodb.scan(TableName="chat")["Items"] == []
    dynamodb.delete_table(TableName="chat")


def test_a_handler_in_node_sends(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    """By Node's own HTTPS, which trusts the lab as it is."""
    made = api()
    source = """
import https from "node:https";
export const handler = async (event) => {
  const { domainName, stage } = event.requestContext;
  const status = await new Promise((resolve, reject) => {
    https.get(`https://${domainName}/${stage}/@connections/x`, (answer) => resolve(answer.statusCode)).on("error", reject);
  });
  return { statusCode: 200, body: `${status}` };
};
"""
    package = {"ZipFile": zip_files({"f.mjs": source.encode()})}
    made.echo(create(Runtime="nodejs22.x", Code=package), "$default")
    with dial(made.address) as client:
        assert says(client, "x") == 403  # it isn't signed


# ------------------------------------------------------------------------------------------------- limits


def test_messages_that_arent_taken(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(
        create("def handler(e, context): return {'statusCode': 200, 'body': str(len(e['body']))}"), "$default"
    )
    with dial(made.address) as client:
        assert says(client, "x" * 131_072) == 131_072
        client.send("ü" * 65_537)
        assert client.ended() == 1009
    with dial(made.address) as client:
        client.send(b"bytes")
        assert client.ended() == 1003


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.end()


def mock(home: Home, lab: Lab) -> tuple[str, ssl.SSLContext]:
    """The address of an API that needs no function, and what trusts that lab."""
    made = Api(lab, lab.client("lambda"))
    made.route("$default", made.integrate(IntegrationType="MOCK"))
    authority = home.folder / "data" / "lablambda" / "authority" / "ca.pem"
    return made.address, ssl.create_default_context(cafile=authority)


def test_connections_end_when_idle_or_old_or_with_their_lab(home: Home, sockets: Sockets) -> None:
    """Ten minutes and two hours, by the lab's clock."""
    lab = home.up("--services", "none")
    address, context = mock(home, lab)
    with sockets.connect(address, context) as idle:
        lab.clock.advance("590s")
        with sockets.connect(address, context) as busy:
            lab.clock.advance("12s")
            assert idle.ended() == 1001
            for _ in range(13):
                busy.send("x")
                busy.ping()
                lab.clock.advance("540s")
            lab.clock.advance("300s")
            assert busy.ended() == 1001
    with sockets.connect(address, context) as last:
        assert home.run("down", "--name", "t").returncode == 0
        assert last.ended() == 1001


def test_a_lab_that_is_killed_serves_again(home: Home, sockets: Sockets) -> None:
    """The next one keeps the API and its address; connections are the clients' to make anew."""
    lab = home.up("--services", "none")
    address, context = mock(home, lab)
    with sockets.connect(address, context) as client:
        os.kill(lab.descriptor.pid, signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            client.recv()
    home.up("--services", "none")
    with sockets.connect(address, context):
        pass


def test_connections_end_with_their_stage(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    with dial(made.address) as client:
        says(client, "x")
        made.gateway.delete_stage(ApiId=made.identity, StageName="dev")
        assert client.ended() == 1001
    made.gateway.create_stage(ApiId=made.identity, StageName="dev", AutoDeploy=True)
    with dial(made.address) as client:
        says(client, "x")
        made.gateway.delete_api(ApiId=made.identity)
        assert client.ended() == 1001


def test_throttling(api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "$default", "$connect")
    few = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.001}
    made.gateway.update_stage(ApiId=made.identity, StageName="dev", DefaultRouteSettings=few)
    with dial(made.address) as client:
        assert "requestContext" in says(client, "x")
        assert says(client, "x")["message"] == "Too Many Requests"
        assert refusal(dial, made.address)[0] == 429


def test_who_doesnt_listen_holds_up_nobody(
    api: Made, create: Create, dial: Dial, calls: Callable[[Api], Any]
) -> None:
    made = api()
    made.echo(create(ECHO), "$default")
    caller = calls(made)
    with dial(made.address, max_queue=1, close_timeout=1) as deaf, dial(made.address) as other:
        identity = says(deaf, "x")["requestContext"]["connectionId"]
        mine = says(other, "x")["requestContext"]["connectionId"]

        def flood() -> None:
            for _ in range(1000):
                caller.post_to_connection(ConnectionId=identity, Data=b"x" * 131_072)

        assert code_of(flood)[:2] == (429, "LimitExceededException")
        caller.post_to_connection(ConnectionId=mine, Data=b"me")
        assert other.recv() == "me"
        caller.delete_connection(ConnectionId=identity)


# ------------------------------------------------------------------------------------ integrations and logs


@pytest.fixture
def server() -> Iterator[str]:
    """Tells who asks, and what."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            answer = json.dumps({"who": self.headers["who"], "body": body}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}/"
        found.shutdown()
        thread.join()


def test_another_server_answers(api: Made, dial: Dial, server: str) -> None:
    made = api()
    proxy: dict[str, Any] = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "POST"}
    who = {"integration.request.header.who": "context.identity.sourceIp"}
    there = made.integrate(IntegrationUri=server, RequestParameters=who, **proxy)
    made.route("$default", there, replies=True)
    made.route("nobody", made.integrate(IntegrationUri="http://127.0.0.1:1/", **proxy))
    with dial(made.address) as client:
        assert says(client, "x") == {"who": "127.0.0.1", "body": "x"}
        assert says(client, {"action": "nobody"})["message"] == "Internal server error"


def test_a_mock_lets_in_or_doesnt(api: Made, dial: Dial) -> None:
    made = api()
    made.route("$default", made.integrate(IntegrationType="MOCK"), replies=True)
    shut = {"200": '{"statusCode": 403}'}
    made.route("$connect", made.integrate(IntegrationType="MOCK"))
    with dial(made.address) as client:
        client.send("x")
        client.ping()
    routes = made.gateway.get_routes(ApiId=made.identity)["Items"]
    connecting = next(route for route in routes if route["RouteKey"] == "$connect")
    made.gateway.update_integration(
        ApiId=made.identity,
        IntegrationId=connecting["Target"].removeprefix("integrations/"),
        RequestTemplates=shut,
    )
    assert refusal(dial, made.address)[0] == 403


@pytest.mark.parametrize("kind", ["AWS", "HTTP"])
def test_what_isnt_built_says_so(api: Made, create: Create, kind: str) -> None:
    made = api()
    uri = ARN + create(ECHO) if kind == "AWS" else "http://127.0.0.1:1/"
    refused = code_of(lambda: made.integrate(IntegrationType=kind, IntegrationUri=uri))
    assert refused[:2] == (501, "NotImplementedException")


def test_access_logs(lab: Lab, api: Made, create: Create, dial: Dial) -> None:
    made = api()
    made.echo(create(ECHO), "$connect", "$default", "$disconnect")
    logs, group = lab.client("logs"), f"/api/{made.identity}"
    logs.create_log_group(logGroupName=group)
    made.gateway.update_stage(
        ApiId=made.identity,
        StageName="dev",
        AccessLogSettings={
            "DestinationArn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}",
            "Format": "$context.eventType $context.routeKey $context.status $context.identity.sourceIp",
        },
    )
    with dial(made.address) as client:
        says(client, "x")
    lab.settle()
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    assert lines == [
        "CONNECT $connect 200 127.0.0.1",
        "MESSAGE $default 200 127.0.0.1",
        "DISCONNECT $disconnect 200 127.0.0.1",
    ]
