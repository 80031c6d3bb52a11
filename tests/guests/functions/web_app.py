"""A FastAPI application, and a Starlette one, behind Mangum."""

import json
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Cookie, FastAPI, HTTPException, Request, Response
from mangum import Mangum
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

told = []


@asynccontextmanager
async def lifespan(app):
    told.append("up")
    yield
    told.append("down")


app = FastAPI(lifespan=lifespan)


class Item(BaseModel):
    name: str
    price: float


@app.get("/items/{item_id}")
async def read_item(item_id: int, request: Request, q: str | None = None, tag: str = ""):
    return {
        "id": item_id,
        "q": q,
        "tag": tag,
        "trace": request.headers.get("x-trace"),
        "url": str(request.url),
        "client": request.client.host,
        "source": request.scope["aws.event"]["requestContext"]["stage"],
        "request": request.scope["aws.context"].aws_request_id,
    }


@app.post("/items", status_code=201)
def create_item(item: Item, response: Response, session: Annotated[str | None, Cookie()] = None):
    response.set_cookie("seen", item.name)
    response.set_cookie("count", "1", httponly=True)
    return {"item": item, "session": session}


@app.post("/reverse")
async def reverse(request: Request):
    return Response((await request.body())[::-1], media_type="application/octet-stream")


@app.get("/teapot")
def teapot():
    raise HTTPException(418, "short and stout")


@app.get("/fault")
def fault():
    raise RuntimeError("a fault of the handler's own")


@app.get("/lifespan")
def lifespans():
    return told


async def hello(request):
    return PlainTextResponse(f"hello, {request.query_params['name']}", headers={"x-count": "1"})


async def stream(request):
    async def lines():
        for number in range(3):
            yield json.dumps(number) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


plain = Mangum(Starlette(routes=[Route("/hello", hello), Route("/stream", stream)]), lifespan="off")
off = Mangum(app, lifespan="off")
on = Mangum(app, lifespan="on", api_gateway_base_path="/")
