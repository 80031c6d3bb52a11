"""One signed, keep-alive HTTP connection from a client to a lab.

boto3 serves everything that isn't in a hurry; an invocation from a notebook goes through here, where
it costs a quarter of boto3's time and loads no AWS SDK.
"""

from __future__ import annotations

import http.client
import json
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lablambda.config import Descriptor, NoLab
from lablambda.rules import sigv4


class ApiError(Exception):
    """The lab refused a request. `code` is AWS's error code, `status` the HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Answer:
    """An HTTP answer: status, headers (any case), body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


def signed_headers(
    descriptor: Descriptor,
    service: str,
    method: str,
    path: str,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> dict[str, str]:
    """The headers of a request to a lab, with its host and signature; good for some minutes."""
    named = {"host": urlsplit(descriptor.endpoint).netloc, **(headers or {})}
    return named | sigv4.sign(
        access_key=descriptor.access_key,
        secret=descriptor.secret_key,
        region=descriptor.region,
        service=service,
        method=method,
        path=path,
        query=query,
        headers=named,
        payload=body,
        now=datetime.now(UTC),
    )


class Connection:
    """Signed requests to one lab; each thread has a socket of its own."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._address = urlsplit(descriptor.endpoint)
        self._local = threading.local()
        self._sockets: set[http.client.HTTPConnection] = set()

    def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 960.0,
    ) -> Answer:
        """Send and wait; `path` and `query` percent-encoded. Raises ApiError for a status of 400 or more."""
        named = signed_headers(
            self._descriptor, service, method, path, query=query, headers=headers, body=body
        )
        answer = self._send(method, f"{path}?{query}" if query else path, named, body, timeout)
        if answer.status >= 400:
            raise _error(answer)
        return answer

    def aws_json(self, service: str, target: str, parameters: dict[str, Any]) -> Any:
        """Call an operation of a JSON-protocol service (logs, events): `target` is its X-Amz-Target."""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
        body = json.dumps(parameters).encode()
        return self.request(service, "POST", "/", headers=headers, body=body).json()

    def close(self) -> None:
        """Close the sockets of all threads; a later request opens a new one."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()
        self._local = threading.local()

    def _drop(self) -> None:
        """Close this thread's socket."""
        socket = getattr(self._local, "socket", None)
        if socket is not None:
            socket.close()
            self._sockets.discard(socket)
            self._local.socket = None

    def _send(self, method: str, target: str, headers: dict[str, str], body: bytes, timeout: float) -> Answer:
        reused = getattr(self._local, "socket", None) is not None
        try:
            return self._exchange(method, target, headers, body, timeout)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self._drop()
            # A kept connection may have been closed meanwhile: nothing was carried out, so ask anew.
            # An invocation cut off half-way raises instead: it may have run.
            if reused and isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError)):
                return self._exchange(method, target, headers, body, timeout)
            raise NoLab(
                f"The lab at {self._descriptor.endpoint} doesn't answer ({error}). "
                "See 'lablambda status', start it with 'lablambda up --detach'."
            ) from None

    def _exchange(
        self, method: str, target: str, headers: dict[str, str], body: bytes, timeout: float
    ) -> Answer:
        socket = getattr(self._local, "socket", None)
        if socket is None:
            address = self._address
            socket = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
            self._local.socket = socket
            self._sockets.add(socket)
        if socket.sock is not None:
            socket.sock.settimeout(timeout)
        try:
            socket.request(method, target, body=body, headers=headers)
            response = socket.getresponse()
            return Answer(response.status, response.headers, response.read())
        except BaseException:
            # Interrupted (Ctrl-C, time-out): the answer would be taken for the next request's.
            self._drop()
            raise


def _error(answer: Answer) -> ApiError:
    try:
        body = json.loads(answer.body)
        message = body.get("message") or body.get("Message") or ""
        code = answer.headers.get("x-amzn-errortype") or body.get("__type", "")
    except (ValueError, AttributeError):
        message, code = answer.body.decode("utf-8", "replace")[:500], ""
    return ApiError(answer.status, code.split("#")[-1].split(":")[0] or str(answer.status), message)
