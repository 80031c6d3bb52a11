"""Running a notebook as a test: papermill, in a private lab."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE, ConfigError

# Else each run ends with "ERROR | KeyboardInterrupt caught in kernel": that is how an idle kernel is ended.
_QUIET_KERNEL = "--IPKernelApp.log_level=CRITICAL"


def run_notebook(notebook: Path, parameters: Mapping[str, str], output: Path | None) -> int:
    """Execute every cell; 0 if all went well, else 1 after the failing cell's error was printed.

    `output` is where to keep the executed notebook: as it is, or as a page to look at if it ends in
    .html. A notebook that failed is kept too. Raises ConfigError if there is no such notebook.
    """
    if not notebook.is_file():
        raise ConfigError(f"There is no notebook {notebook}.")
    with Lab.private() as lab, tempfile.TemporaryDirectory(prefix="lablambda-") as folder:
        executed = Path(folder) / "executed.ipynb"
        # The kernel inherits it: `%load_ext lablambda` then attaches to the private lab.
        os.environ[NAME_VARIABLE] = lab.reference
        try:
            status = _execute(notebook, executed, parameters)
        finally:
            del os.environ[NAME_VARIABLE]
        if output is not None:
            _keep(executed, output)
    verdict = "every cell ran" if status == 0 else "a cell failed"
    print(f"{notebook}: {verdict}." + (f" The result is in {output}" if output else ""))  # noqa: T201 - the command's answer
    return status


def _execute(notebook: Path, executed: Path, parameters: Mapping[str, str]) -> int:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        papermill.execute_notebook(
            str(notebook),
            str(executed),
            parameters=dict(parameters),
            cwd=str(notebook.parent or "."),
            extra_arguments=[_QUIET_KERNEL],
        )
    except PapermillExecutionError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's answer
        return 1
    return 0


def _keep(executed: Path, output: Path) -> None:
    if output.suffix != ".html":
        shutil.copyfile(executed, output)
        return
    from nbconvert import HTMLExporter

    exporter = HTMLExporter()  # type: ignore[no-untyped-call]  # nbconvert ships it untyped
    page, _ = exporter.from_filename(str(executed))
    output.write_text(page)
