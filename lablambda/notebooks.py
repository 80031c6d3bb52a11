"""Running a notebook as a test: papermill, in a private lab."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE, ConfigError


def run_notebook(notebook: Path, parameters: Mapping[str, str], output: Path | None) -> int:
    """Execute every cell; 0 if all went well, else 1 after the failing cell's error was printed.

    Raises ConfigError if there is no such notebook.
    """
    if not notebook.is_file():
        raise ConfigError(f"There is no notebook {notebook}.")
    import papermill
    from papermill.exceptions import PapermillExecutionError

    with Lab.private() as lab, tempfile.TemporaryDirectory(prefix="lablambda-") as folder:
        kept = output or Path(folder) / notebook.name
        # The kernel inherits it: `%load_ext lablambda` then attaches to the private lab.
        os.environ[NAME_VARIABLE] = str(Path(lab.descriptor.data) / "descriptor.json")
        try:
            papermill.execute_notebook(
                str(notebook),
                str(kept),
                parameters=dict(parameters),
                cwd=str(notebook.parent),
                log_output=False,
            )
        except PapermillExecutionError as error:
            print(error, file=sys.stderr)  # noqa: T201 - a command's answer
            return 1
        finally:
            del os.environ[NAME_VARIABLE]
    print(f"{notebook}: every cell ran." + (f" The result is in {output}" if output else ""))  # noqa: T201
    return 0
