"""The lab's HTTP and WebSocket APIs: in memory for reading, on disk before a change is answered."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from lablambda.model.errors import ResourceNotFound
from lablambda.model.http_api import HttpApi, Part
from lablambda.storage.journal import Journal

SCHEMA = "CREATE TABLE IF NOT EXISTS http_api (identity TEXT PRIMARY KEY, body TEXT);"


class HttpApis:
    """`changed` is told of an API's stages whenever the API has changed."""

    def __init__(self, journal: Journal, changed: Callable[[str, Collection[str]], None]) -> None:
        self._journal = journal
        self._changed = changed
        rows = journal.read_now("SELECT body FROM http_api")
        read = (msgspec.json.decode(body, type=HttpApi) for (body,) in rows)
        self._apis = {api.identity: api for api in read}

    def apis(self) -> list[HttpApi]:
        """All, by id."""
        return [self._apis[identity] for identity in sorted(self._apis)]

    def find(self, identity: str) -> HttpApi | None:
        return self._apis.get(identity)

    def api(self, identity: str) -> HttpApi:
        """Raises ResourceNotFound."""
        found = self.find(identity)
        if found is None:
            raise ResourceNotFound(f"Invalid API identifier specified 000000000000:{identity}")
        return found

    async def save(self, api: HttpApi) -> None:
        """Make `api` the API of its id. A caller that reads, changes and saves without awaiting in between can't lose
        another's change."""
        self._apis[api.identity] = api
        self._changed(api.identity, api.all(Part.STAGE))
        row = (api.identity, msgspec.json.encode(api).decode())
        await self._journal.write("INSERT OR REPLACE INTO http_api (identity, body) VALUES (?, ?)", [row])

    async def remove(self, api: HttpApi) -> None:
        del self._apis[api.identity]
        self._changed(api.identity, ())
        await self._journal.write("DELETE FROM http_api WHERE identity = ?", [(api.identity,)])
