"""Where the HTTPS port is: on which of this machine's addresses, and its number."""

from __future__ import annotations

import socket

from lablambda.rules.addresses import LOOPBACK


def free_port(wanted: int = 0, host: str = LOOPBACK) -> int:
    """`wanted`, or a free one if that is 0, at that address of this machine. Raises OSError if it is in use: granian
    shares its ports, so that a second lab would take half of the first one's requests."""
    with held_port(wanted, host) as probe:
        port: int = probe.getsockname()[1]
        return port


def held_port(wanted: int, host: str) -> socket.socket:
    """A socket that keeps the port from others while it is open. Raises OSError if it is in use."""
    holding = socket.socket()
    try:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind((host, wanted))
    except BaseException:
        holding.close()
        raise
    return holding
