"""The HTTPS door as a whole: opened when the lab has its first endpoint."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from lablambda.config import CA_BUNDLE
from lablambda.gateway.entrance import Entrance
from lablambda.gateway.function_urls import FunctionUrls
from lablambda.gateway.listener import Listener
from lablambda.lab.house import House
from lablambda.model.function import Setting
from lablambda.rules.addresses import URL

if TYPE_CHECKING:
    from lablambda.gateway.certificates import ServerFiles


class Gateway:
    """Listens on `port`, with a certificate of the user's authority in the folder `authority`."""

    def __init__(self, house: House, port: int, authority: Path) -> None:
        self._house = house
        self._authority = authority
        entrance = Entrance({URL: FunctionUrls(house).respond}, house.touch)
        self._listener = Listener(entrance, port)
        self._opening = asyncio.Lock()
        self._open = False

    async def resume(self) -> None:
        """Open it if there are endpoints already. The user's authority is made anyway: `lablambda env` names it."""
        if not (self._authority / CA_BUNDLE).exists():
            await asyncio.to_thread(self._certificate)
        if any(function.settings.get(Setting.FUNCTION_URL) for function in self._house.catalog.functions()):
            await self.open()

    async def open(self) -> None:
        """Listen from now on. Raises OSError."""
        async with self._opening:
            if not self._open:
                await self._listener.open(await asyncio.to_thread(self._certificate))
                self._open = True

    def _certificate(self) -> ServerFiles:
        # Takes 30 ms and 9 MiB to import: only a lab with endpoints does.
        from lablambda.gateway.certificates import Authority

        return Authority(self._authority).issue(self._house.data / "https")

    async def close(self) -> None:
        await self._listener.close()
