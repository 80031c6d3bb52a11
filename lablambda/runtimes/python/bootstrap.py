"""What runs inside a Python execution environment: load the handler, then handle one event at a time.

This file belongs to the function's side: it imports nothing of lablambda and knows the lab only as a
socket, descriptor 3. A frame on it is `u32 length | u8 kind | body`, big-endian, length counting kind and
body:

    from the lab   START       JSON: "runtime" (as it was asked for), "handler", the folders "task", "layers"
                               (or null) and "scratch", "variables", which are the whole environment, and
                               "snapshot", whether it is to be what environments are forked from
                   INVOKE      u32 header length | header JSON | event
    to the lab     READY       empty: init is over
                   INIT_ERROR  error JSON; the process then exits
                   RESPONSE    u32 peak memory in KiB | answer
                   ERROR       u32 peak memory in KiB | error JSON
                   STREAM      content type: a streamed answer begins
                   CHUNK       a part of it
                   END         u32 peak memory in KiB | error JSON if it failed midway, else nothing
                   FATAL       as ERROR; the process then exits

Which function a process will run is known by START only, so that processes can be kept in reserve.

Standard output and standard error are one pipe to the log. A line is a log event; a record that may
hold newlines is sent as `RECORD_MARK | u32 length | text`, so that it stays one event.
Behaviour follows AWS's Python runtime: handler resolution, error objects, log formats, JSON rules.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import struct
import sys
import threading
import time
import traceback
from decimal import Decimal
from types import SimpleNamespace

TYPE_CHECKING = False  # as typing has it, without loading typing into every environment
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    Names = Callable[[str], str]
    Handler = Callable[[Any, Any], Any]

CHANNEL = 3
INVOKE, READY, INIT_ERROR, RESPONSE, ERROR = 1, 2, 3, 4, 5  # answers aren't streamed by AWS's Python
RECORD_MARK = b"\xf5\x00\xffR"  # never valid UTF-8, so no text line can hold it
RESPONSE_BYTES = 6 * 1024 * 1024 + 100

_request_id = ""
_write_lock = threading.Lock()


# ---------------------------------------------------------------------------------------- the socket


class Lab:
    """The lab as the runtime sees it: events come in, answers go out."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def start(self) -> dict[str, Any] | None:
        """Wait for START; None when the lab has gone."""
        frame = self._frame()
        if frame is None:
            return None
        launch: dict[str, Any] = json.loads(frame[1:])
        return launch

    def next(self) -> tuple[dict[str, Any], bytes] | None:
        """Wait for an event: (header, event bytes), or None when the lab has gone."""
        frame = self._frame()
        if frame is None:
            return None
        (length,) = struct.unpack_from("!I", frame, 1)
        return json.loads(frame[5 : 5 + length]), frame[5 + length :]

    def send(self, kind: int, body: bytes = b"") -> None:
        self._connection.sendall(struct.pack("!IB", len(body) + 1, kind) + body)

    def release(self) -> socket.socket:
        """Give the socket to somebody else; this is no channel any more."""
        return self._connection

    def answer(self, kind: int, body: bytes) -> None:
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.send(kind, struct.pack("!I", peak_kib) + body)

    def _frame(self) -> bytes | None:
        if not self._buffer:
            data = self._connection.recv(1 << 16)
            # Nearly always a frame comes whole and alone, and needs no copying about.
            if len(data) >= 4 and 4 + int.from_bytes(data[:4], "big") == len(data):
                return data[4:]
            if not data:
                return None
            self._buffer += data
        while True:
            if len(self._buffer) >= 4:
                end = 4 + int.from_bytes(self._buffer[:4], "big")
                if len(self._buffer) >= end:
                    frame = bytes(self._buffer[4:end])
                    del self._buffer[:end]
                    return frame
            data = self._connection.recv(1 << 16)
            if not data:
                return None
            self._buffer += data


# ---------------------------------------------------------------------------------------------- logs


def write_record(text: str) -> None:
    """Put `text` into the log as one event, newlines and all, after whatever was printed before."""
    data = text.encode("utf-8", "backslashreplace")
    with _write_lock:
        flush()
        _write_all(RECORD_MARK + struct.pack("!I", len(data)) + data)


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            pass  # the handler replaced or closed it


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.aws_request_id = _request_id
            write_record(self.format(record))
        except Exception:
            self.handleError(record)


def install_logging() -> None:
    """A root handler is there before the function's code, so `basicConfig()` does nothing, as on AWS."""
    handler = _LogHandler()
    handler.setFormatter(_JsonFormatter() if _json_logs() else _text_formatter())
    logging.root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    if level:
        logging.root.setLevel("NOTSET" if level == "TRACE" else level)


def _json_logs() -> bool:
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"


def _text_formatter() -> logging.Formatter:
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    return formatter


# What every record has; the rest are extras that the caller gave.
_RECORD_FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "aws_request_id",
    "message",
    "asctime",
}


class _JsonFormatter(logging.Formatter):
    """A record as one JSON object, extras merged into it."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            told["stackTrace"] = traceback.format_tb(error.__traceback__)
            told["errorType"] = type(error).__name__
            told["errorMessage"] = str(error)
            told["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        told["requestId"] = _request_id
        told.update((name, value) for name, value in vars(record).items() if name not in _RECORD_FIELDS)
        return json.dumps(told, default=str)


def _log_error(error: dict[str, Any]) -> None:
    """An uncaught exception as one event; no-break spaces keep the indentation."""
    if _json_logs():
        timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_record(json.dumps({"timestamp": timestamp, "log_level": "ERROR", **error}))
        return
    # AWS's runtime heads a trace that has no lines too.
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    lines += "".join(error["stackTrace"]).splitlines()
    write_record("\n".join(_keep_indent(line) for line in lines))


def _keep_indent(line: str) -> str:
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text


# -------------------------------------------------------------------------------------------- errors


class Fault(Exception):
    """A failure that the runtime itself names."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


def error_object(error: Exception, request_id: str, names: Names) -> dict[str, Any]:
    """The error as Lambda answers it; the runtime's own frames are left out."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, _stack_trace(error, names)
    return {"errorMessage": _text_of(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def _text_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return ""  # the handler's own __str__ failed


def _stack_trace(error: Exception, names: Names) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    while frames and _is_ours(frames[0].filename):
        del frames[0]
    return traceback.format_list([(names(f.filename), f.lineno or 0, f.name, f.line) for f in frames])


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith("<frozen importlib")


# ------------------------------------------------------------------------------------------- handler


def load_handler(name: str) -> Handler:
    """Resolve `package/module.function`, split at the last dot."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
        )
    module_name = module_name.replace("/", ".")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module"
        )
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise Fault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [place]
        ) from error
    try:
        handler: Handler = getattr(module, function_name)
        return handler
    except AttributeError:
        raise Fault(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from None


class _Fields(SimpleNamespace):
    """An object of named values, shown as AWS shows them to those who print a context."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{_shown(self)}])"


class CognitoIdentity(_Fields):
    pass


class Client(_Fields):
    pass


class ClientContext(_Fields):
    pass


def _shown(values: object) -> str:
    return ",".join(f"{name}={value}" for name, value in vars(values).items() if not name.startswith("_"))


class LambdaContext:
    """The handler's second argument."""

    def __init__(self, header: dict[str, Any], environment: dict[str, str | None]) -> None:
        client = header.get("client_context")
        self.aws_request_id = header["request_id"]
        self.__dict__.update(environment)
        self.invoked_function_arn = header["arn"]
        self.client_context = _client_context(client) if client else None
        self.identity = CognitoIdentity(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.tenant_id = None
        self._deadline_ms = header["deadline_ms"]

    def get_remaining_time_in_millis(self) -> int:
        return max(int(self._deadline_ms - time.time() * 1000), 0)

    def log(self, message: object) -> None:
        """Write to the log as one event; plainly to standard output if the root's handler was taken away."""
        if any(isinstance(handler, _LogHandler) for handler in logging.root.handlers):
            write_record(str(message))
        else:
            sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return f"LambdaContext([{_shown(self)}])"


def _context_of_environment() -> dict[str, str | None]:
    """The part of every context that is the same as long as the environment lives."""
    variables = {
        "log_group_name": "AWS_LAMBDA_LOG_GROUP_NAME",
        "log_stream_name": "AWS_LAMBDA_LOG_STREAM_NAME",
        "function_name": "AWS_LAMBDA_FUNCTION_NAME",
        "memory_limit_in_mb": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "function_version": "AWS_LAMBDA_FUNCTION_VERSION",
    }
    return {name: os.environ.get(variable) for name, variable in variables.items()}


_CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


def _client_context(text: str) -> ClientContext:
    try:
        given = json.loads(text)
        client = given.get("client")
    except (ValueError, AttributeError) as error:
        raise Fault(
            "Runtime.LambdaContextUnmarshalError", f"Unable to parse client context: {error}"
        ) from None
    fields = Client(**{name: client.get(name) for name in _CLIENT_FIELDS}) if client else None
    return ClientContext(custom=given.get("custom"), env=given.get("env"), client=fields)


# ------------------------------------------------------------------------------------------- results


def encode(result: Any) -> bytes:
    """The handler's result as bytes; `bytes` pass verbatim, Decimals become numbers."""
    if isinstance(result, bytes):
        return result
    try:
        return _dumps(result).encode("utf-8", "backslashreplace")
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


# Python 3.12 was the first AWS runtime to leave non-ASCII text as it is.
_ASCII_ONLY = sys.version_info < (3, 12)


def _dumps(result: Any) -> str:
    try:
        return _plain_json(result)
    except _HasDecimal:
        import simplejson  # keeps every digit; slower, so only when a Decimal is there

        return str(simplejson.dumps(result, ensure_ascii=_ASCII_ONLY, use_decimal=True))


class _HasDecimal(Exception):
    pass


def _not_plain(value: object) -> None:
    if isinstance(value, Decimal):
        raise _HasDecimal
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_plain_json = json.JSONEncoder(ensure_ascii=_ASCII_ONLY, default=_not_plain).encode


def _too_large() -> bytes:
    error = {
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    return json.dumps(error).encode()


# ---------------------------------------------------------------------------------------------- life


def run(lab: Lab, handler_name: str, names: Names) -> int:
    """The environment's life: init, then events until the lab goes away. `names` shows AWS's paths."""
    install_logging()
    try:
        handler = load_handler(handler_name)
    except Exception as error:
        refuse_to_start(lab, error, names)
        return 1
    flush()
    lab.send(READY)
    return serve(lab, handler, names)


def serve(lab: Lab, handler: Handler, names: Names) -> int:
    """Handle events until the lab goes away; gives the exit status."""
    environment = _context_of_environment()
    while (event := lab.next()) is not None:
        header, payload = event
        _handle(lab, handler, payload, header, environment, names)
    return 0


def refuse_to_start(lab: Lab, error: Exception, names: Names) -> None:
    """Tell that init failed."""
    told = error_object(error, "", names)
    _log_error(told)
    lab.send(INIT_ERROR, json.dumps(told).encode())


def _handle(
    lab: Lab,
    handler: Handler,
    event: bytes,
    header: dict[str, Any],
    environment: dict[str, str | None],
    names: Names,
) -> None:
    global _request_id
    _request_id = header["request_id"]
    if header.get("trace_id"):
        os.environ["_X_AMZN_TRACE_ID"] = header["trace_id"]
    try:
        answer = encode(handler(_decode(event), LambdaContext(header, environment)))
        kind = RESPONSE
    except Exception as error:
        told = error_object(error, _request_id, names)
        _log_error(told)
        kind, answer = ERROR, json.dumps(told, ensure_ascii=_ASCII_ONLY).encode("utf-8", "backslashreplace")
    if len(answer) > RESPONSE_BYTES:
        kind, answer = ERROR, _too_large()
    flush()
    lab.answer(kind, answer)


def _decode(event: bytes) -> Any:
    try:
        return json.loads(event)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
