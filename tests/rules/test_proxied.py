"""What a Jupyter server keeps to itself, and what it puts below its own prefix."""

from __future__ import annotations

import pytest

from lablambda.rules.proxied import Place, place, request_headers, response_headers, without_token

AT = Place("https://127.0.0.1:1", "/lambda-url/abc", "/user/ada/lablambda/endpoint/lambda-url/abc")


def test_the_place_of_an_endpoint() -> None:
    before = "/user/ada/lablambda/endpoint"
    assert place("/lambda-url/abc/x", "https://127.0.0.1:1", before) == AT
    assert place("/lambda-url/abc", "https://127.0.0.1:1", before) == AT
    assert place("/elsewhere", "https://127.0.0.1:1", before) is None


def test_jupyters_logins_stay_with_jupyter() -> None:
    told = [
        ("Cookie", "_xsrf=1; mine=2; username-localhost-8888=3; jupyterhub-session-id=4; also=5; odd=6"),
        ("Authorization", "token secret"),
        ("Connection", "keep-alive"),
        ("Sec-WebSocket-Key", "k"),
        ("Host", "hub"),
        ("X-Mine", "1"),
        ("X-Mine", "2"),
    ]
    assert request_headers(told, login="secret", cookies=["odd"]) == [
        ("Cookie", "mine=2; also=5"),
        ("X-Mine", "1"),
        ("X-Mine", "2"),
    ]
    assert request_headers([("cookie", "_xsrf=1")], login="") == []
    for own in ("Bearer other", "Basic secret", "secret"):
        assert request_headers([("Authorization", own)], login="secret") == [("Authorization", own)]
    assert request_headers([("Authorization", "token secret")], login="") == [
        ("Authorization", "token secret")
    ]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("token=s%2B1", ""),
        ("a=1&token=s%2B1&b=%7E", "a=1&b=%7E"),
        ("token=mine&a", "token=mine&a"),
        ("a=1&&b=", "a=1&&b="),
        ("", ""),
    ],
)
def test_the_token_of_the_login_goes_no_further(query: str, left: str) -> None:
    assert without_token(query, "s+1") == left
    assert without_token(query, "") == query


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("a=1", "a=1"),
        ("a=1; Path=/", f"a=1; Path={AT.outside}/"),
        ("a=1; path=/shop; HttpOnly; Secure", f"a=1; Path={AT.outside}/shop; HttpOnly; Secure"),
        ("a=1; Path=; Max-Age=3", f"a=1; Path={AT.outside}/; Max-Age=3"),
        ("a=1; Domain=example.com; Path=/", f"a=1; Path={AT.outside}/"),
    ],
)
def test_cookies_go_below_the_prefix(cookie: str, sent: str) -> None:
    assert response_headers([("Set-Cookie", cookie)], AT) == [("Set-Cookie", sent)]


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/login?a=1", f"{AT.outside}/login?a=1"),
        ("next", "next"),
        ("https://127.0.0.1:1/lambda-url/abc/in", f"{AT.outside}/in"),
        ("https://127.0.0.1:1/lambda-url/abc", AT.outside),
        ("https://127.0.0.1:1/lambda-url/abcd", "https://127.0.0.1:1/lambda-url/abcd"),
        ("//other.example/x", "//other.example/x"),
        ("https://other.example/x", "https://other.example/x"),
    ],
)
def test_redirections_go_below_the_prefix(target: str, sent: str) -> None:
    assert response_headers([("location", target)], AT) == [("location", sent)]


def test_what_is_of_one_connection_ends_with_it() -> None:
    told = [("Transfer-Encoding", "chunked"), ("X-A", "1"), ("Connection", "close")]
    assert response_headers(told, AT) == [("X-A", "1")]
