"""From a cell to a deployment, with no notebook around."""

from __future__ import annotations

import argparse
import re
import zlib
from collections.abc import Callable, Collection, Mapping

from lablambda.client import Lab
from lablambda.jupyter.errors import CellError
from lablambda.jupyter.languages import java, node, python, shell
from lablambda.jupyter.languages.cell import Cell, Code
from lablambda.model.deployment import Deployment
from lablambda.model.destination import Destination, Ends
from lablambda.model.errors import CallerError
from lablambda.model.release import Release
from lablambda.model.source import Source, UrlSource
from lablambda.rules.destination_names import parse_destination
from lablambda.rules.runtimes import family
from lablambda.rules.sources import parse_route, parse_source

_NAME = re.compile(r"^[a-zA-Z0-9-_]{1,64}$")
_VARIABLE = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]+$")
LANGUAGES: Mapping[str, Callable[[Cell], Code]] = {
    "python": python.read,
    "nodejs": node.read,
    "java": java.read,
    "provided": shell.read,
}


def read_cell(line: str, body: str, options: argparse.Namespace, lab: Callable[[], Lab]) -> Deployment:
    """What the cell wants deployed. `line` is what stands after `%%lambda`; `lab` gives the lab, if need be.

    Raises CellError (CellSyntaxError for code that can't be compiled), each with the next step.
    """
    if not _NAME.match(options.name):
        raise CellError(f"{options.name!r} can't name a function: use 1 to 64 letters, digits, '-' and '_'.")
    requires = tuple(name for names in options.requires for name in names)
    runtime = options.runtime or python.OWN_RUNTIME
    read = LANGUAGES.get(family(runtime))
    if read is None:
        raise CellError(f"{runtime}: cells are written for {_and(LANGUAGES)} runtimes.")
    code = read(Cell(options.name, line, body, runtime, options.handler, requires, lab))
    try:
        sources = read_sources(options.on, options)
        ends = Ends(
            options.retries,
            _destination(options.on_success, of_success=True),
            _destination(options.on_failure, of_success=False),
        )
    except CallerError as error:
        raise CellError(str(error)) from None
    return Deployment(
        name=options.name,
        runtime=runtime,
        handler=code.handler,
        files=code.files,
        memory_mb=options.memory,
        timeout_s=options.timeout,
        variables=dict(_variable(text) for text in options.env),
        requires=(*requires, *code.requires),
        layers=tuple(options.layer),
        sources=sources,
        ends=ends,
        snap_start=options.snap_start,
        release=Release(options.publish, options.alias, options.reserved, options.provisioned),
    )


def fingerprint(line: str, body: str) -> str:
    """A short name for what a cell holds, by which JupyterLab knows whether it has changed since; it makes the same of
    the same cell, in its own language."""
    text = f"{line.strip()}\n{body.strip()}"
    return f"{zlib.crc32(text.encode()):08x}"


def _destination(text: str | None, *, of_success: bool) -> Destination | None:
    return None if text is None else parse_destination(text, of_success=of_success)


def read_sources(texts: Collection[str], options: argparse.Namespace) -> tuple[Source, ...]:
    """The sources of these texts, and those of the options `--url` and `--route`. Raises CallerError."""
    url = [UrlSource()] if options.url else []
    return (*map(parse_source, texts), *url, *map(parse_route, options.route))


def _and(names: Collection[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}"


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _VARIABLE.match(name):
        raise CellError(
            f"--env {text}: write NAME=VALUE; NAME has two or more letters, digits or '_' and begins with a letter."
        )
    return name, value
