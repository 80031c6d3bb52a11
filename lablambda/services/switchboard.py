"""Several backends, each for services of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from lablambda.services.backend import ServiceRequest, ServiceResponse, Services


class Switchboard:
    """`others` answer for services by name, `default` for all that aren't among them."""

    def __init__(self, default: Services, others: Mapping[str, Services]) -> None:
        self._default = default
        self._others = others

    def wakes(self, service: str) -> bool:
        return self._backend(service).wakes(service)

    async def resume(self) -> None:
        for backend in self._all():
            await backend.resume()

    async def forward(self, request: ServiceRequest) -> ServiceResponse:
        return await self._backend(request.service).forward(request)

    def status(self) -> dict[str, str]:
        others = {name: backend.status()["backend"] for name, backend in self._others.items()}
        return self._default.status() | others

    async def close(self) -> None:
        await asyncio.gather(*(backend.close() for backend in self._all()))

    def _backend(self, service: str | None) -> Services:
        return self._others.get(service or "", self._default)

    def _all(self) -> list[Services]:
        return [self._default, *self._others.values()]
