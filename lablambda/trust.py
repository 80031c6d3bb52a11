"""How a person's browsers and tools get to trust the certificates of their labs; for browsers it can be done here.

Browsers on Linux have the authorities that their user trusts in NSS databases, which NSS's `certutil` changes. The
system's own store belongs to the administrator, so that is only told.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lablambda.config import CA_CERTIFICATE, ConfigError, authority_dir
from lablambda.gateway.certificates import Authority

_NICKNAME = "lablambda"
_CHROMIUM = (".pki/nssdb", "snap/chromium/current/.pki/nssdb")
_FIREFOX = (".mozilla/firefox", "snap/firefox/common/.mozilla/firefox", ".config/mozilla/firefox")
_WITHIN_S = 30
_HOW_TO_GET = {
    "apt-get": "sudo apt-get install libnss3-tools",
    "dnf": "sudo dnf install nss-tools",
    "pacman": "sudo pacman -S nss",
    "zypper": "sudo zypper install mozilla-nss-tools",
}
# By the program that takes them up: where a system's additional authorities are.
_SYSTEM = {
    "update-ca-certificates": "/usr/local/share/ca-certificates/lablambda.crt",
    "update-ca-trust": "/etc/pki/ca-trust/source/anchors/lablambda.pem",
}
_PROGRAMS = "/usr/sbin:/sbin:/usr/bin:/bin"  # where an administrator's are


@dataclass(frozen=True, slots=True)
class Store:
    """A browser's database of authorities."""

    browser: str
    folder: Path

    def command(self, *words: str) -> list[str]:
        return ["certutil", "-d", f"sql:{self.folder}", *words]

    @property
    def is_there(self) -> bool:
        return (self.folder / "cert9.db").exists()


def authority() -> Path:
    """The certificate of the user's own authority; made if there is none yet."""
    Authority(authority_dir())
    return authority_dir() / CA_CERTIFICATE


def stores() -> list[Store]:
    """The databases of the user's browsers; Chromium's usual one in any case."""
    home = Path.home()
    usual, *others = (Store("Chromium and Chrome", home / path) for path in _CHROMIUM)
    profiles = sorted(file.parent for path in _FIREFOX for file in (home / path).glob("*/cert9.db"))
    firefox = [Store(f"Firefox (profile {folder.name})", folder) for folder in profiles]
    return [usual, *(store for store in [*others, *firefox] if store.is_there)]


# -------------------------------------------------------------------------------------------- telling


def explanation(certificate: Path) -> str:
    """What there is to trust, and what to do for each browser and tool."""
    whose = (
        f"The labs of this user have their certificates from an authority of their own:\n  {certificate}\n"
        "It is good for this machine's loopback names alone (localhost, 127.0.0.1, ::1), and its key never leaves "
        "this user's folder."
    )
    path = shlex.quote(str(certificate))
    curl, python = f"curl --cacert {path} https://...", f'requests.get(url, verify="{certificate}")'
    parts = [whose, f"One program at a time:\n  {curl}\n  {python}"]
    for store in stores():
        lines = [shlex.join(command) for command in _commands(store, certificate)]
        parts.append("\n  ".join([f"{store.browser}, at its next start:", *lines]))
    parts += ["All these browsers at once:\n  lablambda trust --install", _system(certificate)]
    missing = [] if shutil.which("certutil") else [_certutil_missing()]
    return "\n\n".join([*parts, *missing])


def _system(certificate: Path) -> str:
    for program, file in _SYSTEM.items():
        if shutil.which(program, path=_PROGRAMS):
            copied = shlex.join(["sudo", "cp", str(certificate), file])
            return f"All programs of this system that go by its store, for every user:\n  {copied}\n  sudo {program}"
    return f"This system's own store: add {certificate} as its handbook says."


def _certutil_missing() -> str:
    ways = [how for program, how in _HOW_TO_GET.items() if shutil.which(program, path=_PROGRAMS)]
    how = ways[0] if ways else "it comes with NSS, as libnss3-tools or nss-tools"
    return f"certutil is missing, by which browsers are told. Install it: {how}"


# --------------------------------------------------------------------------------------------- doing


def install(certificate: Path) -> Iterator[str]:
    """Have the user's browsers trust the authority; tells what is done. Raises ConfigError if it can't be."""
    if shutil.which("certutil") is None:
        raise ConfigError(f"{_certutil_missing()}, then run lablambda trust --install again.")
    for store in stores():
        if _run(store.command("-L", "-n", _NICKNAME)).returncode == 0:  # perhaps a former authority
            _do(store, "-D", "-n", _NICKNAME)
        store.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for command in _commands(store, certificate):
            _do(store, *command[3:])
        yield f"{store.browser} will trust {certificate} from its next start on ({store.folder})"
    yield "To take it back: " + shlex.join(stores()[0].command("-D", "-n", _NICKNAME))


def _commands(store: Store, certificate: Path) -> list[list[str]]:
    """What adds the authority to a store."""
    create = [] if store.is_there else [store.command("-N", "--empty-password")]
    return [*create, store.command("-A", "-t", "C,,", "-n", _NICKNAME, "-i", str(certificate))]


def _do(store: Store, *words: str) -> None:
    done = _run(store.command(*words))
    if done.returncode != 0:
        raise ConfigError(
            f"{store.browser} couldn't be told: {shlex.join(store.command(*words))} said "
            f"{(done.stderr or done.stdout).strip()!r}. End the browser and try again; a database with a password "
            "takes that command by hand."
        )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_WITHIN_S
    )
