"""Whose a socket is, both by asking the kernel and by reading its table."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from lablambda.execution import socket_owner
from lablambda.execution.socket_owner import Owner, _ask_kernel, _read_table

Find = Callable[[tuple[str, int], tuple[str, int]], Owner | None]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@pytest.fixture(params=[_ask_kernel, _read_table])
def find(request: pytest.FixtureRequest, listener: socket.socket) -> Find:
    found: Find = request.param
    with socket.create_connection(listener.getsockname()) as other:
        try:
            found(other.getsockname(), other.getpeername())
        except OSError as error:
            pytest.skip(f"the kernel doesn't tell: {error}")
    listener.accept()[0].close()
    return found


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")]
)
def test_a_socket_of_mine(listener: socket.socket, find: Find, family: int, host: str) -> None:
    port = listener.getsockname()[1]
    try:
        mine = socket.socket(family)
        mine.connect((host, port))
    except OSError:
        pytest.skip("this system has no IPv6")
    with mine, listener.accept()[0] as accepted:
        assert find(accepted.getpeername(), ("127.0.0.1", port)) == Owner(
            os.getuid(), os.fstat(mine.fileno()).st_ino
        )


def test_a_socket_that_was_closed_is_nobodys(listener: socket.socket, find: Find) -> None:
    with socket.create_connection(listener.getsockname()) as mine:
        mine.send(b"x")
    with listener.accept()[0] as accepted:
        assert find(accepted.getpeername(), listener.getsockname()) is None


def test_a_socket_that_never_was(listener: socket.socket) -> None:
    """Nor is it that of who listens at its port."""
    assert socket_owner.socket_owner(("127.0.0.1", 1), listener.getsockname()) is None
    assert socket_owner.socket_owner(listener.getsockname(), ("127.0.0.1", 1)) is None


def test_where_the_kernel_does_not_tell_its_table_is_read(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_owner, "_SOCK_DIAG", 31)  # no such netlink protocol
    with socket.create_connection(listener.getsockname()) as mine:
        owner = socket_owner.socket_owner(mine.getsockname(), mine.getpeername())
        assert owner is not None
        assert owner.user == os.getuid()
