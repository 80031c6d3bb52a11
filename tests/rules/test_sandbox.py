"""What handlers may reach, as rules: no kernel is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from lablambda.rules import sandbox
from lablambda.rules.sandbox import NOTHING, Access, Grant, Kernel, Level, Mount

WHOLE = Kernel(6, filters=True, mounts=True)


@pytest.mark.parametrize(
    ("kernel", "level", "words"),
    [
        (WHOLE, Level.STRICT, []),
        (WHOLE._replace(landlock=7), Level.STRICT, []),
        (WHOLE._replace(landlock=5), Level.PARTIAL, ["send signals"]),
        (WHOLE._replace(mounts=False), Level.PARTIAL, ["in /tmp"]),
        (WHOLE._replace(filters=False), Level.PARTIAL, ["every system call"]),
        (Kernel(0, filters=True, mounts=False), Level.PARTIAL, ["the user's files", "in /tmp"]),
        (NOTHING, Level.OFF, ["the user's files", "every system call", "in /tmp"]),
    ],
)
def test_how_far_a_kernel_goes(kernel: Kernel, level: Level, words: list[str]) -> None:
    assert sandbox.level(kernel) is level
    told = sandbox.missing(kernel)
    assert len(told) == len(words)
    assert all(word in text for word, text in zip(words, told, strict=True))


# ---------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(("landlock", "bits"), [(0, 0), (1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (7, 16)])
def test_a_kernel_is_asked_for_no_right_that_it_does_not_know(landlock: int, bits: int) -> None:
    kernel = WHOLE._replace(landlock=landlock)
    assert sandbox.handled(kernel) == (1 << bits) - 1
    for access in Access:
        ((_, rights),) = sandbox.rules([Grant("/x", access)], kernel)
        assert rights & ~sandbox.handled(kernel) == 0


def test_sockets_with_a_path_only_where_none_but_ones_own_is_seen() -> None:
    assert sandbox.own_sockets(WHOLE)
    assert not sandbox.own_sockets(WHOLE._replace(mounts=False))
    assert not sandbox.own_sockets(WHOLE._replace(landlock=5))


def test_what_is_read_is_not_written() -> None:
    ((_, read), (_, written)) = sandbox.rules([Grant("/a"), Grant("/b", Access.WRITE)], WHOLE)
    assert read == 0b1101
    assert written & read == read
    assert not written & (1 << 6 | 1 << 11), "devices"


def test_the_system_has_no_secrets(tmp_path: Path) -> None:
    for file in (
        "etc/shadow",
        "etc/hosts",
        "etc/ssl/private/key",
        "etc/ssl/certs/a.pem",
        "root/x",
        "home/x",
        "usr/x",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "etc/resolv.conf").symlink_to("../run/stub")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/stub").touch()
    below = {
        str(Path(grant.path).relative_to(tmp_path))
        for grant in sandbox.system(WHOLE, tmp_path)
        if grant.path.startswith(str(tmp_path))
    }
    assert below == {"etc/hosts", "etc/ssl/certs", "usr", "etc/resolv.conf", "run/stub"}


def test_an_installation_is_no_home() -> None:
    home = Path("/home/ada")
    closed = (home, home / ".local/share/lablambda", home / ".local/share/jupyter")
    assert sandbox.installation(Path("/home/ada/.pyenv/3.13/bin/python"), closed) == [
        Grant("/home/ada/.pyenv/3.13")
    ]
    for program, prefix in (
        ("/home/ada/bin/node", "/home/ada"),
        ("/home/ada/.local/bin/node", "/home/ada/.local"),
    ):
        assert sandbox.installation(Path(program), closed) == [Grant(f"{prefix}/bin"), Grant(f"{prefix}/lib")]


def test_mounts_show_each_thing_once() -> None:
    grants = [
        Grant("/usr"),
        Grant("/usr/lib/jvm/x"),
        Grant("/etc/hosts"),
        Grant("/etc/resolv.conf"),
        Grant("/dev/null", Access.USE),
        Grant("/dev/shm", Access.BY_NAME),
        Grant("/data/work", Access.WRITE, "/tmp"),
        Grant("/data/code", at="/var/task"),
    ]
    assert sandbox.mounts(grants, [Mount("/opt/x", "/opt/x", 7)]) == [
        Mount("/data/code", "/var/task", 7),
        Mount("/data/work", "/tmp", 6),
        Mount("/dev/null", "/dev/null", 2),
        Mount("/etc", "/etc", 7),
        Mount("/usr", "/usr", 7),
    ]
    assert sandbox.mounts([Grant("/usr/bin")], [Mount("/usr", "/usr", 7)]) == []


def test_what_is_where_aws_has_something_else_is_seen_elsewhere() -> None:
    assert sandbox.aside(Grant("/tmp/cache")).at == "/run/lab/tmp/cache"
    assert sandbox.aside(Grant("/tmpfiles")).at == ""
    assert sandbox.layers_at([Grant("/usr"), Grant("/optional")]) == "/opt"
    assert sandbox.layers_at([Grant("/opt/conda")]) == "/var/opt"
