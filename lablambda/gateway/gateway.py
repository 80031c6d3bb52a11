"""The HTTPS door as a whole."""

from __future__ import annotations

import asyncio

from lablambda.config import authority_dir
from lablambda.gateway.certificates import Authority
from lablambda.gateway.entrance import Entrance
from lablambda.gateway.function_urls import FunctionUrls
from lablambda.gateway.http_api import HttpApiDoor
from lablambda.gateway.listener import Listener
from lablambda.gateway.rest_api import RestApiDoor
from lablambda.gateway.websocket_api import WebSocketApiDoor
from lablambda.lab.house import House
from lablambda.model.http import HttpRequest, HttpResponse
from lablambda.rules.addresses import API, EVERY_ADDRESS, URL, Address


class Gateway:
    """Listens on `port` of the address `host`, with a certificate of the user's own authority."""

    def __init__(self, house: House, host: str, port: int) -> None:
        self._house = house
        self._folder = house.data / "https"
        self._apis = HttpApiDoor(house)
        self._rest = RestApiDoor(house)
        self._sockets = WebSocketApiDoor(house)
        endpoints = {URL: FunctionUrls(house).respond, API: self._respond}
        entrance = Entrance(
            endpoints, {API: self._sockets.serve}, house.touch, for_others=host == EVERY_ADDRESS
        )
        self._listener = Listener(entrance, host, port)

    async def open(self) -> None:
        """Listen from now on. Raises OSError."""
        files = await asyncio.to_thread(lambda: Authority(authority_dir()).issue(self._folder))
        await self._listener.open(files)

    async def close(self) -> None:
        await self._sockets.close()
        await self._listener.close()
        await self._apis.close()
        await self._rest.close()

    async def _respond(self, request: HttpRequest, address: Address) -> HttpResponse:
        """The answer of the API that is meant, by its kind."""
        api = self._house.http_apis.find(address.identity)
        if api is not None and api.is_websocket:
            return await self._sockets.respond(request, address)
        if self._house.rest_apis.find(address.identity) is not None:
            return await self._rest.respond(request, address)
        return await self._apis.respond(request, address)
