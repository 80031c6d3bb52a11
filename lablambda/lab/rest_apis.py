"""The lab's REST APIs, API keys and usage plans: in memory for reading, on disk before a change is answered."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from lablambda.model.api import Members
from lablambda.model.errors import ResourceNotFound
from lablambda.model.rest_api import ApiKey, RestApi, Usage, UsagePlan
from lablambda.storage.journal import Journal

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS rest_api (kind TEXT, identity TEXT, body TEXT, PRIMARY KEY (kind, identity));"
)
_PUT = "INSERT OR REPLACE INTO rest_api (kind, identity, body) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM rest_api WHERE kind = ? AND identity = ?"
_API, _KEY, _PLAN, _USAGE, _ACCOUNT = "api", "key", "plan", "usage", "account"
_KINDS: dict[str, Any] = {_API: RestApi, _KEY: ApiKey, _PLAN: UsagePlan, _USAGE: Usage, _ACCOUNT: dict}
_NO_USAGE = Usage({}, {})


class RestApis:
    """A caller that reads, changes and saves without awaiting in between can't lose another's change."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        found: dict[str, dict[str, Any]] = {kind: {} for kind in _KINDS}
        for kind, identity, body in journal.read_now("SELECT kind, identity, body FROM rest_api"):
            found[kind][identity] = msgspec.json.decode(body, type=_KINDS[kind])
        self._apis: dict[str, RestApi] = found[_API]
        self._keys: dict[str, ApiKey] = found[_KEY]
        self._plans: dict[str, UsagePlan] = found[_PLAN]
        self._usages: dict[str, Usage] = found[_USAGE]
        self.account: Members = found[_ACCOUNT].get(_ACCOUNT, {})
        self._flushed: Counter[tuple[str, str]] = Counter()
        self._by_value = {key.value: key for key in self._keys.values()}

    # -------------------------------------------------------------------------------------------- APIs

    def apis(self) -> list[RestApi]:
        """All, by id."""
        return [self._apis[identity] for identity in sorted(self._apis)]

    def find(self, identity: str) -> RestApi | None:
        return self._apis.get(identity)

    def api(self, identity: str) -> RestApi:
        """Raises ResourceNotFound."""
        found = self.find(identity)
        if found is None:
            raise ResourceNotFound(f"Invalid API identifier specified 000000000000:{identity}")
        return found

    async def save(self, api: RestApi) -> None:
        self._apis[api.identity] = api
        await self._put(_API, api.identity, api)

    async def remove(self, api: RestApi) -> None:
        del self._apis[api.identity]
        await self._delete(_API, api.identity)

    def flush(self, api_id: str, stage: str) -> None:
        """Have what authorizers said of a stage forgotten."""
        self._flushed[api_id, stage] += 1

    def flushed(self, api_id: str, stage: str) -> int:
        """How often that was done."""
        return self._flushed[api_id, stage]

    async def save_account(self, members: Members) -> None:
        self.account = members
        await self._put(_ACCOUNT, _ACCOUNT, members)

    # ---------------------------------------------------------------------------------------- API keys

    def all_keys(self) -> list[ApiKey]:
        """All, by id."""
        return [self._keys[identity] for identity in sorted(self._keys)]

    def key(self, identity: str) -> ApiKey:
        """Raises ResourceNotFound."""
        if identity not in self._keys:
            raise ResourceNotFound("Invalid API Key identifier specified")
        return self._keys[identity]

    def key_of(self, value: str) -> ApiKey | None:
        """The key that clients send as `value`."""
        return self._by_value.get(value)

    async def save_key(self, key: ApiKey) -> None:
        self._keys[key.identity] = key
        self._by_value[key.value] = key
        await self._put(_KEY, key.identity, key)

    async def remove_key(self, key: ApiKey) -> None:
        del self._keys[key.identity], self._by_value[key.value]
        await self._delete(_KEY, key.identity)

    # ----------------------------------------------------------------------------------------- plans

    def plans(self) -> list[UsagePlan]:
        """All, by id."""
        return [self._plans[identity] for identity in sorted(self._plans)]

    def plan(self, identity: str) -> UsagePlan:
        """Raises ResourceNotFound."""
        if identity not in self._plans:
            raise ResourceNotFound("Invalid Usage Plan ID specified")
        return self._plans[identity]

    async def save_plan(self, plan: UsagePlan) -> None:
        self._plans[plan.identity] = plan
        await self._put(_PLAN, plan.identity, plan)

    async def remove_plan(self, plan: UsagePlan) -> None:
        del self._plans[plan.identity]
        await self._delete(_PLAN, plan.identity)

    # ----------------------------------------------------------------------------------------- usage

    def usage(self, plan: str, key: str) -> Usage:
        return self._usages.get(f"{plan}:{key}", _NO_USAGE)

    def note_usage(self, plan: str, key: str, usage: Usage) -> None:
        """Nobody waits for the disk: a machine that goes down may forget the last requests."""
        identity = f"{plan}:{key}"
        self._usages[identity] = usage
        self._journal.write_soon(_PUT, [(_USAGE, identity, msgspec.json.encode(usage).decode())])

    # ------------------------------------------------------------------------------------------- disk

    async def _put(self, kind: str, identity: str, noun: object) -> None:
        await self._journal.write(_PUT, [(kind, identity, msgspec.json.encode(noun).decode())])

    async def _delete(self, kind: str, identity: str) -> None:
        await self._journal.write(_DELETE, [(kind, identity)])
