"""Cells for a function's own runtime: a script named `bootstrap` that asks the Runtime API for events.

Source: Building a custom runtime, https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

from __future__ import annotations

from lablambda.jupyter.languages.cell import Cell, Code

_SHEBANG = "#!"
_HANDLER = "bootstrap"  # any text will do: what it means is the bootstrap's own business


def read(cell: Cell) -> Code:
    """The package of a cell: the script as it is, run by /bin/bash unless its first line says by what."""
    script = cell.body if cell.body.startswith(_SHEBANG) else f"{_SHEBANG}/bin/bash\n{cell.body}"
    return Code(files={"bootstrap": script.encode()}, handler=cell.handler or _HANDLER)
