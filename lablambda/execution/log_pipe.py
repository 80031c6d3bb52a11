"""An environment's standard output and error, cut into log events.

A line is an event. A record that the runtime marked (see `runtimes/python/bootstrap.py`) is one event
whatever it holds. Everything is read in order; `drain` reads what is there already, so that what a
handler wrote before it answered is in the log before END.

Who writes without end is read no faster than the lab can bear: it waits, as for any pipe that is full, and
others don't.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import termios
from typing import Protocol

from lablambda.rules.limits import LOG_EVENT_BYTES

RECORD_MARK = b"\xf5\x00\xffR"
_HEAD = len(RECORD_MARK) + 4
_CHUNK = 1 << 16
# What is told to be longer is no record of the runtime's.
_MOST_RECORD = 16 << 20
_BURST, _BYTES_PER_S = 16 << 20, 2 << 20


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
        self._left: float = _BURST  # of what may be read now, as of `_since`
        self._since = self._loop.time()
        self._paused: asyncio.TimerHandle | None = None
        self._loop.add_reader(descriptor, self._wake)

    def drain(self) -> None:
        """Read all that is in the pipe now, and end a last line that has no newline."""
        waiting = self._waiting()
        while waiting > 0 and (count := self._read_some()):
            waiting -= count
        if self._buffer and not self._buffer.startswith(RECORD_MARK):
            self._emit(self._buffer)
            self._buffer = b""

    def close(self) -> None:
        self.drain()
        if self._descriptor >= 0:
            self._stop_reading()

    def _stop_reading(self) -> None:
        if self._paused is None:
            self._loop.remove_reader(self._descriptor)
        else:
            self._paused.cancel()
        os.close(self._descriptor)
        self._descriptor = -1

    def _wake(self) -> None:
        self._left -= self._read_some()
        if self._left >= 0 or self._descriptor < 0:
            return
        now = self._loop.time()
        self._left = min(_BURST, self._left + (now - self._since) * _BYTES_PER_S)
        self._since = now
        if self._left < 0:
            self._loop.remove_reader(self._descriptor)
            self._paused = self._loop.call_later(-self._left / _BYTES_PER_S, self._go_on)

    def _go_on(self) -> None:
        self._paused = None
        self._loop.add_reader(self._descriptor, self._wake)

    def _waiting(self) -> int:
        """How many bytes are in the pipe. Not until it is empty: a thread may be filling it all the time."""
        count = array.array("i", [0])
        if self._descriptor >= 0:
            fcntl.ioctl(self._descriptor, termios.FIONREAD, count)
        return count[0]

    def _read_some(self) -> int:
        """Give on what a look at the pipe brings; how many bytes that were."""
        if self._descriptor < 0:
            return 0
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return 0
        if not data:  # every writer is gone
            self._stop_reading()
            return 0
        self._buffer = self._cut(self._buffer + data)
        return len(data)

    def _cut(self, data: bytes) -> bytes:
        """Emit every whole event at the front of `data`; return the rest."""
        # The next mark is looked for once a record, not once a line: in a flood that was nearly all the work.
        start, mark = 0, data.find(RECORD_MARK)
        while start < len(data):
            if 0 <= mark < start:
                mark = data.find(RECORD_MARK, start)
            if mark == start:
                size = int.from_bytes(data[start + len(RECORD_MARK) : start + _HEAD], "big")
                end = start + _HEAD + min(size, _MOST_RECORD)
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
