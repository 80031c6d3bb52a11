"""Labs as processes of their own, in folders of their own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lablambda.client import Lab
from lablambda.config import Descriptor

_AS_USER = Path(__file__).with_name("as_user.py")


def gone(pids: Iterable[int], timeout: float = 15.0) -> bool:
    """Whether all these processes end within the time."""
    processes = []
    for pid in pids:
        try:
            processes.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(processes, timeout=timeout)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


@dataclass(frozen=True)
class Home:
    """A user's folders, apart from the real ones."""

    folder: Path
    labs: list[Lab] = field(default_factory=list)
    user: int | None = None  # whose it is, if not of the one who runs the tests

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LABLAMBDA_"))
        }
        return kept | {
            "HOME": str(self.folder),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "run"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def command(self, *words: str) -> list[str]:
        """A Python of this user's."""
        change = [] if self.user is None else [sys.executable, str(_AS_USER), str(self.user)]
        return [*change, sys.executable, *words]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`lablambda WORDS...`, to its end."""
        return subprocess.run(
            self.command("-m", "lablambda", *words),
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def python(self, code: str, *words: str, **more: Any) -> subprocess.Popen[str]:
        """A program of this user's."""
        return subprocess.Popen(
            self.command("-c", code, *words),
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            **more,
        )

    def up(self, *words: str) -> Lab:
        """A lab named t in the background."""
        started = self.run("up", "--name", "t", "--detach", *words)
        assert started.returncode == 0, started.stderr
        return self.lab("t")

    def lab(self, name: str) -> Lab:
        self.labs.append(Lab(Descriptor(**json.loads(self.descriptor(name).read_text()))))
        return self.labs[-1]

    def descriptor(self, name: str) -> Path:
        return self.folder / "run" / "lablambda" / f"{name}.json"

    def end(self) -> None:
        """End every lab that was left running here."""
        for lab in self.labs:
            lab.close()
            for client in lab._clients.values():
                client.close()
        for note in (self.folder / "run" / "lablambda").glob("*.json"):
            pid = json.loads(note.read_text())["pid"]
            if psutil.pid_exists(pid):
                pids = family(pid)
                psutil.Process(pid).terminate()
                assert gone(pids)
        self._end_services()

    def _end_services(self) -> None:
        """Those of labs that were killed wait for the next lab."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if Path(process.cwd()).is_relative_to(self.folder) and process.name().startswith("python"):
                    process.terminate()
                    assert gone([process.pid])
