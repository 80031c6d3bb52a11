"""From a cell to a deployment, with no notebook around.

The package's one file begins with the magic line as a comment, so that a line has the same number in the
cell, in the package and in every traceback.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection

from lablambda.jupyter.errors import CellError, CellSyntaxError
from lablambda.jupyter.handlers import handler_in
from lablambda.model.deployment import Deployment
from lablambda.model.errors import CallerError
from lablambda.rules.sources import parse_source

MODULE = "lambda_function"
OWN_RUNTIME = f"python3.{sys.version_info.minor}"
_NAME = re.compile(r"^[a-zA-Z0-9-_]{1,64}$")
_VARIABLE = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]+$")
_LANGUAGES_TO_COME = ("nodejs", "java", "provided")
_PYTHON = re.compile(r"^python3\.\d+$")
_ENCODING = re.compile(r"coding[:=]")  # in a file's first comment this declares the encoding (PEP 263)


def read_cell(line: str, body: str, options: argparse.Namespace) -> Deployment:
    """What the cell wants deployed. `line` is what stands after `%%lambda`.

    Raises CellError (CellSyntaxError for code that can't be compiled), each with the next step.
    """
    runtime = options.runtime or OWN_RUNTIME
    if not _NAME.match(options.name):
        raise CellError(f"{options.name!r} can't name a function: use 1 to 64 letters, digits, '-' and '_'.")
    if runtime.startswith(_LANGUAGES_TO_COME):
        raise CellError(f"{runtime} is not implemented yet; Python runtimes are.")
    source = f"{_first_line(line, options.name)}\n{body}"
    function = _function(source, runtime, options.handler)
    try:
        sources = tuple(parse_source(text) for text in options.on)
    except CallerError as error:
        raise CellError(str(error)) from None
    return Deployment(
        name=options.name,
        runtime=runtime,
        handler=function if "." in function else f"{MODULE}.{function}",
        files={f"{MODULE}.py": source.encode()},
        memory_mb=options.memory,
        timeout_s=options.timeout,
        variables=dict(_variable(text) for text in options.env),
        requires=tuple(name for names in options.requires for name in names),
        layers=tuple(options.layer),
        sources=sources,
    )


def check_runtime(runtime: str, here: Collection[str]) -> None:
    """Raise CellError, naming what this machine has, if it doesn't have `runtime`."""
    if runtime in here:
        return
    has = f"This machine has no {runtime}; it has {', '.join(here)}. Choose one of these with --runtime"
    if not _PYTHON.match(runtime):
        raise CellError(f"{has}.")
    install = f"uv python install {runtime.removeprefix('python')}"
    raise CellError(f"{has}, or install it ({install}) and restart the lab.")


def _function(source: str, runtime: str, named: str | None) -> str:
    try:
        return handler_in(source, named)
    except CellSyntaxError as error:
        if runtime == OWN_RUNTIME:
            raise
        if named is None:
            error.advice = (
                f"This kernel reads cells as {OWN_RUNTIME}. To leave that to {runtime}, add --handler NAME."
            )
            raise
        return named


def _first_line(line: str, name: str) -> str:
    """The magic line as a comment, unless that would declare the file's encoding."""
    comment = f"# %%lambda {line.strip()}"
    return f"# %%lambda {name}" if _ENCODING.search(comment) else comment


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _VARIABLE.match(name):
        raise CellError(
            f"--env {text}: write NAME=VALUE; NAME has two or more letters, digits or '_' and begins with a letter."
        )
    return name, value
