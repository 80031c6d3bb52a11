"""An environment's standard output and error, cut into log events.

A line is an event. A record that the runtime marked (see `runtimes/python/bootstrap.py`) is one event
whatever it holds. Everything is read in order; `drain` reads what is there already, so that what a
handler wrote before it answered is in the log before END.
"""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

from lablambda.rules.limits import LOG_EVENT_BYTES

RECORD_MARK = b"\xf5\x00\xffR"
_HEAD = len(RECORD_MARK) + 4
_CHUNK = 1 << 16


class WriteEvent(Protocol):
    """Takes one log event; `record` is whether the runtime marked it as a record."""

    def __call__(self, message: str, *, record: bool) -> None: ...


class LogPipe:
    """Reads the pipe `descriptor` (owned from now on) and gives each event to `write`."""

    def __init__(self, descriptor: int, write: WriteEvent) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._write = write
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read_some)

    def drain(self) -> None:
        """Read all that is in the pipe now, and end a last line that has no newline."""
        while self._read_some():
            pass
        if self._buffer and not self._buffer.startswith(RECORD_MARK):
            self._emit(self._buffer)
            self._buffer = b""

    def close(self) -> None:
        self.drain()
        if self._descriptor >= 0:
            self._stop_reading()

    def _stop_reading(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1

    def _read_some(self) -> bool:
        if self._descriptor < 0:
            return False
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:  # every writer is gone
            self._stop_reading()
            return False
        self._buffer = self._cut(self._buffer + data)
        return True

    def _cut(self, data: bytes) -> bytes:
        """Emit every whole event at the front of `data`; return the rest."""
        # The next mark is looked for once a record, not once a line: in a flood that was nearly all the work.
        start, mark = 0, data.find(RECORD_MARK)
        while start < len(data):
            if 0 <= mark < start:
                mark = data.find(RECORD_MARK, start)
            if mark == start:
                size = int.from_bytes(data[start + len(RECORD_MARK) : start + _HEAD], "big")
                end = start + _HEAD + size
                if len(data) < start + _HEAD or len(data) < end:
                    break
                self._emit(data[start + _HEAD : end], record=True)
            else:
                newline = data.find(b"\n", start)
                if newline < 0 and mark < 0:
                    if len(data) - start < LOG_EVENT_BYTES:
                        break
                    end = start + LOG_EVENT_BYTES
                    self._emit(data[start:end])
                elif mark >= 0 and (newline < 0 or mark < newline):
                    end = mark
                    self._emit(data[start:end])
                else:
                    end = newline + 1
                    self._emit(data[start:newline])
            start = end
        return data[start:]

    def _emit(self, data: bytes, *, record: bool = False) -> None:
        self._write(data[:LOG_EVENT_BYTES].decode("utf-8", "replace"), record=record)
