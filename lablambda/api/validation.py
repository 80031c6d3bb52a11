"""Checking parameters against the constraints of their shapes, in AWS's words, several at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import regex
from botocore.model import Shape

from lablambda.model.errors import ValidationFailed
from lablambda.rules.limits import EPHEMERAL_STORAGE_MB, MEMORY_MB, TIMEOUT_S

# The model allows more than a function gets: its maxima are those of Managed Instances.
MAXIMA = {
    ("CreateFunctionRequest", "timeout"): TIMEOUT_S[-1],
    ("UpdateFunctionConfigurationRequest", "timeout"): TIMEOUT_S[-1],
    ("CreateFunctionRequest", "memorySize"): MEMORY_MB[-1],
    ("UpdateFunctionConfigurationRequest", "memorySize"): MEMORY_MB[-1],
    ("CreateFunctionRequest", "ephemeralStorage.size"): EPHEMERAL_STORAGE_MB[-1],
    ("UpdateFunctionConfigurationRequest", "ephemeralStorage.size"): EPHEMERAL_STORAGE_MB[-1],
}
# AWS answers these values with an error of its own, in other words.
ANY_VALUE = {("CreateFunctionRequest", "runtime"), ("UpdateFunctionConfigurationRequest", "runtime")}
# What DynamoDB Local calls its region is none of AWS's, and its streams are sources all the same.
_LOCAL_REGION = ("arn:aws:dynamodb:ddblocal:", "arn:aws:dynamodb:us-east-1:")
_ABOVE_FFFF = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
_NUMBERS = frozenset({"integer", "long", "float", "double"})
_PYTHON_NUMBERS = _NUMBERS | {"timestamp"}
_LONG = 2**63
_SCALARS = _NUMBERS | {"string", "boolean"}
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "blob": bytes,
    "integer": int,
    "long": int,
    "boolean": bool,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),  # in JSON: seconds since 1970
}


def validate(parameters: Mapping[str, Any], shape: Shape | None) -> None:
    """Raise ValidationFailed, naming every broken constraint, unless `parameters` fit `shape`."""
    if shape is None:
        return
    found = list(_check_structure(parameters, shape, "", shape.name))
    if found:
        plural = "s" if len(found) > 1 else ""
        raise ValidationFailed(f"{len(found)} validation error{plural} detected: {'; '.join(found)}")


def _check_structure(value: Mapping[str, Any], shape: Shape, path: str, root: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, _join(path, name), "Member must not be null")
    for name, item in value.items():
        yield from _check(item, shape.members[name], _join(path, name), root)


def _check(value: Any, shape: Shape, path: str, root: str) -> Iterator[str]:
    kind = shape.type_name
    if not _is_of_type(value, kind):
        yield _failed(value, path, f"Member must be of type {kind}")
    elif kind == "structure":
        yield from _check_structure(value, shape, path, root)
    elif kind == "list":
        yield from _check_range(len(value), value, shape, path, root, "length")
        yield from _check_items(value, shape, path, root)
    elif kind == "map":
        if _any_breaks(value, shape.key, path, root):
            yield _failed(value, path, f"Map keys must satisfy constraint: {_constraints(shape.key)}")
        if shape.value.type_name not in _SCALARS:
            for name, item in value.items():
                yield from _check(item, shape.value, f"{path}.{name}.member", root)
        elif _any_breaks(value.values(), shape.value, path, root):
            yield _failed(value, path, f"Map value must satisfy constraint: {_constraints(shape.value)}")
    elif kind == "string":
        yield from _check_string(value, shape, path, root)
    elif kind in _NUMBERS:
        yield from _check_range(value, value, shape, path, root, "value")


def _is_of_type(value: Any, kind: str) -> bool:
    wanted = _PYTHON_TYPES.get(kind, object)
    return isinstance(value, wanted) and (kind not in _PYTHON_NUMBERS or _is_number(value))


def _is_number(value: Any) -> bool:
    """To Python booleans are integers, integers have no end, and NaN is a number: not so to AWS."""
    return not isinstance(value, bool) and -_LONG < value < _LONG


def _check_items(value: list[Any], shape: Shape, path: str, root: str) -> Iterator[str]:
    """Of plain values AWS names the whole list and all that its members must satisfy."""
    if shape.member.type_name in _SCALARS:
        if _any_breaks(value, shape.member, path, root):
            yield _failed(value, path, f"Member must satisfy constraint: {_constraints(shape.member)}")
        return
    for number, item in enumerate(value, 1):
        yield from _check(item, shape.member, f"{path}.{number}.member", root)


def _any_breaks(values: Iterable[Any], shape: Shape, path: str, root: str) -> bool:
    return any(True for item in values for _ in _check(item, shape, path, root))


def _constraints(shape: Shape) -> str:
    """All that a shape asks of a value, in AWS's order."""
    what = "value" if shape.type_name in _NUMBERS else "length"
    asked = [
        f"Member must have {what} {comparison} than or equal to {shape.metadata[bound]}"
        for bound, comparison in (("max", "less"), ("min", "greater"))
        if bound in shape.metadata
    ]
    if "enum" in shape.metadata:
        asked.append(f"Member must satisfy enum value set: [{', '.join(shape.metadata['enum'])}]")
    if "pattern" in shape.metadata:
        asked.append(f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}")
    return f"[{', '.join([*asked, 'Member must not be null'])}]"


def _check_string(value: str, shape: Shape, path: str, root: str) -> Iterator[str]:
    enum = shape.metadata.get("enum")
    if (root, path) in ANY_VALUE:
        return
    if enum and value not in enum:
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
        return
    yield from _check_range(len(value), value, shape, path, root, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _check_range(size: float, value: Any, shape: Shape, path: str, root: str, what: str) -> Iterator[str]:
    least = shape.metadata.get("min")
    most = MAXIMA.get((root, path), shape.metadata.get("max"))
    if least is not None and size < least:
        yield _failed(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _failed(value, path, f"Member must have {what} less than or equal to {most}")


def _failed(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_text(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _text(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=4096)
def _join(path: str, name: str) -> str:
    """AWS names members in lower camel case, whatever their case on the wire."""
    own = name[:1].lower() + name[1:]
    return f"{path}.{own}" if path else own


@lru_cache(maxsize=4096)
def _matches(pattern: str, value: str) -> bool:
    """Remembered, because the same few names come again and again."""
    return _compiled(pattern).fullmatch(value.replace(*_LOCAL_REGION, 1)) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> regex.Pattern[str]:
    """The models' patterns are Java's: `\\p{L}` and such, which the standard library doesn't know, and characters above
    U+FFFF as the pairs that they are in UTF-16."""
    return regex.compile(pattern.replace(*_ABOVE_FFFF))
