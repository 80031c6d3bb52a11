"""The notebook's side: `%load_ext lablambda` brings `%%lambda` and `%lambda`."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from lablambda.client import Lab
from lablambda.config import ConfigError
from lablambda.jupyter import empty_cell
from lablambda.jupyter.completion import Completion
from lablambda.jupyter.errors import CellError
from lablambda.jupyter.magics import LambdaMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_ATTRIBUTE = "_lablambda"


def load(shell: InteractiveShell) -> None:
    """Attach to the lab (started if absent) and register the magics. Loading twice is harmless."""
    if getattr(shell, _ATTRIBUTE, None) is not None:
        return
    magics = LambdaMagics(shell)
    try:
        lab = magics.lab()
    except ConfigError as error:
        raise CellError(str(error)) from None
    shell.register_magics(magics)
    completion = Completion(magics.running_lab)
    completion.install(shell)
    empty_cell.install(shell)
    setattr(shell, _ATTRIBUTE, (magics, completion))
    threading.Thread(target=_warm, args=(lab,), daemon=True).start()


def unload(shell: InteractiveShell) -> None:
    """Take the magics away; the lab stays."""
    loaded = getattr(shell, _ATTRIBUTE, None)
    if loaded is None:
        return
    magics, completion = loaded
    completion.remove(shell)
    empty_cell.remove(shell)
    for table in shell.magics_manager.magics.values():
        table.pop("lambda", None)
    magics.close()
    setattr(shell, _ATTRIBUTE, None)


def _warm(lab: Lab) -> None:
    """boto3 takes half a second to load: do it while the person still types the first cell."""
    with contextlib.suppress(Exception):
        lab.client("lambda")
        lab.client("s3")
