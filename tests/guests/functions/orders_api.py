"""An orders API on Powertools' event handler: the same routes behind each kind of HTTP door."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import (
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    CORSConfig,
    LambdaFunctionUrlResolver,
    Response,
    content_types,
)
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.shared.cookies import Cookie
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

cors = CORSConfig(allow_origin="https://shop.example", allow_headers=["X-Trace"], max_age=300)


class Order(BaseModel):
    item: str
    quantity: int = Field(gt=0)


class OutOfStock(Exception):
    pass


def add_routes(app: ApiGatewayResolver) -> ApiGatewayResolver:
    @app.get("/orders/<order_id>")
    def get_order(order_id: int, expand: Annotated[bool, Query()] = False) -> dict[str, Any]:
        if order_id == 404:
            raise NotFoundError(f"no order {order_id}")
        if order_id == 500:
            raise ZeroDivisionError("a fault of the handler's own")
        return {"id": order_id, "expand": expand, "agent": app.current_event.headers["user-agent"]}

    @app.post("/orders")
    def create_order(order: Order) -> Response[Order]:
        if order.item == "unobtainium":
            raise OutOfStock(order.item)
        return Response(
            status_code=201,
            content_type=content_types.APPLICATION_JSON,
            body=order,
            headers={"Location": "/orders/1"},
            cookies=[Cookie(name="last", value=order.item)],
        )

    @app.get("/picture")
    def picture():
        return Response(status_code=200, content_type="image/png", body=b"\x89PNG\x00")

    @app.get("/long", compress=True)
    def long() -> dict[str, str]:
        return {"text": "a" * 1000}

    @app.exception_handler(OutOfStock)
    def out_of_stock(error: OutOfStock) -> Response[str]:
        return Response(status_code=409, content_type=content_types.TEXT_PLAIN, body=f"no {error}")

    return app


http_app = add_routes(APIGatewayHttpResolver(enable_validation=True, cors=cors))
rest_app = add_routes(APIGatewayRestResolver(enable_validation=True, cors=cors))
url_app = add_routes(LambdaFunctionUrlResolver(enable_validation=True, cors=cors))


def http_api(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return http_app.resolve(event, context)


def rest_api(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return rest_app.resolve(event, context)


def function_url(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return url_app.resolve(event, context)
