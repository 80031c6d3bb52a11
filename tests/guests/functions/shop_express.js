// The shop as an Express application, behind serverless-http.
const express = require("express");
const serverless = require("serverless-http");

const app = express();
app.use(express.json(), express.urlencoded(), express.raw());

app.get("/items/:id", (request, response) => {
  const { tag, q } = request.query;
  response.json({ id: Number(request.params.id), tags: tag, q: q ?? "", trace: request.get("x-trace") });
});

app.get("/named/:name", (request, response) => {
  const scheme = request.get("x-forwarded-proto");
  response.json({ name: request.params.name, scheme, client: request.socket.remoteAddress });
});

app.post("/items", (request, response) => {
  const session = /session=([^;]*)/.exec(request.get("cookie") ?? "")?.[1] ?? "";
  response.cookie("seen", request.body.name).cookie("count", "1", { httpOnly: true });
  response.status(201).location("/items/1").json({ ...request.body, session });
});

app.post("/form", (request, response) => response.json(request.body));

app.post("/reverse", (request, response) => {
  response.type("application/octet-stream").send(Buffer.from(request.body).reverse());
});

app.get("/old", (request, response) => response.redirect(307, "/named/new"));

app.delete("/items/:id", (request, response) => response.status(204).end());

app.get("/teapot", (request, response) => response.status(418).json({ detail: "short and stout" }));

app.get("/fault", () => {
  throw new Error("a fault of the handler's own");
});

exports.handler = serverless(app, { binary: ["application/octet-stream"] });
