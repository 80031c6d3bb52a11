"""Mapping templates, as far as they only put values in their places: references, without directives.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from lablambda.rules.json_path import InvalidPath, parse_path, value_at

_DIRECTIVE = re.compile(
    r"#\{?(set|if|elseif|else|end|foreach|break|stop|macro|define|include|parse|evaluate)\b|#\["
)
_COMMENT = re.compile(r"##[^\n]*\n?|#\*.*?\*#", re.DOTALL)
_BEGINS = re.compile(r"\$!?(?P<brace>\{?)(?P<root>input|util|context|stageVariables)\b")
_NAMES = re.compile(r"(\.[A-Za-z_][\w-]*)+")
_CALL = re.compile(r"\.(\w+)")
_QUOTED = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\")\s*")
_SUPPORTED = (
    "$input.body, .json('$.path'), .path('$.path') and .params('name'), $context..., $stageVariables..., "
    "$util.escapeJavaScript, base64Encode, base64Decode, urlEncode and urlDecode"
)


class InvalidTemplate(Exception):
    """The template isn't one, or does more than put values in their places; the message says what."""


@dataclass(frozen=True, slots=True)
class Values:
    """What a template may refer to: `body` is the text that it is about, `parameters` are the request's, by name, those
    of headers in lower case."""

    body: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> str | None:
        return self.parameters.get(name, self.parameters.get(name.lower()))


_Part = Callable[[Values], Any]


def check_template(text: str) -> None:
    """Raises InvalidTemplate."""
    _parsed(text)


def rendered(text: str, values: Values) -> str:
    """The template with its references replaced. Raises InvalidTemplate."""
    return "".join(_printed(part(values)) for part in _parsed(text))


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[_Part, ...]:
    text = _COMMENT.sub("", text)
    if found := _DIRECTIVE.search(text):
        raise InvalidTemplate(
            f"Mapping templates with directives ({found[0]}) are not implemented in this version of lablambda: a "
            f"template may put values in their places by {_SUPPORTED}. For more, have a function do it (AWS_PROXY)."
        )
    parts: list[_Part] = []
    at = 0
    while found := _BEGINS.search(text, at):
        parts.append(_fixed(text[at : found.start()]))
        part, at = _reference(text, found)
        parts.append(part)
    return (*parts, _fixed(text[at:]))


def _fixed(text: str) -> _Part:
    return lambda _: text


def _reference(text: str, begins: re.Match[str]) -> tuple[_Part, int]:
    """The reference that begins there, and where it ends."""
    at = begins.end()
    match begins["root"]:
        case "context" | "stageVariables" as root:
            names = _NAMES.match(text, at)
            if names is None:
                raise _unknown(text, begins)
            path, at = names[0][1:].split("."), names.end()
            part = _of_context(path) if root == "context" else _of_stage(".".join(path))
        case "input":
            part, at = _input(text, begins)
        case _:
            part, at = _util(text, begins)
    if begins["brace"]:
        if text[at : at + 1] != "}":
            raise _unknown(text, begins)
        at += 1
    return part, at


def _of_context(path: list[str]) -> _Part:
    def value(values: Values) -> Any:
        found: Any = values.context
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    return value


def _of_stage(name: str) -> _Part:
    return lambda values: values.stage_variables.get(name)


def _input(text: str, begins: re.Match[str]) -> tuple[_Part, int]:
    call = _CALL.match(text, begins.end())
    name = "" if call is None else call[1]
    if call is None or name not in ("body", "json", "params", "path"):
        raise _unknown(text, begins)
    if name == "body":
        return (lambda values: values.body), call.end()
    opening = text[call.end() : call.end() + 1]
    argument = _QUOTED.match(text, call.end() + 1)
    if opening != "(" or argument is None or text[argument.end() : argument.end() + 1] != ")":
        raise _unknown(text, begins)
    end = argument.end() + 1
    given = argument[1] if argument[1] is not None else argument[2]
    if name == "params":
        return (lambda values: values.parameter(given)), end
    if re.match(r"[.\[]\w", text[end:]):
        raise InvalidTemplate(
            f"Write the whole path inside: {text[begins.start() : end + 10]!r} goes on behind it"
        )
    return _of_body(given, as_json=name == "json"), end


def _of_body(path: str, *, as_json: bool) -> _Part:
    try:
        steps = parse_path(path)
    except InvalidPath as error:
        raise InvalidTemplate(str(error)) from None

    def value(values: Values) -> Any:
        try:
            found = value_at(steps, json.loads(values.body or "{}"))
        except (ValueError, RecursionError):
            raise InvalidTemplate("the body isn't JSON") from None
        if not as_json:
            return found
        return '""' if found is None else json.dumps(found, separators=(",", ":"), ensure_ascii=False)

    return value


def _util(text: str, begins: re.Match[str]) -> tuple[_Part, int]:
    call = _CALL.match(text, begins.end())
    function = None if call is None else _UTILITIES.get(call[1])
    if call is None or function is None or text[call.end() : call.end() + 1] != "(":
        raise _unknown(text, begins)
    at = call.end() + 1
    if inner := _BEGINS.match(text, at):
        part, at = _reference(text, inner)
    elif quoted := _QUOTED.match(text, at):
        part, at = _fixed(quoted[1] if quoted[1] is not None else quoted[2]), quoted.end()
    else:
        raise _unknown(text, begins)
    if text[at : at + 1] != ")":
        raise _unknown(text, begins)
    return (lambda values: function(_printed(part(values)))), at + 1


def _unknown(text: str, begins: re.Match[str]) -> InvalidTemplate:
    shown = text[begins.start() : begins.start() + 40]
    return InvalidTemplate(f"{shown!r} is not implemented in this version of lablambda: {_SUPPORTED} are")


def _printed(value: Any) -> str:
    """As Velocity prints Java's objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={_printed(item)}" for name, item in value.items()) + "}"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# --------------------------------------------------------------------------------------------- $util

_ESCAPED = {
    '"': '\\"',
    "'": "\\'",
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


def _escape_javascript(text: str) -> str:
    def escaped(letter: str) -> str:
        if letter in _ESCAPED:
            return _ESCAPED[letter]
        return letter if " " <= letter <= "~" else json.dumps(letter)[1:-1]

    return "".join(map(escaped, text))


def _base64_decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise InvalidTemplate("what is to be decoded isn't base64") from None


_UTILITIES: Mapping[str, Callable[[str], str]] = {
    "escapeJavaScript": _escape_javascript,
    "base64Encode": lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode(),
    "base64Decode": _base64_decode,
    "urlEncode": quote_plus,
    "urlDecode": unquote_plus,
}
