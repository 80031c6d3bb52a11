"""The HTTPS door is opened when a lab has its first endpoint: what it needs takes 150 ms and 40 MiB to load."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from lablambda.config import CA_BUNDLE, authority_dir
from lablambda.gateway.ports import held_port
from lablambda.lab.house import House
from lablambda.model.function import Setting

if TYPE_CHECKING:
    from lablambda.gateway.gateway import Gateway


class GatewayOnDemand:
    """Will listen on `port` of the address `host`, and keeps it from others until then. Raises OSError if it is in
    use."""

    def __init__(self, house: House, host: str, port: int) -> None:
        self._house = house
        self._host, self._port = host, port
        self._held = held_port(port, host)
        self._opening = asyncio.Lock()
        self._gateway: Gateway | None = None

    async def resume(self) -> None:
        """Open it if there are endpoints already. The user's authority is made in any case, for `lablambda env` names
        its files."""
        functions, apis = self._house.catalog.functions(), self._house.http_apis.apis()
        if (
            apis
            or self._house.rest_apis.apis()
            or any(f.settings.get(Setting.FUNCTION_URL) for f in functions)
        ):
            await self.open()
        elif not (authority_dir() / CA_BUNDLE).exists():
            await asyncio.to_thread(_make_authority)

    async def open(self) -> None:
        """Listen from now on. Raises OSError."""
        async with self._opening:
            if self._gateway is None:
                module = await asyncio.to_thread(importlib.import_module, "lablambda.gateway.gateway")
                gateway: Gateway = module.Gateway(self._house, self._host, self._port)
                self._held.close()
                await gateway.open()
                self._gateway = gateway

    async def close(self) -> None:
        self._held.close()
        if self._gateway is not None:
            await self._gateway.close()


def _make_authority() -> None:
    from lablambda.gateway.certificates import Authority

    Authority(authority_dir())
