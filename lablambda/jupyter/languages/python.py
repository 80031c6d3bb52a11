"""Python cells: which function takes the events is found by reading the code without running it."""

from __future__ import annotations

import ast
import re
import symtable
import sys
import warnings
from typing import Literal

from lablambda.jupyter.errors import CellError, CellSyntaxError
from lablambda.jupyter.languages.cell import Cell, Code

OWN_RUNTIME = f"python3.{sys.version_info.minor}"
MODULE = "lambda_function"
_ENCODING = re.compile(r"coding[:=]")  # in a file's first comment this declares the encoding (PEP 263)
DEFAULT = "handler"
Kind = Literal["function", "coroutine", "other"]


def read(cell: Cell) -> Code:
    """The package of a cell. Raises CellSyntaxError, and CellError if it can't tell the handler."""
    source = cell.commented("#")
    if _ENCODING.search(source.partition("\n")[0]):
        source = f"# %%lambda {cell.name}\n{cell.body}"
    function = _handler(source, cell)
    return Code(
        files={f"{MODULE}.py": source.encode()},
        handler=function if "." in function else f"{MODULE}.{function}",
    )


def _handler(source: str, cell: Cell) -> str:
    try:
        return handler_in(source, cell.handler)
    except CellSyntaxError as error:
        if cell.runtime == OWN_RUNTIME:
            raise
        if cell.handler is None:
            error.advice = (
                f"This kernel reads cells as {OWN_RUNTIME}. "
                f"To leave that to {cell.runtime}, add --handler NAME."
            )
            raise
        return cell.handler


def handler_in(source: str, named: str | None = None) -> str:
    """The function `named`, else the one named `handler`, else the only one.

    A name with a dot is taken as it is: its module may lie in a layer. Raises CellError, and
    CellSyntaxError for code that can't be compiled.
    """
    names = _names_in(source)
    if named is None:
        return _not_async(names, _default(names))
    if "." not in named and named not in names and "*" not in names:
        functions = ", ".join(_of_kind(names, "function")) or "none"
        raise CellError(
            f"--handler {named}: the cell has no function of that name. Its functions: {functions}."
        )
    return _not_async(names, named)


def _default(names: dict[str, Kind]) -> str:
    functions = _of_kind(names, "function") or _of_kind(names, "coroutine")
    if DEFAULT in names:
        return DEFAULT
    if len(functions) == 1:
        return functions[0]
    if functions:
        raise CellError(
            f"Which function takes the events? The cell has {', '.join(functions)}: name one 'handler', or say "
            f"--handler {functions[0]}"
        )
    raise CellError("The cell defines no function. Add: def handler(event, context): ...")


def _not_async(names: dict[str, Kind], name: str) -> str:
    if names.get(name) == "coroutine":
        raise CellError(f"{name} is async, and Lambda doesn't await Python handlers: make it a plain 'def'.")
    return name


def _of_kind(names: dict[str, Kind], kind: Kind) -> list[str]:
    return [name for name, its_kind in names.items() if its_kind == kind]


def _names_in(source: str) -> dict[str, Kind]:
    """What the module binds, its functions in their order; "*" stands for a star import."""
    tree, table = _parse(source)
    symbols = (symbol for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported())
    names: dict[str, Kind] = {symbol.get_name(): "other" for symbol in symbols}
    for node in tree.body:
        for name, kind in _bound_by(node).items():
            names.pop(name, None)
            names[name] = kind
    return names


def _bound_by(node: ast.stmt) -> dict[str, Kind]:
    match node:
        case ast.FunctionDef():
            return {node.name: "function"}
        case ast.AsyncFunctionDef():  # a decorator may make a plain function of it
            return {node.name: "function" if node.decorator_list else "coroutine"}
        case ast.Assign():
            return {target.id: "other" for target in node.targets if isinstance(target, ast.Name)}
        case ast.ImportFrom():
            return {alias.asname or alias.name: "other" for alias in node.names}
    return {}


def _parse(source: str) -> tuple[ast.Module, symtable.SymbolTable]:
    try:
        # Compiling finds what parsing alone doesn't, such as a stray 'return'; and it warns, once.
        compile(source, "<cell>", "exec", dont_inherit=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source), symtable.symtable(source, "<cell>", "exec")
    except SyntaxError as error:
        raise CellSyntaxError(error, source) from None
    except ValueError as error:
        raise CellError(f"The cell's code can't be read: {error}") from None
