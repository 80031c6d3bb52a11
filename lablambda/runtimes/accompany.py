"""Starting what accompanies a runtime's process: the API that AWS serves inside an environment, and the
external extensions of the function's layers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from lablambda.execution.companions import Accompanied, Companions
from lablambda.execution.extensions import Extensions
from lablambda.execution.log_pipe import LogPipe
from lablambda.execution.platform_api import PlatformApi
from lablambda.execution.runtime_session import RuntimeSession
from lablambda.execution.supervisor import NotStarted, Process
from lablambda.execution.worker import Failed, Launch, Program, Runtime, Worker
from lablambda.rules.names import ACCOUNT
from lablambda.runtimes.kit import Kit


class WithExtensions:
    """A managed runtime; where a function's layers hold extensions, they accompany it."""

    def __init__(self, runtime: Runtime, kit: Kit) -> None:
        self.name = runtime.name
        self.version = runtime.version
        self.path = runtime.path
        self._runtime = runtime
        self._kit = kit

    async def warm(self, program: Program) -> None:
        await self._runtime.warm(program)

    async def start(self, launch: Launch) -> Worker:
        if not launch.program.extensions:
            return await self._runtime.start(launch)
        return await accompany(launch, self._kit, None, self._runtime.start)


async def accompany(
    launch: Launch,
    kit: Kit,
    session: RuntimeSession | None,
    start: Callable[[Launch], Awaitable[Worker]],
) -> Worker:
    """Start the API (with the Runtime API if there is a `session`), the extensions, and when they have
    registered, the runtime: its init may rely on them."""
    executables = launch.program.extensions
    extensions = Extensions(_facts(launch), [executable.name for executable in executables])
    api = PlatformApi(extensions, session, partial(kit.may_use, launch.owner))
    companions = Companions(api)
    try:
        await api.start()
        variables = {**launch.variables, "AWS_LAMBDA_RUNTIME_API": api.address}
        launch = replace(launch, variables=variables, shared=bool(executables))
        for executable in executables:
            process = await _start_extension(executable, launch, kit)
            companions.add(executable.name, process, LogPipe(process.log, launch.write_log))
        await extensions.registered()
        worker = await start(launch)
    except BaseException:
        await companions.end("FAILURE")
        raise
    worker.companions = companions
    if executables:
        worker.channel = Accompanied(worker.channel, extensions)
    return worker


async def _start_extension(executable: Path, launch: Launch, kit: Kit) -> Process:
    supervisor = await kit.spawner.ready()
    reach = kit.terms.reach(launch.program.code, launch.scratch)
    variables = launch.seen_by(reach).variables
    try:
        return await supervisor.spawn(
            [reach.seen(str(executable))], variables, channel=False, reach=reach, owner=launch.owner
        )
    except NotStarted as error:
        message = f"fork/exec /opt/extensions/{executable.name}: {str(error).lower()}"
        raise Failed("Extension.LaunchError", message) from None


def _facts(launch: Launch) -> dict[str, str]:
    """What an extension is told when it registers."""
    return {
        "functionName": launch.variables["AWS_LAMBDA_FUNCTION_NAME"],
        "functionVersion": launch.variables["AWS_LAMBDA_FUNCTION_VERSION"],
        "handler": launch.program.handler,
        "accountId": ACCOUNT,
    }
