"""The shop as a Flask application, behind apig-wsgi."""

from apig_wsgi import make_lambda_handler
from flask import Flask, Response, abort, jsonify, redirect, request

app = Flask(__name__)


@app.get("/items/<int:item_id>")
def read_item(item_id):
    tags, q = request.args.getlist("tag"), request.args.get("q", "")
    return {"id": item_id, "tags": tags, "q": q, "trace": request.headers["X-Trace"]}


@app.get("/named/<name>")
def named(name):
    return {"name": name, "scheme": request.scheme, "client": request.remote_addr}


@app.post("/items")
def create_item():
    item = request.get_json()
    answer = jsonify(name=item["name"], price=item["price"], session=request.cookies.get("session", ""))
    answer.status_code = 201
    answer.headers["Location"] = "/items/1"
    answer.set_cookie("seen", item["name"])
    answer.set_cookie("count", "1", httponly=True)
    return answer


@app.post("/form")
def form():
    return request.form.to_dict()


@app.post("/reverse")
def reverse():
    return Response(request.get_data()[::-1], mimetype="application/octet-stream")


@app.get("/old")
def old():
    return redirect("/named/new", 307)


@app.delete("/items/<int:item_id>")
def remove(item_id):
    return "", 204


@app.get("/teapot")
def teapot():
    abort(418, "short and stout")


@app.get("/fault")
def fault():
    raise RuntimeError("a fault of the handler's own")


handler = make_lambda_handler(app, binary_support=True)
