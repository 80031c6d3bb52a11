"""What a rule's target gets of an event: all of it, a part, or a text made of parts.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]")
_TOKEN = re.compile(r'\\.|"|<([A-Za-z0-9_.-]+)>')
_ABSENT = object()


class InvalidInput(ValueError):
    """A path or a template isn't one; the message says which."""


@dataclass(frozen=True, slots=True)
class RuleNamed:
    """The rule that an event fits."""

    name: str
    arn: str


def check_target(target: Mapping[str, Any]) -> None:
    """Raises InvalidInput if the target's input can't be made of any event."""
    given = [name for name in ("Input", "InputPath", "InputTransformer") if target.get(name)]
    if len(given) > 1:
        raise InvalidInput("Only one of Input, InputPath, or InputTransformer must be provided.")
    if "Input" in given:
        try:
            json.loads(target["Input"])
        except (ValueError, RecursionError):
            raise InvalidInput("Input is not valid JSON.") from None
    if "InputPath" in given:
        _steps(target["InputPath"])
    for path in target.get("InputTransformer", {}).get("InputPathsMap", {}).values():
        _steps(path)


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], rule: RuleNamed) -> str:
    """The JSON that the target gets."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        found = _at(event, target["InputPath"])
        return json.dumps(None if found is _ABSENT else found)
    if target.get("InputTransformer"):
        return _transformed(target["InputTransformer"], event, rule)
    return json.dumps(event)


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any], rule: RuleNamed) -> str:
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": dict(event),
    }
    quoted = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal quoted
        if match[0] == '"':
            quoted = not quoted
        if match[1] is None or match[1] not in values:
            return match[0]
        return _in_text(values[match[1]]) if quoted else _alone(values[match[1]])

    return _TOKEN.sub(replaced, transformer["InputTemplate"])


def _alone(value: Any) -> str:
    return "null" if value is _ABSENT else json.dumps(value)


def _in_text(value: Any) -> str:
    """Within a string of the template."""
    if value is _ABSENT:
        return ""
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]


def _at(event: Any, path: str) -> Any:
    """The value at a path such as $.detail.items[0]."""
    found = event
    for step in _steps(path):
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and step < len(found) else _ABSENT
        else:
            found = found.get(step, _ABSENT) if isinstance(found, dict) else _ABSENT
    return found


def _steps(path: str) -> list[str | int]:
    rest = path.removeprefix("$")
    matches = list(_STEP.finditer(rest))
    if not path.startswith("$") or "".join(match[0] for match in matches) != rest:
        raise InvalidInput(f"Invalid JSON path {path}")
    return [int(m[4]) if m[4] else next(g for g in m.groups() if g is not None) for m in matches]
