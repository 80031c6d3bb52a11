"""Functions with addresses, and clients that trust the lab's certificate."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from lablambda.client import Lab
from tests.api_clients import ROLE, RUNTIME, Create, code, create, functions
from tests.gateway.rest import ECHO, Made, Rest

__all__ = ["create", "functions"]

Url = Callable[..., str]
OPEN = (
    ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
    ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
)


@pytest.fixture(scope="session")
def trust(lab: Lab) -> ssl.SSLContext:
    """Trusts the user's own authority, and no other."""
    return ssl.create_default_context(cafile=lab.ca_certificate)


@pytest.fixture(scope="session")
def web(trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    """An HTTP client, over HTTP/1.1."""
    with httpx.Client(verify=trust, timeout=30) as client:
        yield client


@pytest.fixture
def url(functions: Any, create: Create) -> Url:
    """Makes a function of this source that is open to everybody; gives its address."""

    def make(source: str, *, of_function: dict[str, Any] | None = None, **config: Any) -> str:
        name = create(source, **(of_function or {}))
        open_to_all(functions, name)
        given = {"AuthType": "NONE", **config}
        return str(functions.create_function_url_config(FunctionName=name, **given)["FunctionUrl"])

    return make


def open_to_all(functions: Any, name: str, **more: Any) -> None:
    """The permissions that AWS's console gives to a function with a public URL."""
    for action, condition in OPEN:
        identity = action.replace(":", "-")
        functions.add_permission(
            FunctionName=name, StatementId=identity, Action=action, Principal="*", **condition, **more
        )


@pytest.fixture(scope="module")
def rest(lab: Lab, functions: Any) -> Iterator[Made]:
    """Makes REST APIs."""
    made: list[Rest] = []

    def make(**members: Any) -> Rest:
        made.append(Rest(lab, functions, **members))
        return made[-1]

    yield make
    for one in made:
        one.gateway.delete_rest_api(restApiId=one.identity)


@pytest.fixture(scope="module")
def echo(functions: Any) -> Iterator[str]:
    """A function that answers REST APIs with its event, for many tests."""
    functions.create_function(
        FunctionName="rest-echo",
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="f.handler",
        Code={"ZipFile": code(ECHO)},
    )
    yield "rest-echo"
    functions.delete_function(FunctionName="rest-echo")
