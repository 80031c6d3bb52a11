"""Where a lab's things are, and the private note by which its owner finds it.

A running lab leaves a *descriptor* in the user's Jupyter runtime folder, readable by its owner alone:
the address, the key that signs requests to it, and its process id. Whoever can read that file can use
the lab; nobody else can.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from jupyter_core.paths import jupyter_runtime_dir

from lablambda.rules.names import REGION

DEFAULT_NAME = "default"
# In the authority's folder: what clients of endpoints must trust; and that with the public authorities, for clients
# that take only one file.
CA_CERTIFICATE, CA_BUNDLE = "ca.pem", "bundle.pem"
NAME_VARIABLE = "LABLAMBDA_LAB"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")


class ConfigError(Exception):
    """A lab's name, folder or port can't be used; the message says what to do."""


class NoLab(ConfigError):
    """No lab of that name is running."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """How to reach one lab. `secret_key` signs requests as AWS's SigV4 wants; `note` is the path of a
    private lab's descriptor, which no name leads to."""

    name: str
    pid: int
    endpoint: str
    access_key: str
    secret_key: str
    data: str
    region: str = REGION
    note: str = ""
    https_endpoint: str = ""

    def variables(self) -> dict[str, str]:
        """The environment variables that point AWS's own tools at this lab."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_CA_BUNDLE": str(authority_dir() / CA_BUNDLE),
            "LABLAMBDA_HTTPS_URL": self.https_endpoint,
        }


def new_keys() -> tuple[str, str]:
    """A fresh access key id and secret, in AWS's forms."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    access = "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    return access, secrets.token_urlsafe(30)


def check_name(name: str) -> str:
    """A lab's name becomes a file's name; refuse what can't be one."""
    if not _NAME.match(name):
        raise ConfigError(
            f"{name!r} can't name a lab: use 1 to 63 letters, digits, '.', '-' or '_', "
            "beginning with a letter or digit."
        )
    return name


def runtime_dir() -> Path:
    """The folder of descriptors, made on first use and closed to others."""
    folder = Path(jupyter_runtime_dir()) / "lablambda"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def data_dir(name: str) -> Path:
    """Where the lab of that name keeps its state unless told otherwise."""
    return Path(platformdirs.user_data_dir("lablambda")) / "labs" / check_name(name)


def private_dir() -> Path:
    """Where private labs keep their state; not in /tmp, which handlers of some machines can reach."""
    folder = Path(platformdirs.user_data_dir("lablambda")) / "private"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def authority_dir() -> Path:
    """Where the user's own certificate authority is, which every lab's HTTPS port goes by."""
    return Path(platformdirs.user_data_dir("lablambda")) / "authority"


def trust_variables() -> dict[str, str]:
    """The variables by which AWS's SDKs and Node.js trust that authority beside the public ones."""
    folder = authority_dir()
    return {
        "AWS_CA_BUNDLE": str(folder / CA_BUNDLE),
        "NODE_EXTRA_CA_CERTS": str(folder / CA_CERTIFICATE),
    }


def cache_dir() -> Path:
    """What can be built again: requirement layers, compiled library code."""
    return Path(platformdirs.user_cache_dir("lablambda"))


def descriptor_path(name: str) -> Path:
    """`name` is a lab's name, or the path of a descriptor as `Lab.private()` hands out."""
    if name.endswith(".json") and os.sep in name:
        return Path(name)
    return runtime_dir() / f"{check_name(name)}.json"


def write_descriptor(path: Path, descriptor: Descriptor) -> None:
    """Write the note whole or not at all, never readable by others."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(descriptor), file)
    draft.replace(path)


def read_descriptor(name: str) -> Descriptor:
    """The lab's note; NoLab if there is none or its process is gone."""
    path = descriptor_path(name)
    try:
        descriptor = Descriptor(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise NoLab(f"No lab named {name!r} is running. Start one: lablambda up --detach") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is damaged ({error}). Delete it and start the lab again.") from None
    if not _alive(descriptor.pid):
        raise NoLab(f"The lab named {name!r} has ended. Start it again: lablambda up --detach")
    return descriptor


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and only its parent doesn't know yet: in containers that may take for ever."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # not Linux, or gone by now
        return False
    return state == "Z"
