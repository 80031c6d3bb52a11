"""The tree of a REST API's resources: their paths, and which method a request takes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-set-up-simple-proxy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from lablambda.model.api import Members
from lablambda.model.rest_api import ANY

METHODS = (ANY, "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_VARIABLE = re.compile(r"\{([A-Za-z0-9_.:-]+)(\+?)\}")
_FIXED = re.compile(r"[A-Za-z0-9._$:@!~*,;=&'()-]+")


class InvalidResource(Exception):
    """A resource can't be where it is said to be; the message says why."""


class Found(NamedTuple):
    """The resource and the method (their members) that a request takes, and the variables of its path."""

    resource: Members
    method: Members
    variables: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    """`one` and `rest` are the children for any segment and for all the rest of a path, by their variable's name."""

    resource: Members | None = None
    fixed: dict[str, _Node] = field(default_factory=dict)
    one: dict[str, _Node] = field(default_factory=dict)
    rest: dict[str, _Node] = field(default_factory=dict)

    def child(self, part: str) -> _Node:
        variable = _VARIABLE.fullmatch(part)
        if variable is None:
            return self.fixed.setdefault(part, _Node())
        return (self.rest if variable[2] else self.one).setdefault(variable[1], _Node())


class Tree:
    """Made of all resources of an API."""

    def __init__(self, resources: Iterable[Members]) -> None:
        self._root = _Node()
        for resource in resources:
            node = self._root
            for part in filter(None, resource["path"].split("/")):
                node = node.child(part)
            node.resource = resource

    def match(self, method: str, path: str) -> Found | None:
        """What a request takes whose path, percent-encoded, this is: fixed parts before variables before the rest, and
        of those the first that has the method or ANY. A slash at the end means nothing."""
        parts = [unquote(part) for part in path.rstrip("/").split("/")[1:]]
        for node, variables in _reached(self._root, parts, {}):
            if node.resource is not None:
                methods = node.resource["resourceMethods"]
                found = methods.get(method) or methods.get(ANY)
                if found is not None:
                    return Found(node.resource, found, variables)
        return None


def _reached(
    node: _Node, parts: list[str], variables: dict[str, str]
) -> Iterator[tuple[_Node, dict[str, str]]]:
    """The nodes that a path leads to, the best first."""
    if not parts:
        yield node, variables
        return
    part, *others = parts
    if part in node.fixed:
        yield from _reached(node.fixed[part], others, variables)
    if part:
        for name, child in node.one.items():
            yield from _reached(child, others, {**variables, name: part})
    if "".join(parts):
        for name, child in node.rest.items():
            yield child, {**variables, name: "/".join(parts)}


def child_path(parent: str, part: str) -> str:
    """The path of a resource. Raises InvalidResource."""
    if parent.endswith("+}"):
        raise InvalidResource("Cannot create a child of a resource with a greedy path variable.")
    if not (_FIXED.fullmatch(part) or _VARIABLE.fullmatch(part)):
        raise InvalidResource(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            "beginning and the end."
        )
    return f"{parent.rstrip('/')}/{part}"


def with_paths(resources: Mapping[str, Members]) -> Mapping[str, Members]:
    """The resources, by id, with the paths that their parents and path parts give them. Raises InvalidResource."""
    paths: dict[str, str] = {}

    def path_of(identity: str, below: int = 0) -> str:
        members = resources[identity]
        if below > len(resources):
            raise InvalidResource("A resource can't be below itself.")
        if members.get("parentId") is None:
            return "/"
        if identity not in paths:
            paths[identity] = child_path(path_of(members["parentId"], below + 1), members["pathPart"])
        return paths[identity]

    placed = {identity: {**members, "path": path_of(identity)} for identity, members in resources.items()}
    _check_siblings(placed.values())
    return placed


def _check_siblings(resources: Iterable[Members]) -> None:
    """A resource has one child for any segment, and one for the rest: their names alone can't tell them apart."""
    seen: set[tuple[str, str]] = set()
    for resource in resources:
        variable = _VARIABLE.fullmatch(resource.get("pathPart") or "")
        place = resource.get("parentId") or "", resource.get("pathPart") or ""
        if variable is not None:
            place = place[0], f"{{{variable[2]}}}"
        if place in seen:
            raise InvalidResource(
                f"Another resource with the same parent already has this name: {resource['pathPart']}"
                if variable is None
                else f"A sibling ({place[1]}) of this resource already has a variable path part -- only one is allowed"
            )
        seen.add(place)
