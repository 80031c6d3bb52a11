"""Where the HTTPS port is: on which of this machine's addresses, and its number."""

from __future__ import annotations

import socket

from lablambda.rules.addresses import LOOPBACK


def free_port(wanted: int = 0, host: str = LOOPBACK) -> int:
    """`wanted`, or a free one if that is 0, at that address of this machine. Raises OSError if it is in use: granian
    shares its ports, so that a second lab would take half of the first one's requests."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, wanted))
        port: int = probe.getsockname()[1]
        return port
