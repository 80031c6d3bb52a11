"""The HTTPS port's number."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def free_port(wanted: int = 0) -> int:
    """`wanted`, or a free one if that is 0. Raises OSError if it is in use: granian shares its ports, so that a second
    lab would take half of the first one's requests."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, wanted))
        port: int = probe.getsockname()[1]
        return port
