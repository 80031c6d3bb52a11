"""JavaScript cells: which file they become, which handler is found, what they need, what is wrong with them."""

from __future__ import annotations

import shutil
from typing import cast

import pytest

from lablambda.client import Lab
from lablambda.jupyter.errors import CellError, CellSyntaxError
from lablambda.jupyter.languages.cell import Cell, Code
from lablambda.jupyter.languages.node import read

NODE = shutil.which("node")


class Here:
    """A lab, as far as this needs one: it has the Node.js of this machine, or none."""

    def __init__(self, path: str | None) -> None:
        self.runtimes = {} if path is None else {"nodejs20.x": {"path": path}}

    def status(self) -> dict[str, object]:
        return {"runtimes": self.runtimes}


def code(
    body: str, *, handler: str | None = None, requires: tuple[str, ...] = (), node: str | None = NODE
) -> Code:
    lab = cast("Lab", Here(node))
    return read(Cell("f", "f --memory 512", body, "nodejs22.x", handler, requires, lambda: lab))


@pytest.mark.parametrize(
    ("body", "file", "handler"),
    [
        ("exports.handler = async (event) => { exports.inner = 1; };", "index.js", "index.handler"),
        ("exports.myHandler = function (event, context, callback) {};", "index.js", "index.myHandler"),
        ("exports['my-handler'] = async () => 1;", "index.js", "index.my-handler"),
        ("module.exports.handler = async () => 1;\nmodule.exports.b = 2;", "index.js", "index.handler"),
        ("module.exports = { handler: async () => 1, b };", "index.js", "index.handler"),
        ("module.exports = { handler() {} };", "index.js", "index.handler"),
        ("const handler = 1;\nmodule.exports = { handler };", "index.js", "index.handler"),
        ("export const handler = async () => 1;", "index.mjs", "index.handler"),
        ("export async function main(event) {}", "index.mjs", "index.main"),
        ("async function f() {}\nexport { f as handler };", "index.mjs", "index.handler"),
        ("export default async () => 1;", "index.mjs", "index.default"),
        ("import fs from 'node:fs';\nexport const run = () => fs;", "index.mjs", "index.run"),
        ("// export const no = 1\nexports.handler = () => `export const x`;", "index.js", "index.handler"),
    ],
)
def test_the_file_and_its_handler(body: str, file: str, handler: str) -> None:
    found = code(body)
    assert found == Code({file: f"// %%lambda f --memory 512\n{body}".encode()}, handler)


def test_a_handler_that_is_named() -> None:
    both = "exports.a = async () => 1;\nexports.b = async () => 2;"
    assert code(both, handler="b").handler == "index.b"
    assert code(both, handler="lib/other.run").handler == "lib/other.run"
    assert code("Object.assign(exports, others);", handler="found").handler == "index.found"
    with pytest.raises(CellError, match=r"doesn't export that\. It exports a, b"):
        code(both, handler="c")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("exports.a = 1; exports.b = 2;", "exports a, b: name one 'handler', or say --handler a"),
        ("const handler = async () => 1;", "exports no function. Add: exports.handler = async"),
        ("", "exports no function"),
    ],
)
def test_no_handler_to_be_found(body: str, told: str) -> None:
    with pytest.raises(CellError, match=told):
        code(body)


def test_awss_sdk_is_in_awss_runtime_so_it_comes_by_itself() -> None:
    body = """
const { S3Client } = require("@aws-sdk/client-s3");
const { NodeHttpHandler } = await import('@smithy/node-http-handler/dist');
const other = require("left-pad"), fs = require("fs");
exports.handler = async () => 1;
"""
    assert code(body).requires == ("@aws-sdk/client-s3", "@smithy/node-http-handler")
    assert code(body, requires=("@aws-sdk/client-s3@3.600.0",)).requires == ("@smithy/node-http-handler",)
    esm = "import '@aws-sdk/lib-dynamodb';\nexport const handler = async () => 1;"
    assert code(esm).requires == ("@aws-sdk/lib-dynamodb",)


@pytest.mark.skipif(NODE is None, reason="there is no node on the PATH")
@pytest.mark.parametrize(
    ("body", "line", "told"),
    [
        ("let a =\nexports.handler = (e) => {", 3, "Unexpected end of input"),
        ("\nexports.handler = async (e) => { return }}", 3, "Unexpected token '}'"),
        ("export const handler = async () => 1 +;", 2, "Unexpected token ';'"),
    ],
)
def test_a_mistake_is_told_as_node_tells_it(body: str, line: int, told: str) -> None:
    with pytest.raises(CellSyntaxError) as caught:
        code(body)
    assert f"{told} (line {line} of the cell)" in str(caught.value)


def test_a_mistake_without_a_node_to_ask() -> None:
    with pytest.raises(CellSyntaxError, match=r"Invalid syntax \(line 3 of the cell\)"):
        code("let a = 1;\nexports.handler = async () => 1 +;", node=None)
