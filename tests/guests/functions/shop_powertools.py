"""The shop on Powertools' event handler: one set of routes, a resolver for each kind of event."""

import base64
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import (
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.router import Router
from aws_lambda_powertools.shared.cookies import Cookie

router = Router()


@router.get("/items/<item_id>")
def read_item(item_id):
    event = router.current_event
    tags = event.resolved_query_string_parameters["tag"]
    q = (event.query_string_parameters or {}).get("q", "")
    return {"id": int(item_id), "tags": tags, "q": q, "trace": event.headers["x-trace"]}


@router.get("/named/<name>")
def named(name):
    headers = router.current_event.headers
    return {"name": name, "scheme": headers["x-forwarded-proto"], "client": headers["x-forwarded-for"]}


@router.post("/items")
def create_item():
    item, sent = router.current_event.json_body, router.current_event.raw_event
    cookies = sent.get("cookies") or sent["headers"].get("cookie", "").split("; ")
    session = dict(cookie.partition("=")[::2] for cookie in cookies).get("session", "")
    return Response(
        status_code=201,
        content_type="application/json",
        body={"name": item["name"], "price": item["price"], "session": session},
        headers={"Location": "/items/1"},
        cookies=[Cookie("seen", item["name"]), Cookie("count", "1", http_only=True)],
    )


@router.post("/form")
def form():
    return dict(parse_qsl(router.current_event.decoded_body))


@router.post("/reverse")
def reverse():
    event = router.current_event
    body = base64.b64decode(event.body) if event.is_base64_encoded else event.body.encode()
    return Response(status_code=200, content_type="application/octet-stream", body=body[::-1])


@router.get("/old")
def old():
    return Response(status_code=307, headers={"Location": "/named/new"})


@router.delete("/items/<item_id>")
def remove(item_id):
    return Response(status_code=204)


@router.get("/teapot")
def teapot():
    raise ServiceError(418, "short and stout")


@router.get("/fault")
def fault():
    raise RuntimeError("a fault of the handler's own")


def _resolving(resolver):
    resolver.include_router(router)
    return resolver.resolve


function_url = _resolving(LambdaFunctionUrlResolver())
http_api = _resolving(APIGatewayHttpResolver())
rest_api = _resolving(APIGatewayRestResolver())
