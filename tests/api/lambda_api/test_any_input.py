"""Whatever a request holds, the answer is AWS's: never a failure of the lab's own, never silence.

Requests are made from botocore's model with a fixed seed: mostly values that fit their shape and name
things that exist, some that don't fit at all.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from botocore.model import OperationModel, Shape

from lablambda.api.shapes import Service
from lablambda.client import Lab
from lablambda.connection import ApiError
from tests.api_clients import ARN, ROLE, RUNTIME, code

MODEL = Service("lambda").model
ZIP = base64.b64encode(code("def handler(e, c): return e")).decode()
TEXTS = ["any", "$LATEST", "1", "live", f"{ARN}any", f"{ARN}any:1", f"{ARN}any:live", ROLE, RUNTIME, "f.handler", "{}", "x y"]  # fmt: skip
ODD: list[Any] = [None, 1, -1, 3.5, 10**20, "", "x" * 5000, "é☃", [], {}, True, [None], {"a": None}, [[[]]]]
BODIES = [b"[]", b"{", b'"x"', b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 5000, b'{"Timeout": "\\ud800"}']


def value(pick: random.Random, shape: Shape, depth: int = 0) -> Any:
    """Something for a shape; once in thirty times something else."""
    if pick.random() < 0.03 or depth > 4:
        return pick.choice(ODD)
    kind = shape.type_name
    if kind == "structure":
        return {
            name: value(pick, member, depth + 1)
            for name, member in shape.members.items()
            if name in shape.required_members or pick.random() < 0.3
        }
    if kind == "list":
        return [value(pick, shape.member, depth + 1) for _ in range(pick.randint(0, 3))]
    if kind == "map":
        return {pick.choice(TEXTS): value(pick, shape.value, depth + 1) for _ in range(pick.randint(0, 2))}
    choices: dict[str, list[Any]] = {
        "string": shape.metadata.get("enum") or TEXTS,
        "blob": [ZIP, "AAAA", "!!", "é"],
        "boolean": [True, False],
        "timestamp": [0, 1e9, "2026-11-01"],
    }
    return pick.choice(choices.get(kind, [0, 1, 2, 128, -5, 0.5]))


def request(pick: random.Random, operation: OperationModel) -> tuple[str, str, str, dict[str, str], bytes]:
    """Method, path, query, headers and body."""
    path, _, fixed = operation.http["requestUri"].partition("?")
    query, headers, body = [fixed] if fixed else [], {}, {}
    for name, shape in operation.input_shape.members.items():
        where, wire = shape.serialization.get("location"), shape.serialization.get("name", name)
        given = value(pick, shape)
        if where == "uri":
            text = quote(str(given or "x"), safe="")
            path = path.replace(f"{{{wire}}}", text).replace(f"{{{wire}+}}", text)
        elif name not in operation.input_shape.required_members and pick.random() < 0.6:
            continue
        elif where == "querystring":
            query.append(f"{wire}={quote(str(given))}")
        elif where == "header":
            headers[wire.lower()] = quote(str(given)) or "x"
        else:
            body[wire] = given
    data = pick.choice(BODIES) if pick.random() < 0.03 else json.dumps(body).encode()
    method = operation.http["method"]
    return method, path, "&".join(query), headers, b"" if method == "GET" else data


@pytest.fixture
def own_lab() -> Iterator[Lab]:
    """A lab for this test alone: what such requests leave behind is nobody else's."""
    with Lab.private() as lab:
        yield lab


def make_something(lab: Lab) -> None:
    """A function `any` with version 1 and alias `live`; requests delete what they find."""
    functions = lab.client("lambda")
    if "any" not in {function["FunctionName"] for function in functions.list_functions()["Functions"]}:
        functions.create_function(
            FunctionName="any",
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="f.handler",
            Code={"ZipFile": base64.b64decode(ZIP)},
            Publish=True,
        )
        functions.create_alias(FunctionName="any", Name="live", FunctionVersion="1")


def ask(lab: Lab, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> int:
    """The status of the answer."""
    try:
        return lab.connection.request(
            "lambda", method, path, query=query, headers=headers, body=body, timeout=20
        ).status
    except ApiError as error:
        return error.status


@pytest.mark.parametrize("seed", range(2))
def test_every_answer_is_aws_own(own_lab: Lab, seed: int) -> None:
    pick = random.Random(seed)
    statuses: set[int] = set()
    for number in range(1500):
        if number % 100 == 0:
            make_something(own_lab)
        name = pick.choice(MODEL.operation_names)
        asked = request(pick, MODEL.operation_model(name))
        status = ask(own_lab, *asked)
        assert status < 500 or status == 501, (name, asked)
        statuses.add(status)
    assert {200, 400, 404, 501} <= statuses
    own_lab.client("lambda").get_account_settings()
