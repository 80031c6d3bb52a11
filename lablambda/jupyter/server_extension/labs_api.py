"""What the panel asks that takes Python to say: which labs there are, a function's sources and addresses, samples."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from lablambda.attachments import sources_in_words
from lablambda.client import Lab
from lablambda.config import ConfigError, check_name
from lablambda.jupyter.server_extension.api import RESOURCE
from lablambda.jupyter.server_extension.clients import Clients, lab_names, usual_lab
from lablambda.launch import find_or_start
from lablambda.samples import SAMPLES, sample


class LabsHandler(APIHandler):
    """`lablambda/labs`: the labs that run, and the usual one. POST of a name starts that lab if need be."""

    auth_resource = RESOURCE

    @authenticated
    @authorized
    async def get(self) -> None:
        await self.finish({"labs": lab_names(), "usual": usual_lab()})

    @authenticated
    @authorized
    async def post(self) -> None:
        wanted: Any = self.get_json_body()
        try:
            name = check_name(str(wanted["name"]))
            await asyncio.to_thread(find_or_start, name)
        except (TypeError, KeyError):
            raise HTTPError(400, 'Send {"name": "..."}.') from None
        except ConfigError as error:
            raise HTTPError(503, str(error)) from None
        await self.finish({"name": name})


class FunctionHandler(APIHandler):
    """`lablambda/labs/LAB/functions/NAME`: the function's sources in words, and its addresses."""

    auth_resource = RESOURCE

    def initialize(self, clients: Clients) -> None:
        self._clients = clients

    @authenticated
    @authorized
    async def get(self, lab: str, function: str) -> None:
        found = self._clients.lab(unquote(lab))
        await self.finish(await asyncio.to_thread(_surroundings, found, unquote(function)))


def _surroundings(lab: Lab, function: str) -> dict[str, Any]:
    endpoints = lab.routes(function)
    return {
        "sources": sources_in_words(lab.client, function),
        "endpoints": [{**asdict(each), "link": each.link, "curl": each.curl} for each in endpoints],
    }


class SamplesHandler(APIHandler):
    """`lablambda/labs/LAB/samples`: an event of each source, as of the lab's clock."""

    auth_resource = RESOURCE

    def initialize(self, clients: Clients) -> None:
        self._clients = clients

    @authenticated
    @authorized
    async def get(self, lab: str) -> None:
        clock = self._clients.lab(unquote(lab)).clock
        now = await asyncio.to_thread(lambda: clock.now)
        await self.finish({"samples": {kind: sample(kind, now) for kind in SAMPLES}})
