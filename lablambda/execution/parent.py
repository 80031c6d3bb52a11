"""The process that environments' processes are children of.

It starts them, ends them with all that they left behind, and tells the lab how each of them ended. It
talks to the lab over a SOCK_SEQPACKET socket, a JSON message each:

    lab -> parent   {"terms": {...}} or null, first of all: what all children are confined to; see
                    `confine.py`
                    {"start": {...}} with the descriptors that the child gets: its log pipe and, unless
                    it talks HTTP, its socket; "command", "variables" and "folder" say what to run,
                    "rules" and "mounts" what it may reach beside what all may
                    {"end": pid}
    parent -> lab   {"ready": "3.13.1"}   {"started": pid}   {"refused": errno}
                    {"exited": pid, "status": wait status}

As subreaper it inherits whatever its children's own children leave running, so it can end them all. It also
ends those that become too many: of thousands, this process alone still gets its turn. It runs no thread, keeps
no secret and imports nothing of lablambda: any Python can run it.
"""

from __future__ import annotations

import array
import ctypes
import importlib.util
import json
import os
import resource
import select
import signal
import socket
import sys

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, NoReturn

    Become = Callable[["Parent", dict[str, Any], list[int], int], NoReturn]

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
MESSAGE_BYTES = 1 << 17
# Of processes and threads together, as on AWS; how often that is looked at, and how many more than before on the whole
# machine are worth counting whose they are.
MOST_TASKS, COUNT_EVERY_S, MANY = 1024, 0.1, 512
# Python ignores these, and what is ignored stays so across exec.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def load(name: str, path: str) -> ModuleType:
    """A module from its file: nothing else of where it lies is to be found."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_confine = load("confine", os.path.join(os.path.dirname(os.path.abspath(__file__)), "confine.py"))


class Parent:
    """Starts, reaps and ends processes, as the lab says."""

    def __init__(self, control: socket.socket, nested_in: Parent | None = None) -> None:
        """Waits for the terms, and goes to where they are kept. One that is itself the child of a parent is confined
        already, and so are its children."""
        self.control = control
        self.children: set[int] = set()
        self.calm = _tasks_in_all()
        self.kept: list[int] = []  # descriptors that children keep, beside their own
        told = control.recv(MESSAGE_BYTES)
        if not told:  # the lab has gone again
            sys.exit()
        terms = json.loads(told)["terms"]
        self.confinement = None if terms is None else _confine.Confinement(terms)
        if nested_in is not None and nested_in.confinement is not None:
            self.confinement = _confine.Nested(nested_in.confinement)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.pid = os.getpid()

    def run(self, become: Become) -> None:
        """`become` is what a child does: it gets the parent it comes from, the request, its descriptors and
        one to write an errno to if it can't; it never returns."""
        self.become = become
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _be_first()
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
            ready = {
                descriptor for descriptor, _ in poller.poll(COUNT_EVERY_S * 1000 if self.children else None)
            }
            self.end_crowds()
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
        if "start" in message:
            self.start(message["start"], descriptors)
        elif message["end"] in self.children:
            self.end(message["end"])
        return True

    def start(self, request: dict[str, Any], descriptors: list[int]) -> None:
        failure, told = os.pipe()
        try:
            if self.confinement is not None:
                self.confinement.prepare(request["mounts"])
            pid = os.fork()
        except OSError as error:
            for descriptor in (failure, told, *descriptors):
                os.close(descriptor)
            self.tell({"refused": error.errno})
            return
        if pid == 0:
            os.close(failure)
            self.become(self, request, descriptors, told)
        for descriptor in (told, *descriptors):
            os.close(descriptor)
        self.children.add(pid)
        # Closed by exec, or when the child needs it no more; it holds an errno if exec failed.
        number = os.read(failure, 4)
        os.close(failure)
        if number:
            self.children.discard(pid)
            os.waitpid(pid, 0)
            self.tell({"refused": int.from_bytes(number, "big")})
        else:
            self.tell({"started": pid})

    def reap(self) -> None:
        ended = {}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in self.children:
                self.children.discard(pid)
                _kill_group(pid)
                ended[pid] = status
        self.end_strays()
        for pid, status in ended.items():
            self.tell({"exited": pid, "status": status})

    def end_strays(self) -> None:
        """End what a dead process's code left running outside its group: that comes here as orphans do, and
        what it started in its turn when it has died itself."""
        for pid in _children_of(self.pid):
            if pid not in self.children:
                _kill_group(pid)
                _kill(pid)

    def end_crowds(self) -> None:
        """End a child that has become too many: what it started first, or that would go on for itself."""
        now = _tasks_in_all()
        if now - self.calm < MANY:
            self.calm = min(self.calm, now)
            return
        self.calm = now
        for child in self.children:
            if _count_tasks(child) > MOST_TASKS:
                self.end(child)

    def end(self, child: int) -> None:
        """End a child, and before it all that it started, until there is nothing new: as long as it lives, orphans
        stay its own."""
        seen: set[int] = set()
        while new := set(_descendants(child)) - seen:
            for pid in new:
                _kill(pid)
            seen |= new
        _kill_group(child)

    def end_all(self) -> None:
        for pid in self.children:
            self.end(pid)
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

    # -------------------------------------------------------------------------------- in the child

    def leave(self, request: dict[str, Any], descriptors: list[int], *kept: int) -> int:
        """Go into a session of one's own, within limits, confined, with nothing of the parent's but what is
        meant for the child: 0 is empty, 1 and 2 the log, 3 the socket; then what is `kept`, whose last
        number it gives."""
        os.setsid()
        _limit(request["limits"])
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.pid:
            os._exit(1)
        self.libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # What its code leaves running stays its own, to be counted with it and to end with it.
        self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.control.detach()
        nothing = os.open(os.devnull, os.O_RDWR)
        log, *channel = descriptors
        # Copied first, out of the way of the numbers aimed at.
        copies = [os.dup(descriptor) for descriptor in (nothing, log, log, *channel, *kept)]
        inherited = len(copies) - len(kept)
        for target, copy in enumerate(copies):
            os.dup2(copy, target, inheritable=target < inherited)
        if self.confinement is not None:
            self.confinement.enter(request["rules"], request["mounts"])
        first = len(copies)
        for end in (*sorted(self.kept), resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
            os.closerange(first, end)
            first = end + 1
        return len(copies) - 1


def run_command(parent: Parent, request: dict[str, Any], descriptors: list[int], told: int) -> NoReturn:
    """Be another program. What hinders that is told by its errno."""
    try:
        told = parent.leave(request, descriptors, told)
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        os.chdir(request["folder"])
        command = request["command"]
        os.execve(command[0], command, request["variables"])
    except OSError as error:
        os.write(told, (error.errno or 1).to_bytes(4, "big"))
    finally:
        os._exit(1)


def _limit(limits: dict[str, int]) -> None:
    """Set resource limits, as far as the system's own hard limits go."""
    for name, value in limits.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        value = min(value, hard) if hard >= 0 else value
        resource.setrlimit(kind, (value, value))


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    data, ancillary, _, _ = control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(2 * 4))
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    return data, list(descriptors)


def _be_first() -> None:
    """Come before everything that handlers run, if the system lets us: this process has little to do, and must do it
    at once. What it starts doesn't inherit that."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        pass  # root may; another user's processes are kept from being many by the kernel


def _tasks_in_all() -> int:
    """How many processes and threads the machine has."""
    with open("/proc/loadavg") as file:
        return int(file.read().split()[3].partition("/")[2])


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return []


def _count_tasks(pid: int) -> int:
    """The threads of a process and all its descendants."""
    return sum(len(_threads(each)) for each in (pid, *_descendants(pid)))


def _descendants(pid: int) -> list[int]:
    """Those that any of its threads started, and theirs."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        for thread in _threads(parent):
            try:
                with open(f"/proc/{parent}/task/{thread}/children") as file:
                    waiting += map(int, file.read().split())
            except OSError:
                continue
        found.append(parent)
    return found[1:]


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
    Parent(socket.socket(fileno=int(sys.argv[1]))).run(run_command)
