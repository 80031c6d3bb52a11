"""From a cell to a deployment, with no notebook around.

The package's one file begins with the magic line as a comment, so that a line has the same number in the
cell, in the package and in every traceback.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Collection

from lablambda.jupyter.errors import CellError, CellSyntaxError
from lablambda.model.deployment import Deployment
from lablambda.model.errors import CallerError
from lablambda.rules.sources import parse_source

MODULE = "lambda_function"
DEFAULT_HANDLER = "handler"
OWN_RUNTIME = f"python3.{sys.version_info.minor}"
_NAME = re.compile(r"^[a-zA-Z0-9-_]{1,64}$")
_VARIABLE = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]+$")
_LANGUAGES_TO_COME = ("nodejs", "java", "provided")


def read_cell(line: str, body: str, options: argparse.Namespace) -> Deployment:
    """What the cell wants deployed. `line` is what stands after `%%lambda`.

    Raises CellError (CellSyntaxError for code that can't be compiled), each with the next step.
    """
    runtime = options.runtime or OWN_RUNTIME
    if not _NAME.match(options.name):
        raise CellError(f"{options.name!r} can't name a function: use 1 to 64 letters, digits, '-' and '_'.")
    if runtime.startswith(_LANGUAGES_TO_COME):
        raise CellError(f"{runtime} is not implemented yet; Python runtimes are.")
    source = f"# %%lambda {line.strip()}\n{body}"
    function = options.handler or default_handler(_parse(source))
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
    if runtime not in here:
        raise CellError(
            f"This machine has no {runtime}; it has {', '.join(here)}. Choose one of these with --runtime, or "
            f"install it (uv python install {runtime.removeprefix('python')}) and restart the lab."
        )


def default_handler(tree: ast.Module) -> str:
    """The name `handler` if the code defines it, else its only function."""
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    coroutines = [node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    if DEFAULT_HANDLER in functions or DEFAULT_HANDLER in _assigned(tree):
        return DEFAULT_HANDLER
    if len(functions) == 1:
        return functions[0]
    if functions:
        raise CellError(
            f"Which function takes the events? The cell has {', '.join(functions)}: name one 'handler', or say "
            f"--handler {functions[0]}"
        )
    if coroutines:
        raise CellError(
            f"{coroutines[0]} is async, and Lambda doesn't await Python handlers: make it a plain 'def'."
        )
    raise CellError("The cell defines no function. Add: def handler(event, context): ...")


def _assigned(tree: ast.Module) -> set[str]:
    """Names that the module binds by assignment or import, such as `handler = Mangum(app)`."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def _parse(source: str) -> ast.Module:
    try:
        compile(source, "<cell>", "exec")  # finds what parsing alone doesn't, such as a stray 'return'
        return ast.parse(source)
    except SyntaxError as error:
        raise CellSyntaxError(error) from None
    except ValueError as error:
        raise CellError(f"The cell's code can't be read: {error}") from None


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _VARIABLE.match(name):
        raise CellError(
            f"--env {text}: write NAME=VALUE; NAME has two or more letters, digits or '_' and begins with a letter."
        )
    return name, value
