"""The runtimes `provided.*`: whatever the package's bootstrap is, it asks the Runtime API for events."""

from __future__ import annotations

from pathlib import Path

from lablambda.execution.log_pipe import LogPipe
from lablambda.execution.runtime_session import RuntimeSession
from lablambda.execution.supervisor import NotStarted
from lablambda.execution.worker import InvalidEntrypoint, Launch, Program, Worker
from lablambda.runtimes.accompany import accompany
from lablambda.runtimes.kit import Kit


class CustomRuntime:
    """Runs any bootstrap; there is nothing to get ready for it."""

    name = "provided.al2023"
    version = "al2023"
    path = ""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def warm(self, program: Program) -> None:  # noqa: ARG002 - every program is another
        await self._kit.spawner.ready()

    async def start(self, launch: Launch) -> Worker:
        session = RuntimeSession()

        async def start_bootstrap(launch: Launch) -> Worker:
            supervisor = await self._kit.spawner.ready()
            bootstrap, shown = _bootstrap(launch.program)
            reach = self._kit.terms.reach(launch.program.code, launch.scratch)
            seen = launch.seen_by(reach)
            try:
                process = await supervisor.spawn(
                    [reach.seen(str(bootstrap))],
                    seen.variables,
                    folder=str(seen.program.task),
                    channel=False,
                    reach=reach,
                    owner=launch.owner,
                )
            except NotStarted as error:
                raise InvalidEntrypoint(f"fork/exec {shown}: {str(error).lower()}") from None
            process.exited.add_done_callback(lambda _: session.no_more())
            return Worker(process, session, LogPipe(process.log, launch.write_log))

        return await accompany(launch, self._kit, session, start_bootstrap)


async def find(kit: Kit) -> list[CustomRuntime]:
    return [CustomRuntime(kit)]


def _bootstrap(program: Program) -> tuple[Path, str]:
    """The program's bootstrap, and its path as AWS shows it. Raises InvalidEntrypoint if there is none."""
    places = {"/var/task/bootstrap": program.task, "/opt/bootstrap": program.layers}
    for shown, folder in places.items():
        if folder is not None and (folder / "bootstrap").is_file():
            return folder / "bootstrap", shown
    raise InvalidEntrypoint(f"Couldn't find valid bootstrap(s): [{' '.join(places)}]")
