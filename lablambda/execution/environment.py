"""One execution environment, from its first init to its end.

It keeps a folder for /tmp and a log stream of its own as long as it lives, and a runtime process that
may be replaced: after a timeout or a crash the environment is *reset*, and its next invocation begins
with a suppressed init. Which move is legal when is a table in `rules/lifecycle.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import shutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from lablambda.execution.channel import ChannelClosed, Kind, NotSent
from lablambda.execution.memory import peak_mb
from lablambda.execution.platform_logs import platform_log_of
from lablambda.execution.supervisor import exit_words
from lablambda.execution.variables import platform_variables
from lablambda.execution.watch import Allowance, Excess, Watch, Watched, clear
from lablambda.execution.worker import Conversation, Failed, Launch, Program, Runtime, Worker
from lablambda.model.function import Version
from lablambda.model.invocation import Invocation, Outcome, Report, too_large
from lablambda.rules import lifecycle, platform_log, platform_log_json
from lablambda.rules.lifecycle import Move, State
from lablambda.rules.limits import RESPONSE_BYTES, STREAMED_BYTES
from lablambda.rules.runtimes import substitution

WriteLog = Callable[[Version, str, str], None]  # version, stream, message
# The tail that a caller can ask for is 4 KB: more events than this never fit.
_TAIL_EVENTS = 4_096
# A process that closes its end is about to exit, and how it does is worth waiting for.
_EXIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run of the handler, or an init, ended. `payload` is the answer or the error's JSON."""

    payload: bytes
    status: str = "success"
    error_type: str = ""
    peak_mb: int = 0

    @property
    def failed(self) -> bool:
        return self.status != "success"


class InitFailed(Exception):
    """An init that no invocation waits for didn't end well; kind and message are its error's."""

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Environment:
    """One at a time: `invoke` is never called while another is under way."""

    def __init__(
        self,
        version: Version,
        runtime: Runtime,
        *,
        initialization: str,
        restores: bool = False,
        folder: Path,
        program: Program,
        access: Callable[[Version], Mapping[str, str]],
        write_log: WriteLog,
        watch: Watch,
        turn: Callable[[str], AbstractAsyncContextManager[None]],
    ) -> None:
        """`restores` is whether the runtime's processes come from a snapshot, so that there is no init; `turn` lets
        the functions of a host start processes one after the other."""
        self.version = version
        self.identity = uuid.uuid4().hex
        self.log_stream = platform_log.stream_name(
            time.strftime("%Y/%m/%d", time.gmtime()), version, self.identity
        )
        self.state = State.NEW
        self.peak_mb = 0
        self._runtime = runtime
        self._initialization = initialization
        self._restores = restores
        self._folder = folder / self.identity
        self._scratch = self._folder / "tmp"
        self._program = program
        self._access = access
        self._write_log = write_log
        self._watcher = watch
        self._turn = turn
        self._platform = platform_log_of(version, initialization, restores=restores)
        # Read once: every invocation's report has them.
        self._architecture, self._storage_mb = version.architecture, version.storage_mb
        self._least = version.logging.get("ApplicationLogLevel")
        self._tail: deque[str] = deque(maxlen=_TAIL_EVENTS)
        self._worker: Worker | None = None
        self._loop = asyncio.get_running_loop()

    # ------------------------------------------------------------------------------------ its life

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Handle one event: init first if there is no process, then the handler under its timeout."""
        self._tail.clear()
        init_ms: float | None = None
        ending: Ending | None = None
        fresh = self.state is State.NEW
        if fresh:
            began = time.perf_counter()
            ending = await self._first_init(invocation.request_id)
            init_ms = (time.perf_counter() - began) * 1000
            if ending is not None and ending.status == "timeout":
                # AWS runs a too slow init again, inside the invocation and under its timeout.
                ending, init_ms = None, None
        self._say(self._platform.start(invocation.request_id, self.version.number))
        began = time.perf_counter()
        if ending is None:
            ending = await self._run(invocation, fresh=fresh)
        duration_ms = (time.perf_counter() - began) * 1000
        return self._report(invocation, ending, duration_ms, init_ms)

    async def initialize(self) -> None:
        """Run the init phase ahead of any event, as provisioned concurrency does. Raises InitFailed."""
        ending = await self._first_init("")
        if ending is not None:
            self._move(Move.STOP)
            raise InitFailed(ending.error_type, _member(ending.payload, "errorMessage"))

    async def stop(self) -> None:
        """End the process and remove /tmp."""
        self._move(Move.STOP)
        await self._end_worker("SPINDOWN")
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    @property
    def usable(self) -> bool:
        return self.state in (State.NEW, State.IDLE, State.RESET)

    # ------------------------------------------------------------------------------------ init phase

    async def _first_init(self, request_id: str) -> Ending | None:
        """The init phase proper; None if it went well."""
        note = substitution(self.version.runtime, self._runtime.name)
        self._say(self._platform.init_start(self._runtime.name, self._runtime.version, note))
        began = time.perf_counter()
        limit_s = lifecycle.init_limit_s(self._initialization, self.version.timeout_s)
        if self._restores:
            limit_s = lifecycle.RESTORE_S
        ending = await self._init(limit_s, request_id)
        spent = (time.perf_counter() - began) * 1000
        status, error_type = ("success", "") if ending is None else (ending.status, ending.error_type)
        self._say(self._platform.init_end(spent, status=status, error_type=error_type))
        return ending

    async def _init(self, limit_s: float, request_id: str) -> Ending | None:
        """Start a process and wait until its code is loaded; None if it is ready."""
        self._move(Move.START)
        try:
            async with self._turn(self.version.name):
                deadline = self._loop.time() + limit_s  # waiting for the lab isn't the function's time
                async with asyncio.timeout_at(deadline):
                    self._worker = await self._runtime.start(self._launch())
            with self._watch(self._worker) as watched:
                kind, body = await self._worker.channel.receive(deadline)
        except TimeoutError:
            await self._reset("TIMEOUT")
            return Ending(b"", "timeout", "Sandbox.Timedout")
        except Failed as error:
            return await self._broken(request_id, error)
        except ChannelClosed:
            return await self._crashed(request_id, watched)
        except BaseException:
            await self._reset()
            raise
        if kind is Kind.READY:
            self._move(Move.READY)
            return None
        await self._reset()
        return Ending(body, "error", _error_type(body))

    @property
    def scratch(self) -> Path:
        """Its /tmp, which may be that of the process that it was forked from."""
        shared = None if self._worker is None else self._worker.scratch
        return shared or self._scratch

    @property
    def worker(self) -> Worker:
        """The process of an environment that has one."""
        assert self._worker is not None
        return self._worker

    def _launch(self) -> Launch:
        scratch = self._scratch
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        variables = platform_variables(
            self.version,
            self._program,
            log_stream=self.log_stream,
            initialization=self._initialization,
            scratch=str(scratch),
            access=self._access(self.version),
        )
        return Launch(self._program, scratch, variables, self._hear)

    # ---------------------------------------------------------------------------------- invoke phase

    async def _run(self, invocation: Invocation, *, fresh: bool) -> Ending:
        """Handle the event. `fresh` is whether the process was started for it."""
        limit_s = self.version.timeout_s
        deadline = self._loop.time() + limit_s
        if self.state is State.RESET:
            fresh = True
            ending = await self._init(limit_s, invocation.request_id)
            if ending is not None:
                return self._timed_out(invocation) if ending.status == "timeout" else ending
        self._move(Move.INVOKE)
        assert self._worker is not None
        worker = self._worker
        try:
            with self._watch(worker) as watched:
                await worker.channel.invoke(_header(invocation, limit_s), invocation.payload, deadline)
                kind, body = await worker.channel.receive(deadline)
                if kind is Kind.STREAM:
                    content_type = body.decode(errors="replace")
                    kind, body = await self._stream(worker.channel, invocation, content_type, deadline)
        except NotSent:
            if fresh:
                return await self._crashed(invocation.request_id, watched)
            await self._reset()  # it had ended while it was idle: the event can go to the next one
            return await self._run(invocation, fresh=False)
        except Failed as error:
            return await self._broken(invocation.request_id, error)
        except TimeoutError:
            self.peak_mb = max(self.peak_mb, peak_mb(worker.process.pid))
            await self._reset("TIMEOUT")
            return self._timed_out(invocation)
        except ChannelClosed:
            return await self._crashed(invocation.request_id, watched)
        except BaseException:
            await self._reset()
            raise
        worker.logs.drain()
        told_mb = math.ceil(int.from_bytes(body[:4], "big") / 1024)
        seen_mb = math.ceil(watched.peak / 2**20)
        self.peak_mb = max(self.peak_mb, seen_mb, told_mb or peak_mb(worker.process.pid))
        if kind is Kind.FATAL:
            await self._reset(after_s=_EXIT_S)
        else:
            self._move(Move.DONE)
        if kind is Kind.RESPONSE:
            return Ending(body[4:])
        return Ending(body[4:], "error", _error_type(body[4:]))

    def _watch(self, worker: Worker) -> Watched:
        allowance = Allowance(self.version.memory_mb, self._storage_mb, self.scratch)
        return self._watcher.watch(worker.process.pid, allowance, worker.process.kill)

    async def _stream(
        self, channel: Conversation, invocation: Invocation, content_type: str, deadline: float
    ) -> tuple[Kind, bytes]:
        """Pass a streamed answer on as it comes, or gather it for a caller who wants it whole."""
        gathered: list[bytes] = []
        size, most = 0, STREAMED_BYTES if invocation.sink else RESPONSE_BYTES
        async with asyncio.timeout_at(deadline):
            if invocation.sink is not None:
                await invocation.sink.begin(content_type, self.version.number)
            while (frame := await channel.receive(deadline))[0] is Kind.CHUNK:
                size += len(frame[1])
                if size > most:
                    continue
                if invocation.sink is None:
                    gathered.append(frame[1])
                else:
                    await invocation.sink.take(frame[1])
        peak, error = frame[1][:4], frame[1][4:]
        if size > most:
            error = error or too_large(most)
        if frame[0] is Kind.FATAL:
            return frame
        return (Kind.ERROR, peak + error) if error else (Kind.RESPONSE, b"".join([peak, *gathered]))

    def _timed_out(self, invocation: Invocation) -> Ending:
        message = f"RequestId: {invocation.request_id} Error: Task timed out after {self.version.timeout_s:.2f} seconds"
        return _failed("Sandbox.Timedout", message, status="timeout")

    async def _broken(self, request_id: str, error: Failed) -> Ending:
        await self._reset()
        return _failed(error.kind, f"RequestId: {request_id} Error: {error}")

    async def _crashed(self, request_id: str, watched: Watched) -> Ending:
        """The process ended: by itself, by a signal, or because it took too much of something."""
        status = await self._reset(after_s=_EXIT_S)
        kind = "Runtime.ExitError"
        if watched.excess is Excess.MEMORY:
            kind, self.peak_mb = "Runtime.OutOfMemory", self.version.memory_mb
        elif watched.excess is not None:
            self._log(f"LAMBDA_WARNING: The environment was ended: it had {watched.excess.value}.")
        if watched.excess is Excess.STORAGE:  # or there would be no room for whatever comes next
            await asyncio.to_thread(clear, watched.allowance.scratch)
        return _failed(kind, f"RequestId: {request_id} Error: {_exit_text(status)}")

    async def _reset(self, reason: str = "FAILURE", *, after_s: float = 0.0) -> int:
        self._move(Move.FAIL)
        return await self._end_worker(reason, after_s=after_s)

    async def _end_worker(self, reason: str, *, after_s: float = 0.0) -> int:
        worker, self._worker = self._worker, None
        return 0 if worker is None else await worker.end(reason, after_s=after_s)

    def _move(self, move: Move) -> None:
        # An environment that is being stopped stays stopped, whatever its last process does.
        if self.state is not State.STOPPED:
            self.state = lifecycle.after(self.state, move)

    # ----------------------------------------------------------------------------------------- words

    def _say(self, messages: list[str]) -> None:
        for message in messages:
            self._log(message)

    def _hear(self, message: str, *, record: bool) -> None:
        """What the process logs. A record's level was judged by the runtime's own logger."""
        if record or self._least is None or platform_log_json.lets_through(message, self._least):
            self._log(message)

    def _log(self, message: str) -> None:
        self._tail.append(message)
        self._write_log(self.version, self.log_stream, message)

    def _report(
        self, invocation: Invocation, ending: Ending, duration_ms: float, init_ms: float | None
    ) -> Outcome:
        report = Report(
            request_id=invocation.request_id,
            duration_ms=round(duration_ms, 2),
            billed_ms=platform_log.billed_ms(duration_ms, init_ms),
            memory_mb=self.version.memory_mb,
            max_memory_mb=self.peak_mb,
            init_ms=None if init_ms is None or self._restores else round(init_ms, 2),
            restore_ms=round(init_ms, 2) if init_ms is not None and self._restores else None,
            status=ending.status,
            error_type=ending.error_type,
            architecture=self._architecture,
            storage_mb=self._storage_mb,
        )
        self._say(self._platform.end(report, len(ending.payload)))
        return Outcome(
            payload=ending.payload,
            report=report,
            executed_version=self.version.number,
            function_error="Unhandled" if ending.failed else None,
            log=tuple(self._tail),
        )


def _header(invocation: Invocation, limit_s: float) -> dict[str, object]:
    header: dict[str, object] = {
        "request_id": invocation.request_id,
        "arn": invocation.arn,
        "deadline_ms": int((time.time() + limit_s) * 1000),
    }
    if invocation.client_context:
        header["client_context"] = invocation.client_context
    if invocation.trace_id:
        header["trace_id"] = invocation.trace_id
    return header


def _failed(kind: str, message: str, *, status: str = "error") -> Ending:
    """An ending that the platform tells, not the function."""
    return Ending(json.dumps({"errorType": kind, "errorMessage": message}).encode(), status, kind)


def _error_type(body: bytes) -> str:
    return _member(body, "errorType")


def _member(error: bytes, name: str) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(error).get(name, ""))
    return ""


def _exit_text(status: int) -> str:
    if status == 0:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: {exit_words(status)}"
