"""The process that Python environments are forked from.

It has the interpreter, the bootstrap and boto3 loaded and frozen (so a garbage collection in a child
touches no shared page), runs no thread and keeps no secret. It talks to the lab over a SOCK_SEQPACKET
socket, a JSON message each:

    lab -> zygote   {"fork": {...}} with two descriptors: the environment's socket and log pipe
                    {"kill": pid}
    zygote -> lab   {"ready": "3.13.1"}   {"forked": pid}   {"exited": pid, "status": wait status}

It is the parent of every environment and, as subreaper, of whatever their own children leave behind,
so it can end them all. It imports nothing of lablambda.
"""

from __future__ import annotations

import array
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import resource
import select
import signal
import site
import socket
import sys
import time

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, NoReturn, TextIO

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
CHANNEL = 3  # the environment's socket, after its other descriptors are closed
MESSAGE_BYTES = 1 << 17
# What AWS has in its Python runtime beside the standard library, loaded ahead of any function.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six", "simplejson")
DISTRIBUTIONS = {"dateutil": "python_dateutil"}  # where a package's metadata has another name


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    runtime_folder = sys.argv[2]
    _end_with_parent()
    sys.path.append(runtime_folder)
    bootstrap = _preload()
    Zygote(control, bootstrap, _metadata_in(runtime_folder)).run()


def _preload() -> ModuleType:
    bootstrap = _load_beside("bootstrap")
    for name in ("boto3", "uuid", "datetime", "decimal", "random", "base64", "io", "zlib"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"zygote: {name} isn't preloaded: {error}", file=sys.stderr)
    for add_builtin in (site.setquit, site.setcopyright, site.sethelper):
        add_builtin()  # -S leaves them out, and handlers do call exit()
    gc.collect()
    gc.freeze()
    return bootstrap


def _load_beside(name: str) -> ModuleType:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _end_with_parent() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Zygote:
    """Forks, reaps and kills, as the lab says."""

    def __init__(self, control: socket.socket, bootstrap: ModuleType, metadata: list[str]) -> None:
        self.control = control
        self.bootstrap = bootstrap
        self.metadata = metadata  # of the preloaded packages: NAME-VERSION.dist-info
        self.environments: set[int] = set()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.pid = os.getpid()

    def run(self) -> None:
        woken, wake = socket.socketpair()
        woken.setblocking(False)
        wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self.tell({"ready": ".".join(map(str, sys.version_info[:3]))})
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        poller.register(woken, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poller.poll()}
            if woken.fileno() in ready:
                woken.recv(4096)
                self.reap()
            if self.control.fileno() in ready and not self.obey():
                break
        self.end_all()

    def obey(self) -> bool:
        """Carry out one message; False when the lab has gone."""
        data, descriptors = _receive(self.control)
        if not data:
            return False
        message = json.loads(data)
        if "fork" in message:
            self.fork(message["fork"], descriptors)
        elif message["kill"] in self.environments:
            _kill_group(message["kill"])
        return True

    def fork(self, launch: dict[str, Any], descriptors: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self.become_environment(launch, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.environments.add(pid)
        self.tell({"forked": pid})

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.environments:
                self.environments.discard(pid)
                self.end_strays(pid)
                self.tell({"exited": pid, "status": status})

    def end_strays(self, group: int) -> None:
        """End what a dead environment's code left running: its group, and orphans that left the group."""
        _kill_group(group)
        for pid in _children_of(self.pid):
            if pid not in self.environments:
                _kill_group(pid)
                _kill(pid)

    def end_all(self) -> None:
        for pid in list(self.environments):
            _kill_group(pid)
        # Orphans come to this process only as their parents die, so look until none is left.
        while children := _children_of(self.pid):
            for pid in children:
                _kill_group(pid)
                _kill(pid)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def tell(self, message: dict[str, Any]) -> None:
        try:
            self.control.sendall(json.dumps(message).encode())
        except OSError:
            pass  # the lab has gone; the next read of its socket says so

    # ------------------------------------------------------------------ in the child, never to return

    def become_environment(self, launch: dict[str, Any], channel: int, log: int) -> NoReturn:
        status = 1
        try:
            self.leave_zygote(channel, log)
            self.enter(launch)
            connection = socket.socket(fileno=CHANNEL)
            status = self.bootstrap.run(connection, launch["handler"], _path_names(launch["paths"]))
        except SystemExit as request:
            status = _exit_status(request)
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            self.bootstrap.flush()
            os._exit(status)

    def leave_zygote(self, channel: int, log: int) -> None:
        os.setsid()
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.pid:
            os._exit(1)
        self.libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.control.detach()
        nothing = os.open(os.devnull, os.O_RDWR)
        channel, log = os.dup(channel), os.dup(log)  # out of the way of 0 to 3
        for target, source in ((0, nothing), (1, log), (2, log), (CHANNEL, channel)):
            os.dup2(source, target, inheritable=target != CHANNEL)
        os.closerange(CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def enter(self, launch: dict[str, Any]) -> None:
        for name, value in launch["limits"].items():
            kind = getattr(resource, name)
            value = min(value, resource.getrlimit(kind)[1]) if resource.getrlimit(kind)[1] >= 0 else value
            resource.setrlimit(kind, (value, value))
        os.umask(0o022)
        os.environ.clear()
        os.environ.update(launch["variables"])
        time.tzset()
        os.chdir(launch["paths"]["/var/task"])
        sys.argv = ["bootstrap"]
        sys.dont_write_bytecode = True
        sys.pycache_prefix = None
        sys.path[:0] = map(os.path.abspath, launch["python_path"])
        sys.stdin, sys.stdout, sys.stderr = open(0), _line_writer(1), _line_writer(2)
        importlib.invalidate_caches()
        _unload_shadowed(launch["python_path"], self.metadata)


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


def _path_names(paths: dict[str, str]) -> Callable[[str], str]:
    """Show a file under AWS's path for it: the package under /var/task, layers under /opt."""
    shown = [(real.rstrip("/") + "/", aws + "/") for aws, real in paths.items()]

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


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    data, ancillary, _, _ = control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(2 * 4))
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return data, list(descriptors)


def _children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    main()
