"""`--url`, `--route` and what shows them: asked over TLS, by clients that trust the lab's authority and no other."""

from __future__ import annotations

import json
import shlex
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from lablambda.client import Lab
from lablambda.model.source import SHARED_API
from tests.gateway.rest import Rest
from tests.jupyter.conftest import Notebook
from tests.jupyter.test_magics import FORMS

ECHO = """%%lambda {name} {options}
def handler(event, context):
    return {{"by": "{name}", "key": event["routeKey"], "version": event["version"],
            "path": event.get("pathParameters"), "body": event.get("body")}}
"""


def cell(name: str, options: str = "") -> str:
    return ECHO.format(name=name, options=options)


@pytest.fixture
def web(lab: Lab) -> Iterator[httpx.Client]:
    with httpx.Client(verify=ssl.create_default_context(cafile=lab.ca_certificate), timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def no_server_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever these tests run, the kernel belongs to no Jupyter server."""
    for name in ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_PUBLIC_URL", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_shared_api(lab: Lab) -> Iterator[None]:
    yield
    gateway = lab.client("apigatewayv2")
    for api in gateway.get_apis()["Items"]:
        if api["Name"] == SHARED_API:
            gateway.delete_api(ApiId=api["ApiId"])


def shared_api(lab: Lab) -> dict[str, Any]:
    (api,) = [a for a in lab.client("apigatewayv2").get_apis()["Items"] if a["Name"] == SHARED_API]
    return dict(api)


def changes(notebook: Notebook, source: str) -> list[str]:
    """What a cell's run does beside updating the code, which knows the cell's first line."""
    return [s.operation for s in notebook.run(source).steps if s.operation != "UpdateFunctionCode"]


def address(lab: Lab, path: str) -> str:
    return f"{shared_api(lab)['ApiEndpoint']}{path}"


def statements(lab: Lab, name: str) -> list[str]:
    functions = lab.client("lambda")
    try:
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return []
    return [statement["Sid"] for statement in policy["Statement"]]


# -------------------------------------------------------------------------------------------- the URL


def test_a_url_is_open_to_everybody_for_as_long_as_the_cell_says_so(
    notebook: Notebook, lab: Lab, web: httpx.Client
) -> None:
    deployed = notebook.run(cell("opened", "--url"))
    assert [step.operation for step in deployed.steps] == [
        "CreateFunction",
        "AddPermission",
        "AddPermission",
        "CreateFunctionUrlConfig",
    ]
    url = lab.url("opened")
    assert web.get(url).json()["by"] == "opened"
    assert notebook.run(cell("opened", "--url")).verdict == "unchanged"
    assert changes(notebook, cell("opened")) == [
        "DeleteFunctionUrlConfig",
        "RemovePermission",
        "RemovePermission",
    ]
    assert web.get(url).status_code == 403
    assert statements(lab, "opened") == []
    with pytest.raises(LookupError, match="opened has no URL"):
        lab.url("opened")


def test_the_result_shows_the_address_and_a_line_for_curl(notebook: Notebook, lab: Lab) -> None:
    deployed = notebook.run(cell("told", '--url --route "POST /told/{id}"'))
    bundle = deployed._repr_mimebundle_()
    assert f'<a href="{lab.url("told")}"' in bundle["text/html"]
    lines = [line.strip() for line in bundle["text/plain"].splitlines() if line.strip().startswith("curl")]
    answers = [
        json.loads(subprocess.run([*shlex.split(line), "-sS"], capture_output=True, check=True).stdout)
        for line in lines
    ]
    assert [answer["key"] for answer in answers] == ["$default", "POST /told/{id}"]
    assert (answers[1]["path"], answers[1]["body"]) == ({"id": "ID"}, "{}")
    json.dumps(bundle)


def test_a_url_that_somebody_else_made_stays_as_it_is(
    notebook: Notebook, lab: Lab, web: httpx.Client
) -> None:
    notebook.run(cell("signed"))
    lab.client("lambda").create_function_url_config(FunctionName="signed", AuthType="AWS_IAM")
    assert changes(notebook, cell("signed", "--url")) == []
    shown = notebook.text(cell("signed", "--url"))
    assert "url of signed (open to signed requests): https://" in shown
    assert web.get(lab.url("signed")).status_code == 403
    assert "by other means" in notebook.fails("%lambda off signed --url")
    assert changes(notebook, cell("signed")) == []
    assert lab.url("signed")


# ------------------------------------------------------------------------------------------- routes


def test_routes_lead_to_functions_by_one_api(notebook: Notebook, lab: Lab, web: httpx.Client) -> None:
    steps = notebook.run(cell("users", '--route "GET /users/{id}" --route "ANY /files/{proxy+}"')).steps
    assert [step.text for step in steps][1:4] == [
        "create HTTP API lablambda",
        "have API lablambda serve its routes at once",
        "make users known to API lablambda",
    ]
    notebook.run(cell("orders", "--route POST /orders"))
    user = web.get(address(lab, "/users/7")).json()
    assert (user["key"], user["path"], user["version"]) == ("GET /users/{id}", {"id": "7"}, "2.0")
    assert web.delete(address(lab, "/files/a/b.txt")).json()["path"] == {"proxy": "a/b.txt"}
    assert web.post(address(lab, "/orders"), json=[1]).json()["body"] == "[1]"
    assert web.post(address(lab, "/users/7")).status_code == 404
    assert changes(notebook, cell("orders", '--route "POST /orders"')) == []


def test_a_route_goes_when_the_cell_no_longer_names_it(
    notebook: Notebook, lab: Lab, web: httpx.Client
) -> None:
    notebook.run(cell("moved", '--route "GET /a" --route "GET /b"'))
    assert changes(notebook, cell("moved", '--route "GET /b"')) == ["DeleteRoute", "RemovePermission"]
    assert [web.get(address(lab, path)).status_code for path in ("/a", "/b")] == [404, 200]
    assert changes(notebook, cell("moved")) == ["DeleteRoute", "RemovePermission", "DeleteIntegration"]
    assert web.get(address(lab, "/b")).status_code == 404
    assert statements(lab, "moved") == []
    assert lab.client("apigatewayv2").get_integrations(ApiId=shared_api(lab)["ApiId"])["Items"] == []


def test_the_default_route_and_the_root(notebook: Notebook, lab: Lab, web: httpx.Client) -> None:
    notebook.run(cell("rest", "--route '$default' --route 'GET /'"))
    assert web.get(address(lab, "/any/thing")).json()["key"] == "$default"
    assert web.get(address(lab, "/")).json()["key"] == "GET /"


def test_two_functions_want_one_route(notebook: Notebook, lab: Lab, web: httpx.Client) -> None:
    # given a route that leads to a function
    notebook.run(cell("keeper", '--route "GET /mine"'))
    # when another wants it, then it is told what to do
    told = notebook.fails(cell("taker", '--route "GET /mine"'))
    assert "GET /mine leads to keeper. Take it away there first" in told
    assert "%lambda off keeper --route 'GET /mine'" in told
    assert web.get(address(lab, "/mine")).json()["by"] == "keeper"
    # and has it when the first is no more
    lab.function("keeper").delete()
    notebook.run(cell("taker", '--route "GET /mine"'))
    assert web.get(address(lab, "/mine")).json()["by"] == "taker"


def test_a_function_made_anew_has_its_routes_again(notebook: Notebook, lab: Lab, web: httpx.Client) -> None:
    options = '--url --route "GET /again"'
    notebook.run(cell("again", options))
    lab.function("again").delete()
    assert web.get(address(lab, "/again")).status_code == 500
    notebook.run(cell("again", options))
    assert web.get(address(lab, "/again")).json()["by"] == "again"
    # also in an API made anew
    gateway = lab.client("apigatewayv2")
    gateway.delete_api(ApiId=shared_api(lab)["ApiId"])
    notebook.run(cell("again", options))
    assert web.get(address(lab, "/again")).json()["by"] == "again"
    assert notebook.run(cell("again", options)).verdict == "unchanged"


def test_dry_run_plans_both(notebook: Notebook, lab: Lab) -> None:
    shown = notebook.text(cell("planned", '--url --route "GET /planned" --dry-run'))
    assert "give planned a URL" in shown
    assert "lead GET /planned to planned" in shown
    assert [a for a in lab.client("apigatewayv2").get_apis()["Items"] if a["Name"] == SHARED_API] == []


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--route /users", "'/users' is no route"),
        ("--route 'FETCH /users'", "Write a method (ANY, DELETE, GET, HEAD"),
        ("--route 'GET /{a+}/b'", "greedy path variable must be the last"),
        ("--route", "expected one argument"),
    ],
)
def test_routes_that_are_none(notebook: Notebook, option: str, told: str) -> None:
    assert told in notebook.fails(cell("wrong", option))


# ------------------------------------------------------------------------------------- %lambda


def test_switched_on_and_off(notebook: Notebook, lab: Lab, web: httpx.Client) -> None:
    plain = cell("switched-web", '--route "GET /cell"')
    notebook.run(plain)
    said = notebook.text('%lambda on switched-web --url --route "GET /line" --route PUT /line')
    assert "give switched-web a URL" in said
    assert notebook.run(plain).verdict == "unchanged", "what a line did stays when the cell runs"
    assert web.put(address(lab, "/line")).json()["key"] == "PUT /line"
    listed = notebook.text("%lambda list")
    assert all(word in listed for word in ("url", "GET /cell", "GET /line", "PUT /line"))
    notebook.run('%lambda off switched-web --route "GET /line"')
    assert web.get(address(lab, "/line")).status_code == 404
    assert "no source GET /line" in notebook.fails('%lambda off switched-web --route "GET /line"')
    notebook.run("%lambda off switched-web --url")
    with pytest.raises(LookupError):
        lab.url("switched-web")
    notebook.run("%lambda off switched-web")
    assert [
        web.request(*r).status_code for r in (("GET", address(lab, "/cell")), ("PUT", address(lab, "/line")))
    ] == [
        404,
        404,
    ]
    assert statements(lab, "switched-web") == []
    assert "Write %lambda on NAME" in notebook.fails("%lambda on switched-web")


def test_url_tells_the_addresses(notebook: Notebook, lab: Lab) -> None:
    notebook.run(cell("asked"))
    assert "asked has no address. Give it one: %lambda on asked --url" in notebook.fails("%lambda url asked")
    assert "Function not found" in notebook.fails("%lambda url nobody")
    notebook.run("%lambda on asked --url")
    assert notebook.text("%lambda url asked").splitlines() == [
        f"  url of asked: {lab.url('asked')}",
        f"    curl --cacert {lab.ca_certificate} {lab.url('asked')}",
    ]
    assert lab.url("asked") in notebook.text("%lambda show asked")


def test_routes_are_a_table(notebook: Notebook, lab: Lab) -> None:
    notebook.run(cell("tabled", '--url --route "GET /tabled/{id}"'))
    shown = notebook.run("%lambda routes")._repr_mimebundle_()
    assert set(shown) == FORMS
    rows = [line.split() for line in shown["text/plain"].splitlines()]
    assert ["url", "tabled", "everybody", lab.url("tabled")] in rows
    assert ["GET", "/tabled/{id}", "tabled", "everybody", address(lab, "/tabled/{id}")] in rows
    assert [e.address for e in lab.routes("tabled")] == [row[-1] for row in rows if "tabled" in row]
    json.dumps(shown)


def test_routes_of_other_apis_are_shown_too(notebook: Notebook, lab: Lab, web: httpx.Client) -> None:
    notebook.run(cell("elsewhere"))
    functions, gateway = lab.client("lambda"), lab.client("apigatewayv2")
    arn = functions.get_function_configuration(FunctionName="elsewhere")["FunctionArn"]
    api = gateway.create_api(Name="shop", ProtocolType="HTTP", Target=arn, RouteKey="GET /goods")
    chat = gateway.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    rest = Rest(lab, functions)
    rest.proxy("GET /old/{id}", "elsewhere")
    rest.deploy()
    lone = gateway.create_integration(ApiId=chat["ApiId"], IntegrationType="AWS_PROXY", IntegrationUri=arn)
    gateway.create_route(
        ApiId=chat["ApiId"], RouteKey="$connect", Target=f"integrations/{lone['IntegrationId']}"
    )
    gateway.create_stage(ApiId=chat["ApiId"], StageName="live")
    try:
        found = {endpoint.route: endpoint for endpoint in lab.routes("elsewhere")}
        assert web.get(found["GET /old/{id} of test"].address.replace("{id}", "1")).status_code == 502
        assert found["GET /old/{id} of test"].address == f"{rest.address}/old/{{id}}"
        assert found["GET /goods of shop"].address == f"{api['ApiEndpoint']}/goods"
        assert found["$connect of chat"].address == f"{chat['ApiEndpoint']}/live"
        assert (found["$connect of chat"].curl, found["$connect of chat"].link) == ("", "")
        functions.add_permission(
            FunctionName="elsewhere",
            StatementId="others",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api['ApiId']}/*",
        )
        assert "GET /goods of shop" in notebook.text("%lambda list")
    finally:
        for identity in (api["ApiId"], chat["ApiId"]):
            gateway.delete_api(ApiId=identity)
        rest.gateway.delete_rest_api(restApiId=rest.identity)


# --------------------------------------------------------------------- where the browser finds them


@pytest.fixture
def named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab, as it is when it isn't private and has the usual name."""
    monkeypatch.setattr(lab, "descriptor", replace(lab.descriptor, name="default", note=""))
    monkeypatch.setattr("lablambda.jupyter.magics.LambdaMagics.lab", lambda _: lab)
    return lab


def test_behind_a_hub(notebook: Notebook, named: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook.run(cell("hubbed", "--url"))
    direct = named.url("hubbed")
    path = direct.removeprefix(named.https_endpoint)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    shown = notebook.run("%lambda url hubbed")._repr_mimebundle_()
    assert f'href="/user/ada/lablambda/endpoint{path}"' in shown["text/html"]
    assert f"curl --cacert {named.ca_certificate} {direct}" in shown["text/plain"]
    assert named.url("hubbed") == direct, "programs on this machine need no hub"
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ada/")
    assert f": https://hub.example/user/ada/lablambda/endpoint{path}\n" in notebook.text("%lambda url hubbed")


def test_below_a_servers_prefix(
    notebook: Notebook, named: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notebook.run(cell("below", "--url"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "17")
    note = tmp_path / "jpserver-17.json"
    note.write_text(json.dumps({"base_url": "/"}))
    assert f": {named.url('below')}\n" in notebook.text("%lambda url below")
    note.write_text(json.dumps({"base_url": "/lab7/"}))
    assert ": /lab7/lablambda/endpoint/lambda-url/" in notebook.text("%lambda url below")
