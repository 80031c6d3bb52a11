"""The frame around each request to moto, and what the hooks remember of the one that a thread is at work on."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

CALLER = "X-LabLambda-Caller"  # header of a request: the ARN of who signed it
CLOCK = "X-LabLambda-Clock"  # the same: the lab's time, in seconds since 1970, and how fast it goes
FAULT = "X-LabLambda-Fault"  # header of an answer that isn't moto's: NOT_BUILT or BROKEN
NOT_BUILT, BROKEN = "not-built", "broken"


class _Request(threading.local):
    """What the hooks remember of the request that a thread is at work on; `events` is None outside one."""

    skip = False
    completing = False
    created: str | None = None
    caller = ""
    trace = ""
    events: list[Callable[[], None]] | None = None
    woken: set[str] = set()  # noqa: RUF012 - each request has a set of its own


request = _Request()


class _LabTime:
    """The lab's time, as the last request told it."""

    def __init__(self) -> None:
        self._told = (time.time(), time.time(), 1.0)

    def set(self, told: str) -> None:
        reading, speed = map(float, told.split())
        self._told = (time.time(), reading, speed)

    def now(self) -> float:
        since, reading, speed = self._told
        return reading + (time.time() - since) * speed


lab_time = _LabTime()


def complain(text: str) -> None:
    """A line in the services' log."""
    print(f"lablambda services: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this process's log


def later(send: Callable[[], None]) -> None:
    """Call it when the request has done its work, and before it is answered; at once where there is none."""
    if request.events is None:
        send()
    else:
        request.events.append(send)


class RequestFrame:
    """WSGI middleware around each request to moto.

    - The path reaches moto as it was sent: it reads RAW_URI, which waitress calls REQUEST_URI, and else
      takes `a%2Fb` and `a?b` for other keys than they are.
    - Header names with an underscore, which waitress drops and S3's user metadata may have, come in a
      header of the lab's own.
    - Events leave when the request has done its work.
    - What moto hasn't built, and its crashes, are marked, so that the lab can say so in AWS's own form.
    """

    _CALLER = "HTTP_X_LABLAMBDA_CALLER"
    _CLOCK = "HTTP_X_LABLAMBDA_CLOCK"
    _UNDERSCORES = "HTTP_X_LABLAMBDA_UNDERSCORES"

    def __init__(self, application: Any) -> None:
        from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header

        self._application = application
        self._names_key = PRESERVED_HEADER_NAMES_ENVIRON_KEY
        self._key_for = environ_key_for_header

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["RAW_URI"] = environ["REQUEST_URI"]
        for name, value in json.loads(environ.pop(self._UNDERSCORES, "{}")).items():
            environ[self._key_for(name)] = value
            environ.setdefault(self._names_key, {})[self._key_for(name)] = name
        request.skip, request.completing, request.created = False, False, None
        request.events, request.woken = [], set()
        request.caller = environ.pop(self._CALLER, "")
        request.trace = environ.get("HTTP_X_AMZN_TRACE_ID", "")
        if told := environ.pop(self._CLOCK, ""):
            lab_time.set(told)
        try:
            return self._application(environ, start_response)
        except NotImplementedError as error:
            return _fault(start_response, "501 Not Implemented", NOT_BUILT, str(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return _fault(
                start_response, "500 Internal Server Error", BROKEN, f"{type(error).__name__}: {error}"
            )
        finally:
            _send_events()


def _fault(start_response: Any, status: str, kind: str, message: str) -> list[bytes]:
    start_response(status, [(FAULT, kind), ("Content-Type", "text/plain; charset=utf-8")])
    return [message.encode()]


def _send_events() -> None:
    events, request.events = request.events or [], None
    for send in events:
        try:
            send()
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            complain(f"an event wasn't delivered: {type(error).__name__}: {error}")
