"""lablambda: an interactive serverless lab for Jupyter.

`%load_ext lablambda` gives notebooks the `%%lambda` and `%lambda` magics; `connect()` and
`Lab.private()` give Python the same lab. Importing this module stays light: the rest loads when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from lablambda.client import Lab, connect

__all__ = ["Lab", "__version__", "connect"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("Lab", "connect"):
        from lablambda import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """How a Jupyter server finds its extension."""
    from lablambda.jupyter.server_extension import Lablambda

    return [{"module": "lablambda.jupyter.server_extension", "app": Lablambda}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext lablambda`."""
    from lablambda.jupyter import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext lablambda`."""
    from lablambda.jupyter import unload

    unload(shell)
