"""Whose a TCP socket of this machine is.

The kernel is asked for the one socket, which takes 13 us (c1, with a thousand of them open). Its table in /proc
takes 5 ms, 8 for an IPv6 socket, and everything waits meanwhile; it is for where the kernel doesn't answer.
Source: sock_diag(7), https://man7.org/linux/man-pages/man7/sock_diag.7.html
"""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import NamedTuple

_End = tuple[str, int]

_SOCK_DIAG = 4  # of the netlink protocols
_BY_FAMILY, _REQUEST = 20, 1
_HEADER = struct.Struct("=IHHII")  # length, kind, flags, number, sender
_QUESTION = struct.Struct("=BBxxI")  # family, protocol, any state
_PORTS = struct.Struct("!HH")
_NO_COOKIE = b"\xff" * 8
_PORTS_AT, _OWNER_AT = 16 + 4, 16 + 4 + 48 + 12
_OWNER = struct.Struct("=II")  # user, inode

_MAPPED = "0000000000000000FFFF0000"  # an IPv4 address as an IPv6 one, as the kernel's table has it


class Owner(NamedTuple):
    """`user` is an id, `inode` what the descriptors of the processes that have the socket lead to."""

    user: int
    inode: int


def socket_owner(local: _End, remote: _End) -> Owner | None:
    """Who holds the socket between these ends; None if nobody does any more."""
    with contextlib.suppress(OSError):
        return _ask_kernel(local, remote)
    return _read_table(local, remote)


def _holder(user: int, inode: int) -> Owner | None:
    """A socket that was closed but still has data on its way belongs to nobody: then it has no inode, and older
    kernels say root's id."""
    return Owner(user, inode) if inode else None


def _ask_kernel(local: _End, remote: _End) -> Owner | None:
    """Raises OSError if there is no answer: no such socket, or nobody who could tell."""
    addresses = b"".join(socket.inet_aton(host).ljust(16, b"\0") for host, _ in (local, remote))
    ports = _PORTS.pack(local[1], remote[1])
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0xFFFFFFFF)
    body = b"".join((question, ports, addresses, bytes(4), _NO_COOKIE))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.send(_HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 0, 0) + body)
        answer = kernel.recv(4096, socket.MSG_DONTWAIT)
    _, kind, *_ = _HEADER.unpack_from(answer)
    # Where there is no such connection, the answer may be of who listens at its port.
    if kind != _BY_FAMILY or answer[_PORTS_AT : _PORTS_AT + 4] != ports:
        raise OSError("the kernel knows no such socket")
    return _holder(*_OWNER.unpack_from(answer, _OWNER_AT))


def _read_table(local: _End, remote: _End) -> Owner | None:
    """A program may hold its socket as an IPv6 one: Java does."""
    for table, prefix in (("tcp", ""), ("tcp6", _MAPPED)):
        ends = " ".join(f"{prefix}{_hex(host)}:{port:04X}" for host, port in (local, remote))
        with contextlib.suppress(OSError):  # a system without IPv6
            text = Path(f"/proc/net/{table}").read_text()
            place = text.find(f" {ends} ")
            if place >= 0:
                _, _, _, _, _, _, user, _, inode, *_ = text[place : text.index("\n", place)].split()
                return _holder(int(user), int(inode))
    return None


def _hex(host: str) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}"  # as the kernel holds it, in the machine's byte order
