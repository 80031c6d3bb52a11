"""The shop as a FastAPI application, behind Mangum."""

from typing import Annotated

from fastapi import Cookie, FastAPI, Form, Header, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()


class Item(BaseModel):
    name: str
    price: float


@app.get("/items/{item_id}")
def read_item(
    item_id: int,
    tag: Annotated[list[str], Query()],
    x_trace: Annotated[str, Header()],
    q: str = "",
):
    return {"id": item_id, "tags": tag, "q": q, "trace": x_trace}


@app.get("/named/{name}")
def named(name: str, request: Request):
    return {"name": name, "scheme": request.url.scheme, "client": request.client.host}


@app.post("/items", status_code=201)
def create_item(item: Item, response: Response, session: Annotated[str, Cookie()] = ""):
    response.headers["Location"] = "/items/1"
    response.set_cookie("seen", item.name)
    response.set_cookie("count", "1", httponly=True)
    return {"name": item.name, "price": item.price, "session": session}


@app.post("/form")
def form(name: Annotated[str, Form()], note: Annotated[str, Form()]):
    return {"name": name, "note": note}


@app.post("/reverse")
async def reverse(request: Request):
    return Response((await request.body())[::-1], media_type="application/octet-stream")


@app.get("/old")
def old():
    return RedirectResponse("/named/new", 307)


@app.delete("/items/{item_id}", status_code=204)
def remove(item_id: int):
    return Response(status_code=204)


@app.get("/teapot")
def teapot():
    raise HTTPException(418, "short and stout")


@app.get("/fault")
def fault():
    raise RuntimeError("a fault of the handler's own")


handler = Mangum(app, lifespan="off")
