"""Java cells: one class or several, compiled by the lab; the package holds the classes."""

from __future__ import annotations

from lablambda.jupyter.errors import CellError, CellSyntaxError
from lablambda.jupyter.languages.cell import Cell, Code
from lablambda.model.compilation import Compiled, Problem
from lablambda.packaging.maven import EVENTS

# The types of AWS's events are in no runtime, but every guide uses them.
_EVENTS_PACKAGE = "com.amazonaws.services.lambda.runtime.events"


def read(cell: Cell) -> Code:
    """The package of a cell. Raises CellSyntaxError, and CellError if it can't tell the handler."""
    source = cell.commented("//")
    requires = _events(cell)
    compiled = cell.lab().compile_java(source, cell.runtime, (*cell.requires, *requires))
    errors = [problem for problem in compiled.problems if problem.kind == "error"]
    if errors:
        raise CellSyntaxError(_as_python(errors), source)
    return Code(files=compiled.classes, handler=_handler(cell.handler, compiled), requires=requires)


def _events(cell: Cell) -> tuple[str, ...]:
    named = any(required.startswith(EVENTS.rpartition(":")[0]) for required in cell.requires)
    return (EVENTS,) if _EVENTS_PACKAGE in cell.body and not named else ()


def _handler(named: str | None, compiled: Compiled) -> str:
    """`Class`, or `Class::method`, with its package; one that is named may leave the package out."""
    names = [path.removesuffix(".class").replace("/", ".") for path in compiled.classes]
    if named is not None:
        wanted, *method = named.partition("::")
        known = [name for name in names if name == wanted or name.endswith(f".{wanted}")]
        return "".join([known[0] if len(known) == 1 else wanted, *method])
    if len(compiled.handlers) == 1:
        return compiled.handlers[0]
    if compiled.handlers:
        raise CellError(
            f"Which class takes the events? The cell has {', '.join(compiled.handlers)}: say --handler "
            f"{compiled.handlers[0]}"
        )
    raise CellError(
        "No class of the cell takes events. Let a public class implement RequestHandler<Input, Output>, or name a "
        "public method of one: --handler Class::method"
    )


def _as_python(errors: list[Problem]) -> SyntaxError:
    """The first error, at its place; the others by their lines."""
    first, *others = errors
    lines = ", ".join(str(other.line) for other in others)
    message = f"{first.message} (and more in line {lines})" if others else first.message
    return SyntaxError(message, ("<cell>", max(first.line, 1), max(first.column, 1), None))
