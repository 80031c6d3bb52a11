"""The process that Python environments are forked from.

It has the interpreter, the bootstrap and boto3 loaded and frozen (so a garbage collection in a child
touches no shared page). In all else it is a parent as `execution/parent.py` tells; only that its children
run no other program: they go on from here.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.util
import os
import site
import socket
import sys
import time

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, NoReturn, TextIO

_HERE = os.path.dirname(os.path.abspath(__file__))
# What AWS has in its Python runtime beside the standard library, loaded ahead of any function.
RUNTIME_PACKAGES = (
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six", "simplejson"),
    "snapshot_restore_py",
)
DISTRIBUTIONS = {"dateutil": "python_dateutil"}  # where a package's metadata has another name


def main() -> None:
    control, runtime_folder = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    module = _load_parent()
    bootstrap = module.load("bootstrap", os.path.join(_HERE, "bootstrap.py"))
    module.load("inherited", os.path.join(_HERE, "inherited.py"))
    snapshot = module.load("snapshot", os.path.join(_HERE, "snapshot.py"))
    for name in ("bootstrap", "confine", "inherited", "snapshot"):
        del sys.modules[name]  # a function may have modules of these names
    parent = module.Parent(control)
    # Only now: modules must be where environments find the rest of them.
    sys.path.append(runtime_folder)
    _preload()
    metadata = _metadata_in(runtime_folder)
    parent.run(functools.partial(_become_environment, bootstrap, snapshot, metadata))


def _load_parent() -> Any:
    path = os.path.join(_HERE, "..", "..", "execution", "parent.py")
    spec = importlib.util.spec_from_file_location("parent", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _preload() -> None:
    for name in ("boto3", "uuid", "datetime", "decimal", "random", "base64", "io", "zlib"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"zygote: {name} isn't preloaded: {error}", file=sys.stderr)
    for add_builtin in (site.setquit, site.setcopyright, site.sethelper):
        add_builtin()  # -S leaves them out, and handlers do call exit()
    gc.collect()
    gc.freeze()


# ------------------------------------------------------------------------ in the child, never to return


def _become_environment(
    bootstrap: ModuleType,
    snapshot: ModuleType,
    metadata: list[str],
    parent: Any,
    request: dict[str, Any],
    descriptors: list[int],
    told: int,
) -> NoReturn:
    """Go on as a Python environment; `metadata` names the preloaded packages."""
    status = 1
    try:
        os.close(told)
        parent.leave(request, descriptors)
        os.set_inheritable(bootstrap.CHANNEL, False)
        lab = bootstrap.Lab(socket.socket(fileno=bootstrap.CHANNEL))
        launch = lab.start()
        status = 0
        if launch is not None:
            _unload_shadowed(_enter(launch), metadata)
            names = _path_names(launch)
            if launch["snapshot"]:
                status = snapshot.live(lab, bootstrap, parent, launch["handler"], names)
            else:
                status = bootstrap.run(lab, launch["handler"], names)
    except SystemExit as exit_request:
        status = _exit_status(exit_request)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        bootstrap.flush()
        os._exit(status)


def _enter(launch: dict[str, Any]) -> list[str]:
    """Take on the function's environment; gives the folders that its modules come from."""
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(launch["variables"])
    time.tzset()
    os.chdir(launch["task"])
    sys.argv = ["bootstrap"]
    sys.dont_write_bytecode = True
    sys.pycache_prefix = None
    folders = [os.path.abspath(folder) for folder in _module_folders(launch)]
    sys.path[:0] = folders
    sys.stdin, sys.stdout, sys.stderr = open(0), _line_writer(1), _line_writer(2)
    importlib.invalidate_caches()
    return folders


def _module_folders(launch: dict[str, Any]) -> list[str]:
    folders = [launch["task"]]
    if launch["layers"] is not None:
        # AWS's order: the versioned site-packages of a layer come before its plain python folder.
        python = os.path.join(launch["layers"], "python")
        folders += [os.path.join(python, "lib", launch["runtime"], "site-packages"), python]
    own = launch["variables"].get("PYTHONPATH", "").split(os.pathsep)
    return folders + [entry for entry in own if entry not in ("", *sys.path)]


def _line_writer(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _unload_shadowed(folders: list[str], metadata: list[str]) -> None:
    """A function's own boto3 (or a part of it) comes before the runtime's, so forget the preloaded one.

    Unless it is of the same version: many a layer brings jmespath or urllib3 along, and to load boto3
    anew takes longer than all else in a cold start.
    """
    if not any(_shadows(folder, name, metadata) for folder in folders for name in RUNTIME_PACKAGES):
        return
    for module in list(sys.modules):
        if module.partition(".")[0] in RUNTIME_PACKAGES:
            del sys.modules[module]


def _shadows(folder: str, name: str, metadata: list[str]) -> bool:
    path = os.path.join(folder, name)
    if not os.path.isdir(path) and not os.path.isfile(f"{path}.py"):
        return False
    distribution = DISTRIBUTIONS.get(name, name)
    same = [entry for entry in metadata if entry.startswith(f"{distribution}-")]
    return not any(os.path.isdir(os.path.join(folder, entry)) for entry in same)


def _metadata_in(folder: str) -> list[str]:
    return [entry for entry in os.listdir(folder) if entry.endswith(".dist-info")]


def _path_names(launch: dict[str, Any]) -> Callable[[str], str]:
    """Show a file under AWS's path for it: the package under /var/task, layers under /opt."""
    paths = {"/var/task": launch["task"], "/opt": launch["layers"]}
    shown = [(real.rstrip("/") + "/", aws + "/") for aws, real in paths.items() if real is not None]

    def name(path: str) -> str:
        for real, aws in shown:
            if path.startswith(real):
                return aws + path[len(real) :]
        return path

    return name


def _exit_status(request: SystemExit) -> int:
    if request.code is None:
        return 0
    if isinstance(request.code, int):
        return request.code & 0xFF
    print(request.code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
