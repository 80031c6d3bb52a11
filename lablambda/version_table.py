"""A function's versions as people see them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from lablambda import display
from lablambda.model.release import Released


def version_table(name: str, found: Released) -> display.Bundle:
    """A function's versions, newest first, with the aliases that lead to them."""
    columns = ("version", "aliases", "published", "memory", "provisioned", "code", "description")
    cells = [_version_cells(v, found) for v in reversed(found.versions)]
    count = len(found.versions) - 1  # but $LATEST
    title = f"{count} version{'' if count == 1 else 's'} of {name}"
    plain = f"{title}\n{display.plain_table(columns, cells)}"
    html = f"<b>{escape(title)}</b>{display.html_table(columns, cells, numbers={3, 4})}"
    return display.bundle("versions", plain, html, [dict(zip(columns, row, strict=True)) for row in cells])


def _version_cells(version: Mapping[str, Any], found: Released) -> tuple[str, ...]:
    number = version["Version"]
    shares = {name: _share(alias, number) for name, alias in found.aliases.items()}
    leading = {name: share for name, share in shares.items() if share}
    provisioned = sum(found.provisioned.get(qualifier, 0) for qualifier in (number, *_whole(found, number)))
    return (
        number,
        ", ".join(name if share == 1 else f"{name} {share:.0%}" for name, share in leading.items()),
        version["LastModified"][:19].replace("T", " "),
        f"{version['MemorySize']} MB",
        str(provisioned or ""),
        version["CodeSha256"][:12],
        version.get("Description", ""),
    )


def _whole(found: Released, number: str) -> list[str]:
    return [name for name, alias in found.aliases.items() if alias["FunctionVersion"] == number]


def _share(alias: Mapping[str, Any], number: str) -> float:
    """What of an alias's traffic a version gets, 0 to 1."""
    weights: Mapping[str, float] = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return 1 - sum(weights.values()) if alias["FunctionVersion"] == number else weights.get(number, 0)
