"""Bytes as they are on the TLS port, past all that a client library would forbid."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from dataclasses import dataclass

_WITHIN_S = 60  # far beyond what an answer takes: a server that hangs fails the test


@dataclass(frozen=True)
class Door:
    """The HTTPS port, and the path of a function there that answers with its event."""

    port: int
    path: str
    trust: ssl.SSLContext

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}{self.path}"

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=_WITHIN_S)
        return self.trust.wrap_socket(plain, server_hostname="localhost")

    def send(self, data: bytes) -> bytes:
        """All that comes back until the server hangs up; the last request in `data` should ask for that."""
        with self.connect() as connection:
            answer = b""
            hung_up = contextlib.suppress(ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
            with hung_up:
                connection.sendall(data)
            with hung_up:  # a server that has heard enough answers before it hangs up
                while part := connection.recv(65_536):
                    answer += part
            return answer

    def request(self, line: str | bytes, *headers: str | bytes, body: bytes = b"") -> bytes:
        """A request with this line (`{}` is the path) and these headers, besides Host and Connection."""
        lines = [line, "Host: 127.0.0.1", *headers, "Connection: close", "", ""]
        data = b"\r\n".join(part if isinstance(part, bytes) else part.encode() for part in lines)
        return data.replace(b"{}", self.path.encode(), 1) + body


def statuses(answer: bytes) -> list[int]:
    """Those of all answers, final ones."""
    found = map(int, re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer))
    return [status for status in found if status >= 200]
