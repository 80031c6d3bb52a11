"""A Python process that has run a version's init, and from which that version's environments are forked.

It begins as an environment does. When its code is loaded it runs what `snapshot_restore_py` registered to be done
before a snapshot, last first, and then is a parent as `execution/parent.py` tells, over the socket that was its
channel. Its children run what is to be done after a restore, first first, and then take events.

A fork takes one thread along. Those that init started would be missing in every child, and a lock that one of them held
would stay locked there for ever, so a process that has more than one is refused. What makes random numbers unlike in
each: the operating system's are, OpenSSL's and `random`'s own follow a fork by themselves, NumPy's is seeded anew here.
Generators that a handler keeps for itself are its own business, as on AWS.
Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import time
from functools import partial

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if not TYPE_CHECKING:
    import inherited  # the zygote has loaded it, from beside this file
else:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, NoReturn

    from lablambda.runtimes.python import inherited

    Hook = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]

_HOOKS = "snapshot_restore_py"
_ENDING_S = 1.0


def live(lab: Any, bootstrap: ModuleType, parent: Any, handler_name: str, names: Callable[[str], str]) -> int:
    """Run init, be what environments are forked from until the lab has gone, and give an exit status."""
    bootstrap.install_logging()
    try:
        handler = bootstrap.load_handler(handler_name)
        _run_before_snapshot()
        _refuse_threads(bootstrap)
    except Exception as error:
        bootstrap.refuse_to_start(lab, error, names)
        return 1
    bootstrap.flush()
    gc.collect()
    gc.freeze()
    lab.send(bootstrap.READY)
    kept = inherited.opened()
    own = type(parent)(lab.release(), nested_in=parent)
    own.kept = kept
    own.run(partial(_become_environment, bootstrap, handler, names))
    return 0


def _run_before_snapshot() -> None:
    hooks: list[Hook] = _registered("get_before_snapshot")
    while hooks:
        function, arguments, named = hooks.pop()
        function(*arguments, **named)


def _run_after_restore() -> None:
    for function, arguments, named in _registered("get_after_restore"):
        function(*arguments, **named)


def _registered(which: str) -> list[Hook]:
    """AWS's library keeps them; what a function hasn't imported has none."""
    library = sys.modules.get(_HOOKS)
    found: list[Hook] = [] if library is None else getattr(library, which)()
    return found


def _refuse_threads(bootstrap: ModuleType) -> None:
    if _is_alone():
        return
    named = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    who = ", ".join(named) or "of native code"
    raise bootstrap.Fault(
        "Runtime.ThreadsInSnapshot",
        f"Init left threads running ({who}). This lab's snapshots are forks, which have none of them: end them in a "
        "function registered with snapshot_restore_py.register_before_snapshot, and start them anew after the restore.",
    )


def _is_alone() -> bool:
    """Whether this process has one thread; those of native code count too."""
    end = time.monotonic() + _ENDING_S
    while len(os.listdir("/proc/self/task")) > 1:
        # One that was joined is the system's for a moment yet.
        if threading.active_count() > 1 or time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


# ------------------------------------------------------------------------ in the child, never to return


def _become_environment(
    bootstrap: ModuleType,
    handler: Any,
    names: Callable[[str], str],
    parent: Any,
    request: dict[str, Any],
    descriptors: list[int],
    told: int,
) -> NoReturn:
    status = 1
    try:
        os.close(told)
        parent.leave(request, descriptors)
        inherited.make_own(parent.kept)
        os.set_inheritable(bootstrap.CHANNEL, False)
        status = _restore(bootstrap.Lab(socket.socket(fileno=bootstrap.CHANNEL)), bootstrap, handler, names)
    except SystemExit as exit_request:
        status = exit_request.code if isinstance(exit_request.code, int) else 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        bootstrap.flush()
        os._exit(status)


def _restore(lab: Any, bootstrap: ModuleType, handler: Any, names: Callable[[str], str]) -> int:
    launch = lab.start()
    if launch is None:
        return 0
    os.environ.update(launch["variables"])  # what init itself put there stays, as on AWS
    _be_unlike_others()
    try:
        _run_after_restore()
    except Exception as error:
        bootstrap.refuse_to_start(lab, error, names)
        return 1
    bootstrap.flush()
    lab.send(bootstrap.READY)
    status: int = bootstrap.serve(lab, handler, names)
    return status


def _be_unlike_others() -> None:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
