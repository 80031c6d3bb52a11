"""JavaScript cells: CommonJS or an ES module, whichever the code is written as."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from lablambda.jupyter.errors import CellError, CellSyntaxError
from lablambda.jupyter.languages.cell import Cell, Code
from lablambda.rules.runtimes import nearest

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_DEFAULT = "handler"
_CHECK_WITHIN_S = 20
# What is exported, by every way of writing it; and what is imported, to know what must be there.
_NAMES = """
(program (export_statement declaration: (function_declaration name: (identifier) @export)))
(program (export_statement declaration: (generator_function_declaration name: (identifier) @export)))
(program (export_statement declaration: (class_declaration name: (identifier) @export)))
(program (export_statement declaration: (_ (variable_declarator name: (identifier) @export))))
(program (export_statement (export_clause (export_specifier !alias name: (_) @export))))
(program (export_statement (export_clause (export_specifier alias: (_) @export))))
(program (export_statement "default" @default))
(assignment_expression left: (member_expression
    object: (identifier) @exports property: (property_identifier) @export) (#eq? @exports "exports"))
(assignment_expression left: (member_expression
    object: (member_expression) @exports property: (property_identifier) @export)
    (#eq? @exports "module.exports"))
(assignment_expression left: (subscript_expression
    object: (_) @exports index: (string (string_fragment) @export)) (#match? @exports "^(module[.])?exports$"))
(assignment_expression left: (member_expression) @exports
    right: (object [(pair key: (property_identifier) @export)
                    (shorthand_property_identifier) @export
                    (method_definition name: (property_identifier) @export)])
    (#eq? @exports "module.exports"))
(import_statement source: (string (string_fragment) @import))
(export_statement source: (string (string_fragment) @import))
(call_expression function: [(identifier) (import)] @call arguments: (arguments . (string (string_fragment) @import))
    (#match? @call "^(require|import)$"))
"""
_MODULE = "(program [(import_statement) (export_statement)] @statement)"
# AWS has its SDK in the runtime: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
_BUILT_IN = re.compile(r"@(?:aws-sdk|smithy)/[^/]+")


def read(cell: Cell) -> Code:
    """The package of a cell. Raises CellSyntaxError, and CellError if it can't tell the handler."""
    source = cell.commented("//")
    root = _parse(source)
    if root.has_error:
        _complain(cell, source, root)
    extension = "mjs" if _find(_MODULE, root) else "js"
    found = _find(_NAMES, root)
    exports = list(dict.fromkeys([*found.get("export", []), *found.get("default", [])]))
    built_in = {match[0] for name in found.get("import", []) if (match := _BUILT_IN.match(name))}
    return Code(
        files={f"index.{extension}": source.encode()},
        handler=_handler(cell.handler, exports),
        requires=tuple(sorted(built_in - {_package(required) for required in cell.requires})),
    )


def _handler(named: str | None, exports: list[str]) -> str:
    there = ", ".join(exports) or "nothing"
    if named is not None and "." in named:
        return named
    if named is not None:
        if exports and named not in exports:
            raise CellError(f"--handler {named}: the cell doesn't export that. It exports {there}.")
        return f"index.{named}"
    if _DEFAULT in exports or len(exports) == 1:
        return f"index.{_DEFAULT if _DEFAULT in exports else exports[0]}"
    if exports:
        raise CellError(
            f"Which function takes the events? The cell exports {there}: name one 'handler', or say "
            f"--handler {exports[0]}"
        )
    raise CellError(
        "The cell exports no function. Add: exports.handler = async (event, context) => { ... }\n"
        "or, as an ES module: export const handler = async (event, context) => { ... }"
    )


def _package(required: str) -> str:
    """`@aws-sdk/client-s3` of `@aws-sdk/client-s3@3.600`."""
    return required[0] + required[1:].partition("@")[0]


# ------------------------------------------------------------------------------------------- syntax


def _complain(cell: Cell, source: str, root: Node) -> None:
    """Let Node.js itself say what is wrong; it may even say that all is well."""
    runtimes = cell.lab().status()["runtimes"]
    runs = nearest(cell.runtime, runtimes)
    if runs is None:
        raise CellSyntaxError(_as_python("Invalid syntax", _first_error(root)), source)
    suffix = "module" if _find(_MODULE, root) else "commonjs"
    command = [runtimes[runs]["path"], "--check", f"--input-type={suffix}", "-"]
    done = subprocess.run(
        command, input=source, capture_output=True, text=True, check=False, timeout=_CHECK_WITHIN_S
    )
    if done.returncode != 0:
        raise CellSyntaxError(_told_by_node(done.stderr, root), source)


def _told_by_node(text: str, root: Node) -> SyntaxError:
    """Node.js shows `file:line`, the line, marks under the place, and the error."""
    where = re.search(r"^.*:(\d+)\n.*(?:\n( *)\^)?", text)
    what = re.search(r"^SyntaxError: (.*)$", text, re.MULTILINE)
    place = (int(where[1]), len(where[2] or "") + 1) if where else _first_error(root)
    return _as_python(what[1] if what else "Invalid syntax", place)


def _as_python(message: str, place: tuple[int, int]) -> SyntaxError:
    return SyntaxError(message, ("<cell>", *place, None))


def _first_error(node: Node) -> tuple[int, int]:
    """Line and column of the first thing that doesn't belong, both from 1."""
    while not (node.is_error or node.is_missing):
        node = next(child for child in node.children if child.has_error or child.is_missing)
    return node.start_point.row + 1, node.start_point.column + 1


@cache
def _language() -> Language:
    import tree_sitter_javascript
    from tree_sitter import Language

    return Language(tree_sitter_javascript.language())


def _parse(source: str) -> Node:
    from tree_sitter import Parser

    return Parser(_language()).parse(source.encode()).root_node


def _find(query: str, root: Node) -> dict[str, list[str]]:
    """The texts that a query captures, in their order, by the captures' names."""
    from tree_sitter import Query, QueryCursor

    captures = QueryCursor(Query(_language(), query)).captures(root)
    return {
        name: [
            str(node.text, "utf-8") for node in sorted(nodes, key=lambda node: node.start_byte) if node.text
        ]
        for name, nodes in captures.items()
    }
