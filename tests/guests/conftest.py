"""What the guests share: one layer of packages from PyPI, and functions made of the files in `functions/`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.packaging.requirements import layer_name, layer_zip
from lablambda.packaging.zips import zip_files
from lablambda.results import Result
from tests.api_clients import ROLE, RUNTIME, functions

__all__ = ["functions"]
FUNCTIONS = Path(__file__).with_name("functions")
# Pydantic comes with FastAPI; Powertools' validation and parser use it too. FastAPI reads forms by python-multipart.
REQUIRES: tuple[str, ...] = (
    "apig-wsgi>=2.20,<3",
    "aws-lambda-powertools>=3.20,<4",
    "fastapi>=0.120,<1",
    "flask>=3.1,<4",
    "mangum>=0.19,<1",
    "python-multipart>=0.0.20",
)


def publish(functions: Any, requires: Sequence[str]) -> str:
    """A layer of these packages; its ARN."""
    answer = functions.publish_layer_version(
        LayerName=layer_name(requires, RUNTIME),
        Content={"ZipFile": layer_zip(requires, RUNTIME, sys.executable)},
        CompatibleRuntimes=[RUNTIME],
    )
    return str(answer["LayerVersionArn"])


@pytest.fixture(scope="session")
def layer(functions: Any) -> str:
    """The layer that most guests live on."""
    return publish(functions, REQUIRES)


@dataclass(frozen=True)
class Guest:
    """A deployed function and the lab's answers about it."""

    lab: Lab
    name: str

    def invoke(self, event: Any = None) -> Result:
        return self.lab.function(self.name).invoke(event)

    def payload(self, event: Any = None) -> Any:
        """The function's answer; it must not have failed."""
        out = self.invoke(event)
        assert out.error is None, out.error
        return out.payload

    def error_type(self, event: Any = None) -> str:
        error = self.invoke(event).error
        assert error is not None
        return str(error["errorType"])

    def said(self, request_id: str) -> list[str]:
        """The log events that the function's own code wrote in an invocation."""
        events = [event.message for event in self.lab.function(self.name).logs(request_id)]
        return [message.rstrip("\n") for message in events[1:-2]]  # between START, and END with REPORT

    def told(self, request_id: str) -> list[dict[str, Any]]:
        """The same where each is one line of JSON."""
        return [json.loads(message) for message in self.said(request_id)]


Guests = Callable[..., Guest]


@pytest.fixture(scope="module")
def guest(lab: Lab, functions: Any) -> Iterator[Guests]:
    """Make a function of a file in `functions/`; all are deleted after the module's tests."""
    made: list[str] = []

    def make(
        module: str, handler: str = "handler", *, env: dict[str, str] | None = None, **more: Any
    ) -> Guest:
        name = f"guest-{module.replace('_', '-')}-{len(made)}"
        settings = {"Runtime": RUNTIME, "Role": ROLE, "MemorySize": 512, "Timeout": 30, **more}
        functions.create_function(
            FunctionName=name,
            Handler=f"{module}.{handler}",
            Code={"ZipFile": zip_files({f"{module}.py": (FUNCTIONS / f"{module}.py").read_bytes()})},
            Environment={"Variables": env or {}},
            **settings,
        )
        made.append(name)
        return Guest(lab, name)

    yield make
    for name in made:
        functions.delete_function(FunctionName=name)
