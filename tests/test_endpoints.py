"""Endpoints as values: their lines for curl and their links. How they are found is shown in tests/jupyter."""

from __future__ import annotations

import shlex

import pytest

from lablambda.endpoints import Endpoint, Endpoints

API = "https://127.0.0.1:1/execute-api/a"


@pytest.mark.parametrize(
    ("route", "path", "auth", "line"),
    [
        ("GET /x", "/x", "NONE", ["curl", f"{API}/x"]),
        ("ANY /{proxy+}", "/{proxy+}", "NONE", ["curl", f"{API}/PROXY"]),
        ("POST /x", "/x", "NONE", ["curl", "--json", "{}", f"{API}/x"]),
        ("PUT /{a}/{b}", "/{a}/{b}", "NONE", ["curl", "-X", "PUT", "--json", "{}", f"{API}/A/B"]),
        ("DELETE /x", "/x", "JWT", ["curl", "-X", "DELETE", "-H", "authorization: Bearer TOKEN", f"{API}/x"]),
        ("HEAD /x of shop", "/x", "NONE", ["curl", "--head", f"{API}/x"]),
        ("$default", "/", "NONE", ["curl", f"{API}/"]),
        ("url", "/", "NONE", ["curl", f"{API}/"]),
    ],
)
def test_a_line_for_curl(route: str, path: str, auth: str, line: list[str]) -> None:
    assert shlex.split(Endpoint("f", route, f"{API}{path}", auth).curl) == line


def test_the_certificate_is_named_as_a_shell_reads_it() -> None:
    endpoint = Endpoint("f", "url", f"{API}/", ca="/home/Ada L/ca.pem")
    assert shlex.split(endpoint.curl)[:3] == ["curl", "--cacert", "/home/Ada L/ca.pem"]


@pytest.mark.parametrize(
    ("route", "address", "link"),
    [
        ("GET /x", f"{API}/x", "here"),
        ("GET /x of shop", f"{API}/x", "here"),
        ("ANY /x", f"{API}/x", "here"),
        ("$default", f"{API}/", "here"),
        ("POST /x", f"{API}/x", ""),
        ("GET /{id}", f"{API}/{{id}}", ""),
        ("$connect of chat", API.replace("https", "wss"), ""),
    ],
)
def test_what_a_click_can_open(route: str, address: str, link: str) -> None:
    assert Endpoint("f", route, address, in_browser="here").link == link


def test_a_sequence() -> None:
    found = Endpoints([Endpoint("f", "url", API), Endpoint("g", "url", API)])
    assert [endpoint.function for endpoint in found[1:]] == ["g"]
    assert repr(found) == "<2 endpoints>"
    assert "no routes yet" in Endpoints([])._repr_mimebundle_()["text/plain"]
