"""The ways to functions over HTTPS: function URLs and API Gateway's routes, as people and programs need them.

Asked of AWS's API, so that it is as true of an account as of a lab.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from lablambda import display
from lablambda.apis import read_apis, read_rest_apis
from lablambda.asking import Client, or_none
from lablambda.browser import in_browser
from lablambda.config import CA_CERTIFICATE, Descriptor, authority_dir
from lablambda.model.api_routes import ApiRoutes
from lablambda.model.source import RouteSource, UrlSource
from lablambda.rules.http_routes import DEFAULT

_VARIABLE = re.compile(r"\{([^{}+]+)\+?\}")
_WITH_BODY = ("PATCH", "PUT")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to a function. `route` names it as cells and lists do: `url`, `GET /users/{id}`, `$connect of chat`;
    `function` may have a qualifier, and is the address of something else if the route leads there; `auth` is who may
    come, as AWS names it: NONE (everybody), AWS_IAM, JWT, CUSTOM, COGNITO_USER_POOLS, and API_KEY. `address` has the
    route's variables in it; `in_browser` is where the person's browser finds it, `ca` the certificate that clients on
    this machine must trust (empty: the public ones do)."""

    function: str
    route: str
    address: str
    auth: str = "NONE"
    in_browser: str = ""
    ca: str = ""

    @property
    def is_url(self) -> bool:
        """Whether it is a function URL."""
        return self.route == str(UrlSource())

    @property
    def method(self) -> str:
        """GET where a route takes any."""
        method, space, _ = self.route.partition(" /")
        return method if space and method != "ANY" else "GET"

    @property
    def link(self) -> str:
        """What a browser may open at a click; empty if there is nothing to open."""
        opens = (
            self.method == "GET" and not _VARIABLE.search(self.address) and self.address.startswith("https")
        )
        return self.in_browser if opens else ""

    @property
    def curl(self) -> str:
        """A line for a shell on the lab's machine; empty for a WebSocket."""
        if not self.address.startswith("https:"):
            return ""
        words = ["curl", *(["--cacert", self.ca] if self.ca else []), *self._curl_options()]
        return shlex.join([*words, _VARIABLE.sub(lambda name: name[1].upper(), self.address)])

    def _curl_options(self) -> list[str]:
        method = [] if self.method in ("GET", "HEAD", "POST") else ["-X", self.method]
        body = ["--json", "{}"] if self.method == "POST" or self.method in _WITH_BODY else []
        token = ["-H", "authorization: Bearer TOKEN"] if self.auth == "JWT" else []
        return [*(["--head"] if self.method == "HEAD" else []), *method, *body, *token]


class Endpoints(Sequence[Endpoint]):
    """Ways to functions; a notebook shows them as a table."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = list(endpoints)

    @overload
    def __getitem__(self, index: int) -> Endpoint: ...
    @overload
    def __getitem__(self, index: slice) -> Endpoints: ...
    def __getitem__(self, index: int | slice) -> Endpoint | Endpoints:
        if isinstance(index, slice):
            return Endpoints(self._endpoints[index])
        return self._endpoints[index]

    def __len__(self) -> int:
        return len(self._endpoints)

    def __repr__(self) -> str:
        return f"<{len(self)} endpoints>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return display.routes(self)


def find_endpoints(client: Client, lab: Descriptor, function: str | None = None) -> Endpoints:
    """Every way to a function that there is; of one function if it is named, with those of its aliases."""
    names = [function] if function is not None else _names(client)
    found = [endpoint for name in names for endpoint in _urls(client, name)]
    for api in [*read_apis(client), *read_rest_apis(client, lab.https_endpoint)]:
        found += [e for e in _of_api(api) if function is None or e.function.partition(":")[0] == function]
    return Endpoints(_located(endpoint, lab) for endpoint in found)


def _located(endpoint: Endpoint, lab: Descriptor) -> Endpoint:
    """The endpoint with what clients need to get there."""
    if _host(endpoint.address) != _host(lab.https_endpoint):  # it isn't the lab's own
        return replace(endpoint, in_browser=endpoint.address)
    ca = str(authority_dir() / CA_CERTIFICATE)
    return replace(endpoint, in_browser=in_browser(endpoint.address, lab), ca=ca)


def _host(address: str) -> str:
    """Host and port."""
    return address.partition("://")[2].partition("/")[0]


def _names(client: Client) -> list[str]:
    pages = client("lambda").get_paginator("list_functions").paginate()
    return [function["FunctionName"] for page in pages for function in page["Functions"]]


def _urls(client: Client, name: str) -> Iterator[Endpoint]:
    pages = client("lambda").get_paginator("list_function_url_configs").paginate(FunctionName=name)
    for members in (or_none(pages.build_full_result) or {}).get("FunctionUrlConfigs", []):
        named = _function_name(members["FunctionArn"])
        yield Endpoint(named, str(UrlSource()), members["FunctionUrl"], members["AuthType"])


def _function_name(arn: str) -> str:
    """With its qualifier."""
    return arn.partition(":function:")[2] or arn


def _of_api(api: ApiRoutes) -> Iterator[Endpoint]:
    """The routes of an API on the stage that is served without being named, else on its first; none without a stage."""
    if not api.stages:
        return
    stage = DEFAULT if DEFAULT in api.stages else next(iter(api.stages))
    start = api.address if stage == DEFAULT else f"{api.address}/{stage}"
    for key, route in api.routes.items():
        path = "" if api.is_websocket else key.partition(" ")[2] or "/"
        name = str(RouteSource(key, api.name))
        yield Endpoint(_function_name(route.leads_to), name, start + path, route.auth)
