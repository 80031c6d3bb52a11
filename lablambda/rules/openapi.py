"""OpenAPI 3 and Swagger 2 documents, as far as API Gateway reads them.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY = "x-amazon-apigateway-any-method"
_MOST_REFERENCES = 20


class InvalidDocument(Exception):
    """The text is no document that can be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`method` is in capitals, `ANY` for all. `parameters` are also those of its path."""

    path: str
    method: str
    members: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


class Document:
    """What is said in either version, in the words of the third."""

    def __init__(self, loaded: Mapping[str, Any]) -> None:
        self.loaded = loaded
        self.is_swagger = "swagger" in loaded
        version = str(loaded.get("swagger") or loaded.get("openapi") or "")
        if not version.startswith(("2.", "3.")):
            raise InvalidDocument(
                "Unable to read the document: neither OpenAPI 3 nor Swagger 2 is its version"
            )
        self.info: Mapping[str, Any] = object_of(loaded.get("info") or {}, "info")

    @property
    def title(self) -> str:
        return str(self.info.get("title") or "")

    def extension(self, name: str) -> Any:
        """That of the document itself."""
        return self.loaded.get(f"x-amazon-apigateway-{name}")

    def named(self, extension: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What is in an extension of the document that has objects by name. Raises InvalidDocument."""
        for name, members in object_of(self.extension(extension) or {}, extension).items():
            yield name, object_of(members, name)

    @property
    def schemas(self) -> Mapping[str, Any]:
        found = self.loaded.get("definitions") if self.is_swagger else self._components.get("schemas")
        return object_of(found or {}, "schemas")

    @property
    def security_schemes(self) -> Mapping[str, Any]:
        named = (
            self.loaded.get("securityDefinitions")
            if self.is_swagger
            else self._components.get("securitySchemes")
        )
        schemes = object_of(named or {}, "security schemes")
        return {name: object_of(self.resolved(one), name) for name, one in schemes.items()}

    @property
    def _components(self) -> Mapping[str, Any]:
        return object_of(self.loaded.get("components") or {}, "components")

    def base_path(self, mode: str) -> str:
        """What stands before each path, as the base path of the document is to be taken: `ignore`, `prepend`, or
        `split`, by which its first part belongs to a domain name."""
        if mode == "ignore":
            return ""
        base = self._base_path().strip("/")
        if mode == "split":
            base = base.partition("/")[2]
        return f"/{base}" if base else ""

    def _base_path(self) -> str:
        if self.is_swagger:
            return str(self.loaded.get("basePath") or "")
        servers = self.loaded.get("servers") or [{}]
        server = object_of(servers[0] if isinstance(servers, list) else {}, "a server")
        url = str(server.get("url") or "")
        for name, variable in object_of(server.get("variables") or {}, "variables").items():
            url = url.replace(f"{{{name}}}", str(object_of(variable, name).get("default", "")).strip("/"))
        try:
            return urlsplit(url).path
        except ValueError:
            raise InvalidDocument(f"Unable to read the document: {url} is no URL") from None

    def operations(self, base_path: str = "") -> Iterator[Operation]:
        """Raises InvalidDocument."""
        for path, item in object_of(self.loaded.get("paths") or {}, "paths").items():
            if not path.startswith("/"):
                raise InvalidDocument(f"Unable to read the document: the path {path!r} doesn't begin with /")
            members = object_of(self.resolved(item), path)
            shared = self._parameters(members)
            for name in (*METHODS, ANY):
                if name in members:
                    operation = object_of(members[name] or {}, f"{name} {path}")
                    own = self._parameters(operation)
                    named = {(one.get("in"), one.get("name")) for one in own}
                    kept = [one for one in shared if (one.get("in"), one.get("name")) not in named]
                    method = "ANY" if name == ANY else name.upper()
                    yield Operation(f"{base_path}{path}", method, operation, (*kept, *own))

    def _parameters(self, members: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        given = members.get("parameters") or []
        if not isinstance(given, list):
            raise InvalidDocument("Unable to read the document: parameters are a list")
        found = [object_of(self.resolved(one), "a parameter") for one in given]
        return [{**one, "in": str(one.get("in")), "name": str(one.get("name") or "")} for one in found]

    def resolved(self, value: Any) -> Any:
        """What a `$ref` within the document leads to; anything else is itself. Raises InvalidDocument."""
        for _ in range(_MOST_REFERENCES):
            if not isinstance(value, Mapping) or not isinstance(value.get("$ref"), str):
                return value
            value = self._at(value["$ref"])
        raise InvalidDocument(f"Unable to read the document: {value['$ref']} leads to itself")

    def _at(self, reference: str) -> Any:
        found: Any = self.loaded
        for name in reference.removeprefix("#/").split("/"):
            name = name.replace("~1", "/").replace("~0", "~")
            if not reference.startswith("#/") or not isinstance(found, Mapping) or name not in found:
                raise InvalidDocument(f"Unable to read the document: {reference} isn't in it")
            found = found[name]
        return found

    def integration(self, operation: Operation) -> Mapping[str, Any] | None:
        """What answers the operation."""
        found = self.resolved(operation.members.get("x-amazon-apigateway-integration"))
        return (
            None
            if found is None
            else object_of(found, f"the integration of {operation.method} {operation.path}")
        )

    def security(self, operation: Operation) -> list[tuple[str, list[str]]]:
        """The names of the schemes that it asks for, with their scopes."""
        asked = operation.members.get("security", self.loaded.get("security")) or []
        if not isinstance(asked, list):
            raise InvalidDocument("Unable to read the document: security is a list")
        return [
            (name, scopes if isinstance(scopes, list) else [])
            for requirement in asked
            for name, scopes in object_of(requirement, "a security requirement").items()
        ]


def read_document(text: bytes) -> Document:
    """Read JSON or YAML. Raises InvalidDocument."""
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        loaded = _from_yaml(text)
    return Document(object_of(_with_text_for_names(loaded), "the document"))


def object_of(value: Any, what: str) -> Mapping[str, Any]:
    """The value, if it is one. Raises InvalidDocument."""
    if not isinstance(value, Mapping):
        raise InvalidDocument(f"Unable to read the document: {what} is no object")
    return value


class _Loader(yaml.CSafeLoader):
    """YAML as JSON could say it, which has no dates."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _from_yaml(text: bytes) -> Any:
    """What is said once and meant many times, by an alias, could be beyond measure."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _Loader)):
            raise InvalidDocument("Unable to read the document: it has aliases (*name)")
        return yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = str(error).partition("\n")[0]
        raise InvalidDocument(f"Unable to read the document: neither JSON nor YAML ({told})") from None


def _with_text_for_names(value: Any) -> Any:
    """YAML takes `200:` for a number."""
    if isinstance(value, Mapping):
        return {str(name): _with_text_for_names(item) for name, item in value.items()}
    return [_with_text_for_names(item) for item in value] if isinstance(value, list) else value
