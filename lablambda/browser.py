"""Where the person's browser finds an endpoint: at its own address, or by way of their Jupyter server.

A notebook's kernel and its lab are on one machine, the browser often on another. A Jupyter server that is reached
below a prefix, as JupyterHub has it, is taken for such a case: its extension serves the lab's endpoints.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir

from lablambda.config import DEFAULT_NAME, Descriptor

# Below a Jupyter server's base URL, and what begins the name of a lab that isn't the default one.
PLACE, LAB_MARK = "lablambda/endpoint", "~"


def in_browser(address: str, of: Descriptor) -> str:
    """The address for a browser: as it is, or a path on the Jupyter server's own address (with that, where the hub
    tells it)."""
    base = _base_url()
    if not base or of.note:  # nobody finds a private lab by its name
        return address
    lab = "" if of.name == DEFAULT_NAME else f"/{LAB_MARK}{of.name}"
    if address.startswith("wss:"):
        base = base.replace("https:", "wss:", 1)
    return f"{base}{PLACE}{lab}{urlsplit(address).path}"


def _base_url() -> str:
    """The base URL of the Jupyter server that this process works for or is, if there is one; empty otherwise."""
    if prefix := os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return os.environ.get("JUPYTERHUB_PUBLIC_URL") or prefix
    note = Path(jupyter_runtime_dir()) / f"jpserver-{os.environ.get('JPY_PARENT_PID', os.getpid())}.json"
    try:
        base = str(json.loads(note.read_text())["base_url"])
    except (OSError, ValueError, KeyError):
        return ""
    return "" if base == "/" else base
