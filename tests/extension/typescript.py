"""What the JupyterLab extension has of Python's, in TypeScript: `python -m tests.extension.typescript` writes it anew."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from lablambda.jupyter.options import cell_parser
from lablambda.model import live
from lablambda.rules.destination_names import DESTINATION_FORMS
from lablambda.rules.runtimes import SUPPORTED
from lablambda.rules.sources import FORMS

SOURCES = Path(__file__).parents[2] / "extension" / "src"
_HEAD = "// Made by `python -m tests.extension.typescript`; change the Python, not this.\n\n"
_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "unknown"}


def events() -> str:
    """The shapes of the live stream."""
    shapes = [
        noun for noun in vars(live).values() if dataclasses.is_dataclass(noun) and isinstance(noun, type)
    ]
    return _HEAD + "\n".join(map(_interface, shapes))


def _interface(noun: type) -> str:
    told = " ".join((inspect.getdoc(noun) or "").split())
    hints = get_type_hints(noun)
    members = "".join(f"  readonly {name}: {_type(hint)};\n" for name, hint in hints.items())
    return f"/** {told} */\nexport interface {noun.__name__} {{\n{members}}}\n"


def _type(hint: Any) -> str:
    arguments = get_args(hint)
    if isinstance(hint, types.UnionType):
        return " | ".join(map(_type, arguments))
    if get_origin(hint) is list:
        return f"readonly {_type(arguments[0])}[]"
    if get_origin(hint) is dict:
        return f"Readonly<Record<string, {_type(arguments[1])}>>"
    return _PLAIN.get(hint) or str(hint.__name__)


def options() -> str:
    """The options of `%%lambda`: what each takes (empty: nothing), and its help."""
    rows = [
        {"name": name, "value": _value(action), "help": action.help}
        for action in cell_parser()._actions
        for name in action.option_strings
        if name.startswith("--")
    ]
    return (
        f"{_HEAD}export const OPTIONS: readonly {{ name: string; value: string; help: string }}[] = "
        f"{json.dumps(rows, indent=2)};\n\n"
        f"export const SOURCES: readonly string[] = {json.dumps([*FORMS])};\n\n"
        f"export const DESTINATIONS: readonly string[] = {json.dumps([*DESTINATION_FORMS])};\n\n"
        f"export const RUNTIMES: readonly string[] = {json.dumps([*SUPPORTED])};\n"
    )


def _value(action: Any) -> str:
    return "" if action.nargs == 0 else str(action.metavar)


FILES = {SOURCES / "lab" / "events.ts": events, SOURCES / "editor" / "options.ts": options}


if __name__ == "__main__":
    for path, text in FILES.items():
        path.write_text(text())
