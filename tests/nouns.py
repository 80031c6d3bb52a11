"""Functions and versions for tests of rules and rooms, made without a lab."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lablambda.model.function import LATEST, Alias, Function, Version
from lablambda.model.package import Layer, Package
from lablambda.rules import configuration
from lablambda.rules.names import function_arn, layer_arn

PACKAGE = Package("d1", "sha", 100, 200)


def version(name: str = "f", number: str = LATEST, **members: Any) -> Version:
    given = {"Runtime": "python3.13", "Handler": "f.handler", "Role": "arn:aws:iam::000000000000:role/r"}
    return Version(
        name=name,
        arn=function_arn(name, None if number == LATEST else number),
        number=number,
        configuration={**configuration.defaults(name), **given, **members},
        package=PACKAGE,
        revision=f"revision of {number}",
        build=f"build of {number}",
        last_modified="2026-11-01T10:00:00.000+0000",
    )


def function(name: str = "f", *, published: int = 0, **more: Any) -> Function:
    """A function with so many versions, and an alias `live` for the first of them."""
    versions = {str(n): version(name, str(n)) for n in range(1, published + 1)}
    aliases = {"live": Alias("live", "1", "", "r")} if published else {}
    return replace(
        Function(version(name)), **{"versions": versions, "last": published, "aliases": aliases, **more}
    )


def layer(name: str = "l", number: int = 1, *, unzipped: int = 200) -> Layer:
    package = replace(PACKAGE, unzipped=unzipped)
    return Layer(name, layer_arn(name, number), number, package, "", "2026-11-01T10:00:00.000+0000")
