"""What a compiler makes of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the compiler says: `kind` is error or warning, line and column count from 1."""

    kind: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """`classes` are class files by path, none if there is an error; `handlers` are the classes or methods that
    could take events, as Lambda names them."""

    classes: Mapping[str, bytes]
    problems: tuple[Problem, ...]
    handlers: tuple[str, ...]
