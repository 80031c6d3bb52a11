"""Web frameworks that others wrote, unchanged behind the HTTPS port: one shop, written for each, asked by a real client.

Deployed as a cell with `--requires` is; from function URLs and HTTP APIs of both payload formats.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from lablambda.client import Lab
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from tests.api_clients import ARN, RUNTIME
from tests.gateway.conftest import open_to_all, trust, web
from tests.guests.conftest import FUNCTIONS, REQUIRES

__all__ = ["trust", "web"]
NODE = "nodejs20.x"
NODE_REQUIRES: tuple[str, ...] = ("express@^5.1", "serverless-http@^4")
needs_npm = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("npm") is None, reason="there is no npm on the PATH"
)
FRAMEWORKS = ["fastapi", "flask", "powertools", pytest.param("express", marks=needs_npm)]
# What a door's events are like, and the handler of Powertools that reads them.
DOORS = {"url": "function_url", "api": "http_api", "api_1_0": "rest_api"}


@dataclass(frozen=True)
class Shop:
    """One framework behind one door."""

    framework: str
    door: str
    address: str
    web: httpx.Client

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.web.request(method, self.address + path, **more)


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=DOORS)
def shop(request: pytest.FixtureRequest, framework: str, lab: Lab, functions: Any, web: httpx.Client) -> Shop:
    door = request.param
    name = _deployed(lab, framework, door)
    address = _url(functions, name) if door == "url" else _api(lab, functions, name, door)
    return Shop(framework, door, address, web)


def _deployed(lab: Lab, framework: str, door: str) -> str:
    """The function of a framework; Powertools has one for each door."""
    name, module, handler = f"shop-{framework}", f"shop_{framework}", "handler"
    file, runtime, requires = f"{module}.py", RUNTIME, REQUIRES
    if framework == "powertools":
        name, handler = f"{name}-{door}", DOORS[door]
    elif framework == "express":
        file, runtime, requires = f"{module}.js", NODE, NODE_REQUIRES
    files = {file: (FUNCTIONS / file).read_bytes()}
    wanted = Deployment(name, runtime, f"{module}.{handler}", files, 512, 30, requires=requires)
    deploy(wanted, lab)
    return name


def _url(functions: Any, name: str) -> str:
    open_to_all(functions, name)
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE")
    return str(made["FunctionUrl"]).rstrip("/")


def _api(lab: Lab, functions: Any, name: str, door: str) -> str:
    """A stage with one route for everything."""
    gateway = lab.client("apigatewayv2")
    made = gateway.create_api(Name=name, ProtocolType="HTTP", Target=ARN + name)
    if door == "api_1_0":
        known = gateway.get_integrations(ApiId=made["ApiId"])["Items"][0]["IntegrationId"]
        gateway.update_integration(ApiId=made["ApiId"], IntegrationId=known, PayloadFormatVersion="1.0")
    functions.add_permission(
        FunctionName=name,
        StatementId=made["ApiId"],
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{made['ApiId']}/*",
    )
    return str(made["ApiEndpoint"])


def test_path_query_and_headers(shop: Shop) -> None:
    answer = shop.ask(
        "GET",
        "/items/7?tag=a&tag=%C3%BC%26&q=x+y%20z",
        headers={"X-Trace": "t"},
    )
    assert answer.json() == {"id": 7, "tags": ["a", "ü&"], "q": "x y z", "trace": "t"}
    assert answer.headers["content-type"].startswith("application/json")


def test_a_path_that_is_encoded(shop: Shop) -> None:
    """HTTP APIs give it decoded, function URLs don't; Powertools takes it as it comes."""
    encoded = "black%20tea%2B1"
    answer = shop.ask("GET", f"/named/{encoded}")
    as_it_comes = shop.framework == "powertools" and shop.door == "url"
    name = encoded if as_it_comes else "black tea+1"
    assert answer.json() == {"name": name, "scheme": "https", "client": "127.0.0.1"}


def test_json_and_cookies(shop: Shop) -> None:
    answer = shop.ask(
        "POST", "/items", json={"name": "tea", "price": 2.5}, headers={"cookie": "session=s1; other=2"}
    )
    assert (answer.status_code, answer.headers["location"]) == (201, "/items/1")
    assert answer.json() == {"name": "tea", "price": 2.5, "session": "s1"}
    cookies = [cookie.partition(";")[0] for cookie in answer.headers.get_list("set-cookie")]
    assert cookies == ["seen=tea", "count=1"]


def test_a_form(shop: Shop) -> None:
    answer = shop.ask("POST", "/form", data={"name": "tea & ü", "note": "a+b"})
    assert answer.json() == {"name": "tea & ü", "note": "a+b"}


def test_bytes_both_ways(shop: Shop) -> None:
    sent = bytes(range(256)) * 40
    answer = shop.ask("POST", "/reverse", content=sent, headers={"content-type": "application/octet-stream"})
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert answer.content == sent[::-1]


def test_a_redirect_leads_there(shop: Shop, lab: Lab) -> None:
    """Addresses by host are like AWS's: what begins with / is below them."""
    assert shop.ask("GET", "/old").headers["location"] == "/named/new"
    kind, identity = urlsplit(shop.address).path[1:].split("/")
    host = f"https://{identity}.{kind}.us-east-1.localhost:{urlsplit(shop.address).port}"
    done = subprocess.run(
        ["curl", "-sSL", "--cacert", lab.ca_certificate, f"{host}/old"],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout)["name"] == "new"


def test_nothing_to_say(shop: Shop) -> None:
    answer = shop.ask("DELETE", "/items/7")
    assert (answer.status_code, answer.content) == (204, b"")


def test_what_is_refused(shop: Shop) -> None:
    assert shop.ask("GET", "/nowhere").status_code == 404
    answer = shop.ask("GET", "/teapot")
    assert answer.status_code == 418
    assert "short and stout" in answer.text


def test_a_fault(shop: Shop) -> None:
    """Frameworks answer for it themselves; Powertools leaves it to Lambda, and the door says so."""
    answer = shop.ask("GET", "/fault")
    own = 502 if shop.framework == "powertools" and shop.door == "url" else 500
    assert answer.status_code == own
    assert (
        "handler's own" not in answer.text or shop.framework == "express"
    )  # Express tells outside of production
    assert shop.ask("GET", "/named/still-here").json()["name"] == "still-here"
