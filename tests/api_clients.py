"""boto3 clients of the private lab, and functions made through them."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files

RUNTIME = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/r"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
Create = Callable[..., str]
_numbers = itertools.count()


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    """What boto3 says of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call()
    response: dict[str, Any] = caught.value.response
    return response


def code_of(call: Callable[[], Any]) -> tuple[int, str, str]:
    """The status, code and message of a refusal."""
    response = refused(call)
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def code(source: str) -> bytes:
    """The package of a function with this source."""
    return zip_files({"f.py": source.encode()})


@pytest.fixture(scope="session")
def functions(lab: Lab) -> Any:
    """boto3's Lambda client; it tries nothing twice and checks nothing itself, so every answer is the lab's."""
    from botocore.config import Config

    return lab.client(
        "lambda", config=Config(retries={"max_attempts": 0}, read_timeout=30, parameter_validation=False)
    )


@pytest.fixture
def create(functions: Any) -> Iterator[Callable[..., str]]:
    """Make a function from source; deleted after the test."""
    made: list[str] = []

    def make(source: str = "def handler(event, context): return event", **more: Any) -> str:
        name = f"api-{next(_numbers)}"
        settings = {"Runtime": RUNTIME, "Role": ROLE, "Handler": "f.handler", **more}
        functions.create_function(**{"FunctionName": name, "Code": {"ZipFile": code(source)}, **settings})
        made.append(name)
        return name

    yield make
    left = {function["FunctionName"] for function in functions.list_functions()["Functions"]}
    for name in left.intersection(made):
        functions.delete_function(FunctionName=name)


def told(lab: Lab, name: str) -> list[Any]:
    """What a function printed, as JSON, in lines that begin with GOT, when all that is due has been done."""
    lab.settle()
    return got(lab, name)


def got(lab: Lab, name: str) -> list[Any]:
    """The same, so far."""
    lines = [line.message for line in lab.function(name).logs() if line.message.startswith("GOT ")]
    return [json.loads(line.removeprefix("GOT ")) for line in lines]
