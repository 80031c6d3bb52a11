"""The door: every request to the HTTP port comes in here.

Host header, then signature (or, for `/metrics`, a password), then the service: Lambda, CloudWatch Logs,
EventBridge and its Scheduler, Lambda's metrics in CloudWatch, the scaling of its provisioned concurrency and
the lab's own few calls are answered in this process, anything else by the services backend behind the same
port.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from lablambda.api import autoscaling_api, connections_api, errors, lab_api, metrics_api, prometheus_api
from lablambda.api.apigateway.table import APIGATEWAY
from lablambda.api.apigatewayv2.table import APIGATEWAYV2
from lablambda.api.authentication import NotAuthenticated, authenticate, service_of
from lablambda.api.events_api import EVENTS
from lablambda.api.lambda_api.table import LAMBDA
from lablambda.api.logs_api import LOGS
from lablambda.api.scheduler_api import SCHEDULER
from lablambda.api.shapes import Operation, Parameters, Service
from lablambda.api.validation import validate
from lablambda.httpserver import Request, Response
from lablambda.lab.credentials import UnknownKey
from lablambda.lab.house import House
from lablambda.model.errors import (
    AccessDenied,
    InvalidRequestContent,
    LabError,
    NotImplementedHere,
    RequestTooLarge,
    ResourceNotFound,
)
from lablambda.rules.addresses import is_loopback
from lablambda.rules.limits import REQUEST_BYTES
from lablambda.rules.names import ROOT
from lablambda.services.backend import ServiceRequest

Handler = Callable[[House, Parameters], Awaitable[Mapping[str, Any]]]
_TRACE = "x-amzn-trace-id"


class Door:
    """Answers requests for one lab."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._tables: dict[str, Mapping[str, Handler]] = {
            "lambda": {name: e.handler for name, e in LAMBDA.items() if e.handler},
            "logs": LOGS,
            "events": EVENTS,
            "scheduler": SCHEDULER,
            "apigateway": APIGATEWAY,
            "apigatewayv2": APIGATEWAYV2,
        }
        self._service = functools.cache(Service)  # loaded for whoever first asks, but for Lambda's own
        self._service("lambda")

    async def respond(self, request: Request) -> Response:
        """Never raises for anything that a caller did."""
        service: str | None = None
        try:
            _check_host(request)
            service = service_of(request)
            if service is None and prometheus_api.is_asked_for(request):
                return self._scraped(request)
            if not lab_api.only_watches(request):
                self._house.touch()
            if self._house.verify:
                service = authenticate(request, self._house.keys, datetime.now(UTC)).service
            else:
                _refuse_browser(request)
                service = service or self._unsigned(request)
            if service == "apigateway" and request.path.startswith("/v2/"):
                service = "apigatewayv2"  # both sign by one name
            response = await self._dispatch(request, service)
        except (LabError, NotAuthenticated) as error:
            told = errors.aws_error(error)
            response = errors.render(told, service, has_target="x-amz-target" in request.headers)
        if not any(name == "x-amzn-RequestId" for name, _ in response.headers):
            response.headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
        return response

    def _scraped(self, request: Request) -> Response:
        """Watching a lab isn't using it, so it may still leave for being idle."""
        if not self._house.verify:
            _refuse_browser(request)
        return prometheus_api.respond(self._house, request)

    async def _dispatch(self, request: Request, service: str | None) -> Response:
        if service == "lablambda":
            return await lab_api.respond(self._house, request)
        if service == "execute-api":
            return await connections_api.respond(self._house, request)
        if service in self._tables:
            return await self._operate(request, self._service(service), self._tables[service])
        scaling = service in (None, "application-autoscaling")
        if scaling and autoscaling_api.is_about_lambda(request, self._house):
            service = "application-autoscaling"
            return await self._operate(request, self._service(service), autoscaling_api.AUTOSCALING)
        if service in (None, "monitoring") and metrics_api.is_about_lambda(request):
            return await self._operate(request, self._service("cloudwatch"), metrics_api.METRICS)
        if service in (None, "monitoring") and metrics_api.is_about_all(request):
            return await self._list_all_metrics(request)
        return await self._forward(request, service)

    async def _forward(self, request: Request, service: str | None) -> Response:
        answer = await self._house.services.forward(
            ServiceRequest(
                method=request.method,
                path=request.path,
                query=request.query,
                headers=request.headers,
                body=request.body,
                service=service,
                caller=self._caller(request),
            )
        )
        return Response(answer.status, answer.body, list(answer.headers))

    def _caller(self, request: Request) -> str:
        """The ARN of who signed. Where signatures aren't checked, whoever isn't a function is the owner."""
        try:
            return self._house.keys.caller(request.headers.get("x-amz-security-token"))
        except UnknownKey:
            return ROOT

    async def _list_all_metrics(self, request: Request) -> Response:
        """The services backend's metrics, and on its last page the lab's own."""
        own = await self._operate(request, self._service("cloudwatch"), metrics_api.METRICS)
        try:
            others = await self._forward(request, "monitoring")
        except NotImplementedHere:  # a lab without a backend has its own
            return own
        if others.status == HTTPStatus.OK and metrics_api.is_last(others.body):
            others.body = metrics_api.joined(others.body, own.body)
        return others

    async def _operate(self, request: Request, service: Service, table: Mapping[str, Handler]) -> Response:
        found = service.match(request)
        if found is None:
            raise ResourceNotFound(
                f"{service.model.service_name} has no operation {request.method} {request.path}"
            )
        operation, in_path = found
        handler = table.get(operation.name)
        if handler is None:
            raise NotImplementedHere(f"{operation.name} is not implemented in this version of lablambda.")
        if len(request.body) > REQUEST_BYTES:
            raise RequestTooLarge(
                f"Request must be smaller than {REQUEST_BYTES} bytes for the {operation.name} operation"
            )
        parameters = _parameters(operation, request, in_path)
        if _TRACE in request.headers:  # belongs to no operation's model, and goes along with each
            parameters["_trace_id"] = request.headers[_TRACE]
        return _write(operation, await handler(self._house, parameters))

    def _unsigned(self, request: Request) -> str | None:
        """Whose path or target this is, when signatures aren't checked and there is none to say it."""
        return next((name for name in self._tables if self._service(name).match(request)), None)


def _parameters(operation: Operation, request: Request, in_path: Mapping[str, str]) -> Parameters:
    """What a request gives, read and checked. What the parser just took may still be too deep to look through."""
    try:
        parameters = operation.read(request, in_path)
        validate(parameters, operation.input)
    except RecursionError:
        raise InvalidRequestContent("Could not parse request body into json: it is nested too deep") from None
    return parameters


def _write(operation: Operation, result: Mapping[str, Any]) -> Response:
    """`_status`, `_headers` and `_parts` in a result aren't members: they belong to the HTTP answer itself."""
    response = operation.write(result, result.get("_status"))
    response.headers += result.get("_headers", [])
    response.parts = result.get("_parts")
    return response


def _check_host(request: Request) -> None:
    host = request.headers.get("host", "")
    if not is_loopback(host):
        raise AccessDenied(
            f"This lab answers on loopback only, not as {host!r}. Use http://127.0.0.1 and its port."
        )


def _refuse_browser(request: Request) -> None:
    if "origin" in request.headers or request.headers.get("sec-fetch-mode") not in (None, "navigate"):
        raise AccessDenied("A lab that checks no signatures refuses requests that web pages make.")
