"""What a handler tries against the lab, its user and other functions, in every language, as root and as an ordinary
user; and that what handlers may do they can."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from lablambda.client import Lab
from lablambda.execution.sandbox import Sandbox
from lablambda.packaging.zips import zip_files
from lablambda.rules.sandbox import Level
from lablambda.runtimes.java import jdks
from lablambda.runtimes.java.compiler import JavaCompiler
from tests.processes import Home, family, gone

INTRUDERS = Path(__file__).with_name("intruders")
OWN = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/r"
ORDINARY_USER = 54_321
SECRET = "what nobody is to know"


@dataclass
class Victim:
    """A person's home with a lab and all that is to be kept from its handlers."""

    home: Home
    lab: Lab
    pids: list[int] = field(default_factory=list)

    def deploy(
        self, name: str, files: Mapping[str, str | bytes], *, runtime: str = OWN, handler: str = "f.handler"
    ) -> None:
        content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        aws = self.lab.client("lambda")
        aws.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=ROLE,
            Handler=handler,
            Code={"ZipFile": zip_files(content)},
            Timeout=60,
            MemorySize=512,
        )
        aws.get_waiter("function_active_v2").wait(FunctionName=name)

    def ask(self, name: str, event: Any = None) -> Any:
        outcome = self.lab.function(name).invoke(event)
        assert outcome.error is None, outcome.error
        return outcome.payload

    def intrude(self, name: str, event: Mapping[str, Any]) -> set[str]:
        """What the intruder could do; what it did to itself doesn't count."""
        told = self.ask(name, event)
        own = (f" {told['pid']}", f"/proc/{told['pid']}/")
        return {what for what in told["done"] if not what.endswith(own[0]) and own[1] not in what}


@contextmanager
def victim(user: int | None, sandbox: str) -> Iterator[Victim]:
    folder = Path(tempfile.mkdtemp(prefix="home-"))
    home = Home(folder, user=user)
    (folder / "secret").write_text(SECRET)
    bus = socket.socket(socket.AF_UNIX)
    bus.bind(str(folder / "bus"))
    bus.listen()
    if user is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, user, user)
    program = home.python("import sys; sys.stdin.read()", stdin=-1)
    try:
        lab = home.up("--sandbox", sandbox)
        made = Victim(home, lab)
        made.deploy(
            "other",
            {"f.py": f"open('/tmp/note', 'w').write({SECRET!r})\ndef handler(e, c): return {SECRET!r}"},
        )
        made.ask("other")
        lab.status()  # when it has found its runtimes, which it asks by processes that soon end
        made.pids = [program.pid, *family(lab.descriptor.pid)]
        yield made
    finally:
        home.end()
        program.communicate("")
        bus.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=["root", "ordinary"])
def kept(request: pytest.FixtureRequest) -> Iterator[Victim]:
    """With a lab of each kind of user, in a strict sandbox."""
    best = Sandbox.of_this_machine()
    if best.level is not Level.STRICT:
        pytest.skip(f"here a handler can {'; '.join(best.missing)}")
    root = os.geteuid() == 0
    if request.param == "root" and not root:
        pytest.skip("only root can be root")
    with victim(ORDINARY_USER if root and request.param == "ordinary" else None, "strict") as made:
        yield made


def attempts(victim: Victim) -> dict[str, list[Any]]:
    """Everything to be tried, with what is there to be found."""
    victim.pids = [pid for pid in victim.pids if Path(f"/proc/{pid}/fd").exists()]  # of the reserve, some go
    home, data = victim.home.folder, Path(victim.lab.descriptor.data)
    packages = [path for path in data.glob("packages/*/content/f.py") if SECRET in path.read_text()]
    notes = [path for path in data.glob("environments/*/tmp/note") if path.read_text() == SECRET]
    authority = home / "data" / "lablambda" / "authority"
    keys = [path for path in authority.iterdir() if path.suffix != ".pem" or "PRIVATE" in path.read_text()]
    descriptor = victim.home.descriptor("t")
    assert packages
    assert keys
    files = [home / "secret", descriptor, data / "journal.db", *packages, *notes, *keys]
    folders = [home, data, data / "packages", data / "environments", descriptor.parent, authority]
    per_process = ("environ", "maps", "auxv", "io")
    return {
        "read": [
            *map(str, files),
            *(f"/proc/{pid}/{name}" for pid in victim.pids for name in per_process),
            *(f"/proc/{pid}/root{home}/secret" for pid in victim.pids),
            *(
                str(path)
                for pid in victim.pids
                for path in Path(f"/proc/{pid}/fd").iterdir()
                if path.is_file()
            ),
        ],
        "list": [
            *map(str, folders),
            *(f"/proc/{pid}/{name}" for pid in victim.pids for name in ("root", "cwd", "map_files")),
        ],
        "write": [*map(str, files)],
        "mode": [*map(str, (*files, *folders))],
        "signal": victim.pids,
        "connect": [str(home / "bus")],
    }


PYTHON = {"f.py": (INTRUDERS / "intruder.py").read_text()}


def test_what_an_intruder_in_python_tries_fails(kept: Victim) -> None:
    kept.deploy("intruder", PYTHON)
    tried = attempts(kept)
    assert kept.intrude("intruder", {**tried, "limit": kept.pids, "attach": kept.pids}) == set()


def test_what_an_intruder_in_javascript_tries_fails(kept: Victim) -> None:
    if shutil.which("node") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Node.js")
    kept.deploy("node", {"f.js": (INTRUDERS / "intruder.js").read_text()}, runtime="nodejs20.x")
    assert kept.intrude("node", attempts(kept)) == set()


def test_what_an_intruder_in_java_tries_fails(kept: Victim) -> None:
    if not jdks.find():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no Java")
    classes = asyncio.run(_compile((INTRUDERS / "Intruder.java").read_text()))
    kept.deploy("java", classes, runtime="java17", handler="intruders.Intruder")
    assert kept.intrude("java", attempts(kept)) == set()


async def _compile(source: str) -> dict[str, str | bytes]:
    compiler = JavaCompiler()
    try:
        compiled = await compiler.compile(source, 17)
    finally:
        await compiler.close()
    assert compiled.classes, compiled.problems
    return dict(compiled.classes)


@pytest.mark.skipif(os.geteuid() != 0, reason="tests/test_lab_life.py has it for the user who runs the tests")
def test_an_ordinary_users_handlers_die_with_their_lab() -> None:
    """By the kernel's hand, though they are in namespaces of their own."""
    with victim(ORDINARY_USER, "strict") as left:
        pids = family(left.lab.descriptor.pid)
        os.kill(left.lab.descriptor.pid, signal.SIGKILL)
        assert gone(pid for pid in pids if "moto_server" not in Path(f"/proc/{pid}/cmdline").read_text())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look")
def test_what_handlers_are_forked_from_has_no_secrets(kept: Victim) -> None:
    """Nor threads. Handlers have its memory, so it has seen neither keys nor anybody's code."""
    started = psutil.Process(kept.lab.descriptor.pid).children()
    (zygote,) = [process.pid for process in started if any("zygote.py" in word for word in process.cmdline())]
    assert len(list(Path(f"/proc/{zygote}/task").iterdir())) == 1
    held = memory_of(zygote)
    assert b"botocore" in held, "the memory can be read"
    assert kept.lab.descriptor.secret_key.encode() not in held
    assert SECRET.encode() not in held
    for secret in (b"AWS_SECRET_ACCESS_KEY=", str(kept.home.descriptor("t")).encode()):
        assert secret not in held


def memory_of(pid: int) -> bytes:
    """All that a process can write to."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            area, rights, *_ = line.split()
            first, last = (int(end, 16) for end in area.split("-"))
            if rights.startswith("rw"):
                memory.seek(first)
                found.append(memory.read(last - first))
    return b"".join(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="the control is for root, to whom all is open")
def test_all_of_it_succeeds_without_a_sandbox() -> None:
    """Or the tests above would show nothing."""
    with victim(None, "off") as open_house:
        open_house.deploy("intruder", PYTHON)
        tried = attempts(open_house)
        # Whether a process is attached to, and for how long, is not for a test to risk.
        expected = {f"{what} {target}" for what, targets in tried.items() for target in targets}
        assert expected - open_house.intrude("intruder", tried) == set()
        assert open_house.lab.status()["sandbox"]["level"] == "off"


# --------------------------------------------------------------------------------------- what they may do

DOES = """
import json, multiprocessing, os, socket, subprocess, sys, tempfile, threading, urllib.request
import boto3

def double(n): return 2 * n

def handler(event, context):
    with multiprocessing.Pool(2) as pool: doubled = pool.map(double, [1, 2])
    with multiprocessing.Manager() as manager: shared = list(manager.list([1]))
    server = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(server.getsockname()) as client: server.accept()[0].sendall(b"hi"); hi = client.recv(2)
    with tempfile.NamedTemporaryFile("w+") as file: file.write("text"); file.seek(0); text = file.read()
    with open("/dev/stdout", "w") as out: out.write("by way of its file\\n")
    os.makedirs("/tmp/a/b"); os.rename("/tmp/a/b", "/tmp/b"); os.chmod("/tmp/b", 0o700); os.symlink("b", "/tmp/c")
    boto3.client("s3").create_bucket(Bucket="bucket")
    boto3.client("s3").put_object(Bucket="bucket", Key="key", Body=b"content")
    return {
        "doubled": doubled, "shared": shared, "hi": hi.decode(), "text": text,
        "child": subprocess.run([sys.executable, "-c", "import boto3; print(2)"], capture_output=True, text=True).stdout,
        "name": socket.getaddrinfo("localhost", 80)[0][4][0] in ("127.0.0.1", "::1"),
        "self": os.readlink("/proc/self") == str(os.getpid()),
        "user": os.getuid(), "tmp": sorted(os.listdir("/tmp")), "cwd": os.getcwd(), "root": os.environ["LAMBDA_TASK_ROOT"],
        "object": boto3.client("s3").get_object(Bucket="bucket", Key="key")["Body"].read().decode(),
    }
"""


def test_what_handlers_may_do_they_can(kept: Victim) -> None:
    kept.deploy("does", {"f.py": DOES})
    assert kept.ask("does") == {
        "doubled": [2, 4],
        "shared": [1],
        "hi": "hi",
        "text": "text",
        "child": "2\n",
        "name": True,
        "self": True,
        "user": os.geteuid() if kept.home.user is None else kept.home.user,
        "tmp": ["a", "b", "c"],
        "cwd": "/var/task",
        "root": "/var/task",
        "object": "content",
    }
    assert "by way of its file" in str(kept.lab.function("does").logs())


def test_a_lab_tells_how_well_it_keeps_them(kept: Victim) -> None:
    assert kept.lab.status()["sandbox"] == {"level": "strict", "missing": []}
    assert "sandbox strict" in kept.home.run("doctor", "--name", "t").stdout
