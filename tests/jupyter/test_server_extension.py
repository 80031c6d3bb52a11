"""Endpoints through a Jupyter server below a prefix, as behind a JupyterHub: real servers, real clients."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.gateway.certificates import Authority
from lablambda.model.deployment import Deployment
from lablambda.model.source import RouteSource, UrlSource
from tests.jupyter_servers import JupyterServer, jupyter_server
from tests.processes import Home
from tests.ui.jupyterlab import CHROMIUM, browser_page

PYTHON = f"python3.{sys.version_info.minor}"
PREFIX = "/user/ada/"
PLACE = f"{PREFIX}lablambda/endpoint"
WEB = b'''
import base64, gzip, json, time

PAGE = """<!doctype html><title>page</title><p id="post"></p><p id="socket"></p><script>
fetch("echo", {method: "POST", body: "from the page"}).then(r => r.json()).then(event => {
  document.getElementById("post").textContent = event.body;
});
const socket = new WebSocket(location.href.replace("http", "ws").split("/lambda-url/")[0] + SOCKET);
socket.onopen = () => socket.send("by socket");
socket.onmessage = message => document.getElementById("socket").textContent = message.data;
</script>"""

def handler(event, context):
    match event["rawPath"]:
        case "/page":
            socket = json.dumps(event["queryStringParameters"]["socket"])
            return {"statusCode": 200, "headers": {"content-type": "text/html"}, "body": PAGE.replace("SOCKET", socket)}
        case "/zipped":
            body = base64.b64encode(gzip.compress(b"\\x00zipped")).decode()
            headers = {"content-encoding": "gzip", "content-type": "application/x-thing", "x-two": "a, b"}
            return {"statusCode": 201, "headers": headers, "body": body, "isBase64Encoded": True}
        case "/cookies":
            return {"statusCode": 302, "headers": {"location": "/echo"}, "cookies": ["seen=1; Path=/", "b=2"]}
        case "/empty":
            return {"statusCode": 204}
        case "/slow":
            time.sleep(1)
        case "/fails":
            raise ValueError("no")
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
'''
CHAT = b"""
def handler(event, context):
    kind = event["requestContext"]["eventType"]
    print(kind)
    if kind == "CONNECT":
        refused = "no" in (event.get("queryStringParameters") or {})
        asked = (event.get("headers") or {}).get("Sec-WebSocket-Protocol")
        cookies = (event.get("headers") or {}).get("Cookie", "")
        assert "username-" not in cookies, cookies
        return {"statusCode": 401 if refused else 200, "headers": {"Sec-WebSocket-Protocol": asked} if asked else {}}
    return {"statusCode": 200, "body": "you said " + (event.get("body") or "")}
"""
STREAM = b"""
const net = require("net");
const { once } = require("events");
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  out.write("first ");
  await once(net.connect(event.queryStringParameters.port, "127.0.0.1"), "data");
  out.end("second");
});
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A user with a lab of the usual name, and functions web and chat in it."""
    made = Home(tmp_path_factory.mktemp("server"))
    try:
        started = made.run("up", "--detach")
        assert started.returncode == 0, started.stderr
        lab = made.lab("default")
        web = (UrlSource(), RouteSource("GET /by-api/{proxy+}"))
        deploy(Deployment("web", PYTHON, "f.handler", {"f.py": WEB}, sources=web), lab)
        deploy(Deployment("chat", PYTHON, "f.handler", {"f.py": CHAT}), lab)
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def lab(home: Home) -> Lab:
    return home.labs[0]


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[JupyterServer]:
    """Nothing but its installation tells it of lablambda."""
    words = (f"--ServerApp.base_url={PREFIX}", f"--ServerApp.root_dir={home.folder}")
    with jupyter_server(home, "server", *words) as running:
        yield running
    log = (home.folder / "jupyter.log").read_text()
    assert "Traceback" not in log
    assert "Unclosed" not in log


@pytest.fixture(scope="module")
def web(lab: Lab, server: JupyterServer) -> str:
    """The function's URL, through the server."""
    path = lab.url("web").removeprefix(lab.https_endpoint)
    return server.url.removesuffix("/") + path.join(["/lablambda/endpoint", ""])


@pytest.fixture
def person(server: JupyterServer) -> Iterator[httpx.Client]:
    """A browser that is logged in by its cookie."""
    with httpx.Client(timeout=30) as client:
        assert client.get(server.url, params={"token": server.token}).status_code in (200, 302)
        assert client.get(f"{server.url}api/me").status_code == 200
        yield client


@pytest.fixture(scope="module")
def socket(lab: Lab) -> str:
    """The path of a WebSocket API that answers, on the lab's port."""
    gateway, functions = lab.client("apigatewayv2"), lab.client("lambda")
    arn = functions.get_function_configuration(FunctionName="chat")["FunctionArn"]
    functions.add_permission(
        FunctionName="chat",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    api = gateway.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    made = gateway.create_integration(ApiId=api["ApiId"], IntegrationType="AWS_PROXY", IntegrationUri=arn)
    target = f"integrations/{made['IntegrationId']}"
    for key in ("$connect", "$disconnect"):
        gateway.create_route(ApiId=api["ApiId"], RouteKey=key, Target=target)
    route = gateway.create_route(
        ApiId=api["ApiId"], RouteKey="$default", Target=target, RouteResponseSelectionExpression="$default"
    )
    gateway.create_route_response(ApiId=api["ApiId"], RouteId=route["RouteId"], RouteResponseKey="$default")
    gateway.create_stage(ApiId=api["ApiId"], StageName="live", AutoDeploy=True)
    return str(api["ApiEndpoint"]).partition(lab.https_endpoint.partition("//")[2])[2] + "/live"


def own(server: JupyterServer) -> str:
    """The server's origin."""
    return server.url.partition(PREFIX)[0]


# -------------------------------------------------------------------------------------------- requests


def test_an_endpoint_opens_below_the_prefix(person: httpx.Client, web: str) -> None:
    event = person.get(f"{web}a%2Fb?x=1&y=%7E").json()
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%2Fb", "x=1&y=%7E")


def test_what_the_notebook_prints_is_what_works(
    person: httpx.Client, lab: Lab, server: JupyterServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", str(server.pid))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home.folder / "run"))
    found = {endpoint.route: endpoint for endpoint in lab.routes("web")}
    assert found["url"].link.startswith(f"{PLACE}/lambda-url/")
    assert person.get(own(server) + found["url"].link).status_code == 200
    route = found["GET /by-api/{proxy+}"].in_browser.replace("{proxy+}", "a/b")
    assert person.get(own(server) + route).json()["pathParameters"] == {"proxy": "a/b"}
    # a lab of another name is named in the path
    named = person.get(own(server) + found["url"].link.replace("/endpoint/", "/endpoint/~default/"))
    assert named.status_code == 200


def test_the_answer_comes_as_it_is(person: httpx.Client, web: str) -> None:
    with person.stream("GET", f"{web}zipped") as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/x-thing"
    assert gzip.decompress(raw) == b"\x00zipped"
    assert person.get(f"{web}empty").status_code == 204
    assert person.head(f"{web}echo").status_code == 200
    failed = person.get(f"{web}fails")
    assert (failed.status_code, failed.text) == (502, "Internal Server Error")


def test_bodies_go_in_whole(person: httpx.Client, web: str, server: JupyterServer) -> None:
    headers = {"origin": own(server), "content-type": "application/octet-stream"}
    sent = os.urandom(3_000_000)
    event = person.put(f"{web}echo", content=sent, headers=headers).json()
    assert base64.b64decode(event["body"]) == sent
    # without a length, part by part
    event = person.post(f"{web}echo", content=iter([b"a" * 70_000, b"b"]), headers=headers).json()
    assert base64.b64decode(event["body"]) == b"a" * 70_000 + b"b"
    for much in (b"x" * 11_000_000, iter([b"x" * 11_000_000])):
        assert person.post(f"{web}echo", content=much, headers=headers).status_code == 413
    event = person.post(f"{web}echo", data={"token": "of my own"}, headers={"origin": own(server)}).json()
    assert base64.b64decode(event["body"]) == b"token=of+my+own"


def test_a_streamed_answer_arrives_while_it_is_made(
    person: httpx.Client, lab: Lab, server: JupyterServer
) -> None:
    if shutil.which("node") is None and not os.environ.get("CI"):
        pytest.skip("streamed answers are written in JavaScript; there is no node here")
    runtime = next(name for name in lab.status()["runtimes"] if name.startswith("nodejs"))
    wanted = Deployment(
        "stream", runtime, "index.handler", {"index.js": STREAM}, timeout_s=20, sources=(UrlSource(),)
    )
    deploy(wanted, lab)
    lab.client("lambda").update_function_url_config(FunctionName="stream", InvokeMode="RESPONSE_STREAM")
    path = lab.url("stream").removeprefix(lab.https_endpoint)
    with create_server(("127.0.0.1", 0)) as gate:
        port = {"port": str(gate.getsockname()[1])}
        with person.stream("GET", own(server) + PLACE + path, params=port) as answer:
            parts = answer.iter_text()
            assert next(parts) == "first "
            with gate.accept()[0] as handler:
                handler.sendall(b"go")
                assert "".join(parts) == "second"


def test_a_person_who_leaves_is_nobodys_trouble(person: httpx.Client, web: str) -> None:
    """What the server's log says of it is looked at in the end."""
    with pytest.raises(httpx.ReadTimeout):
        person.get(f"{web}slow", timeout=0.3)
    assert person.get(f"{web}echo").status_code == 200


# ---------------------------------------------------------------------------------------------- logins


def test_only_for_who_is_logged_in(web: str, server: JupyterServer) -> None:
    with httpx.Client() as stranger:
        sent = stranger.get(f"{web}echo")
        assert sent.status_code == 302
        assert sent.headers["location"].startswith(f"{PREFIX}login")
        for verb in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            refused = stranger.request(verb, f"{web}echo", headers={"origin": own(server)}, content=b"x")
            assert refused.status_code == 403, verb


def test_jupyters_logins_are_not_told_to_functions(
    person: httpx.Client, web: str, server: JupyterServer
) -> None:
    # by cookie
    person.cookies.set("mine", "1", path=PREFIX)
    event = person.get(f"{web}echo", headers={"authorization": "Bearer of.my.own"}).json()
    assert event["cookies"] == ["mine=1"]
    assert event["headers"]["authorization"] == "Bearer of.my.own"
    # by token
    with httpx.Client() as program:
        event = program.get(f"{web}echo", headers={"authorization": f"token {server.token}"}).json()
        assert "authorization" not in event["headers"]
        event = program.get(f"{web}echo?a=1&token={server.token}").json()
        assert event["rawQueryString"] == "a=1"
    assert server.token not in json.dumps(event)


def test_cookies_and_redirections_go_below_the_prefix(person: httpx.Client, web: str) -> None:
    answer = person.get(f"{web}cookies")
    below = httpx.URL(web).path
    assert answer.headers["location"] == f"{below}echo"
    assert [
        cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith(("seen", "b="))
    ] == [
        f"seen=1; Path={below}",
        "b=2",
    ]
    event = person.get(answer.headers["location"].join([str(httpx.URL(web).copy_with(path="")), ""])).json()
    assert "seen=1" in event["cookies"]


def test_pages_of_other_sites_may_not_post(person: httpx.Client, web: str, server: JupyterServer) -> None:
    def post(**headers: str) -> int:
        return person.post(f"{web}echo", content=b"x", headers=headers).status_code

    assert post() == 403
    assert post(origin="https://elsewhere.example") in (403, 404)
    assert post(origin="null") in (403, 404)
    assert post(origin=own(server)) == 200
    assert post(**{"x-xsrftoken": person.cookies["_xsrf"]}) == 200


# --------------------------------------------------------------------------------------- what isn't there


def test_no_such_endpoint_or_lab(person: httpx.Client, web: str, server: JupyterServer, home: Home) -> None:
    assert person.get(web.replace("lambda-url/", "lambda-url/zz")).status_code == 403
    nowhere = person.get(f"{own(server)}{PLACE}/elsewhere")
    assert nowhere.status_code == 404
    assert "%lambda routes" in nowhere.text
    for name, told in (("nobody", "No lab named"), ("~", "name a lab")):
        answer = person.get(f"{own(server)}{PLACE}/~{name}/lambda-url/a/")
        assert answer.status_code == 503
        assert told in answer.text
    lab = home.labs[0]
    dead = replace(lab.descriptor, name="dead", https_endpoint="https://127.0.0.1:9")
    home.descriptor("dead").write_text(json.dumps(asdict(dead)))
    try:
        answer = person.get(f"{own(server)}{PLACE}/~dead/lambda-url/a/")
    finally:
        home.descriptor("dead").unlink()
    assert answer.status_code == 503
    assert "lablambda status" in answer.text


def test_only_the_users_own_authority_is_trusted(
    person: httpx.Client, server: JupyterServer, home: Home, tmp_path: Path
) -> None:
    asked = []

    class Impostor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    files = Authority(tmp_path / "other").issue(tmp_path / "files")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    lab = home.labs[0]
    false = replace(lab.descriptor, name="false", https_endpoint=f"https://127.0.0.1:{listening.server_port}")
    home.descriptor("false").write_text(json.dumps(asdict(false)))
    try:
        assert person.get(f"{own(server)}{PLACE}/~false/lambda-url/a/").status_code == 503
    finally:
        home.descriptor("false").unlink()
        listening.shutdown()
        thread.join()
        listening.server_close()
    assert asked == []


# ----------------------------------------------------------------------------------------- WebSockets


def open_socket(
    server: JupyterServer, path: str, cookies: httpx.Cookies | None, **more: Any
) -> ClientConnection:
    sent = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    address = f"{own(server)}{PLACE}{path}".replace("http:", "ws:")
    origin = more.pop("origin", own(server))
    return connect(address, origin=Origin(origin), additional_headers={"Cookie": sent}, proxy=None, **more)


def test_a_websocket_is_passed_through(
    person: httpx.Client, server: JupyterServer, socket: str, lab: Lab
) -> None:
    with open_socket(server, socket, person.cookies, subprotocols=[Subprotocol("soap")]) as chat:
        assert chat.subprotocol == "soap"
        for text in ("hello", "ö" * 10_000):
            chat.send(text)
            assert chat.recv(timeout=10) == f"you said {text}"
    for line in lab.function("chat").follow_logs():
        if "DISCONNECT" in line.message:
            break


def test_the_lab_ends_a_websocket(person: httpx.Client, server: JupyterServer, socket: str) -> None:
    with open_socket(server, socket, person.cookies) as chat:
        chat.send("x" * 200_000)  # over API Gateway's 128 KB
        with pytest.raises(ConnectionClosed) as ended:
            chat.recv(timeout=10)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1009


def test_refused_websockets(person: httpx.Client, server: JupyterServer, socket: str) -> None:
    for path, cookies, origin, status in (
        (socket, None, own(server), 403),
        (socket, person.cookies, "https://elsewhere.example", 403),
        (f"{socket}?no", person.cookies, own(server), 401),
        ("/lambda-url/abc/", person.cookies, own(server), 403),
        ("/~nobody/execute-api/a/live", person.cookies, own(server), 503),
    ):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(server, path, cookies, origin=origin)
        assert refused.value.response.status_code == status, path


# --------------------------------------------------------------------------------------- a real browser


def test_in_a_browser(server: JupyterServer, web: str, socket: str) -> None:
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with browser_page() as page:
        page.goto(f"{server.url}login?token={server.token}&next={PREFIX}api/me")
        page.goto(f"{web}page?socket={socket}")
        page.get_by_text("from the page").wait_for()
        page.get_by_text("you said by socket").wait_for()
        assert page.title() == "page"
