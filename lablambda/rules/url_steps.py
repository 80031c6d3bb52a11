"""Function URLs as sources: an address of the function's own, and the two permissions without which it lets nobody in.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lablambda.model.source import Source, UrlSource
from lablambda.rules.policy import INVOKE, INVOKE_URL
from lablambda.rules.step import Current, Step, Target, no_permission_step

_EVERYBODY = "everybody"
_PERMISSIONS: Mapping[str, Mapping[str, Any]] = {
    "url": {"Action": INVOKE_URL, "FunctionUrlAuthType": "NONE"},
    "url-invoke": {"Action": INVOKE, "InvokedViaFunctionUrl": True},
}


def url_steps(current: Current, wanted: Collection[Source], target: Target) -> Iterator[Step]:
    """The steps by which the function has a URL that is open to everybody, or none if it was under its label."""
    source = UrlSource()
    attached = current.attached.get(source)
    if source in wanted and attached is None:
        yield from _attach(current, target)
    elif source not in wanted and attached is not None and attached.label == target.label:
        yield from _detach(current, target)


def url_statements(label: str) -> dict[str, Mapping[str, Any]]:
    """The statements that let everybody in, with the parameters that AddPermission takes, by their ids."""
    return {f"{label}-{end}": parameters for end, parameters in _PERMISSIONS.items()}


def _attach(current: Current, target: Target) -> Iterator[Step]:
    """The permissions first: they tell whose the URL is, should the rest fail."""
    for statement, allowed in url_statements(target.label).items():
        if statement not in current.statements:
            parameters = {"FunctionName": target.name, "StatementId": statement, "Principal": "*", **allowed}
            text = f"let {_EVERYBODY} do {allowed['Action']} on {target.name} by its URL"
            yield Step(text, "lambda", "AddPermission", parameters)
    shape = {"FunctionName": target.name, "AuthType": "NONE"}
    yield Step(f"give {target.name} a URL", "lambda", "CreateFunctionUrlConfig", shape)


def _detach(current: Current, target: Target) -> Iterator[Step]:
    text = f"take the URL of {target.name} away"
    yield Step(text, "lambda", "DeleteFunctionUrlConfig", {"FunctionName": target.name})
    for statement in url_statements(target.label):
        if statement in current.statements:
            yield no_permission_step(target, statement, _EVERYBODY)
