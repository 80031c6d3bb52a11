"""What all parts of an API have in common: to be created, read, listed, updated and deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lablambda.api.identities import new_part_id
from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import ResourceNotFound, ValidationFailed
from lablambda.model.http_api import HttpApi, Part
from lablambda.rules.deployments import auto_deployed

Result = Mapping[str, Any]
Handler = Callable[[House, Parameters], Awaitable[Result]]
_PAGE = 100


def _as_they_are(_: HttpApi, __: str, members: Members) -> Members:
    return members


def _nobody_uses_it(_: HttpApi, __: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class PartRules:
    """What is particular to one kind of part. `checked` gives the members to keep for an id, or raises what is wrong
    with them; `check_unused` raises if the part can't be deleted; `within` is the kind of part that it belongs to."""

    part: Part
    checked: Callable[[HttpApi, str, Members], Members] = _as_they_are
    check_unused: Callable[[HttpApi, str], None] = _nobody_uses_it
    within: Part | None = None

    @property
    def identity(self) -> str:
        return f"{self.part}Id"


async def save(house: House, api: HttpApi) -> HttpApi:
    """Keep a changed API, and have its stages that do so deploy it."""
    changed = auto_deployed(api, new_part_id, house.clock.now())
    await house.http_apis.save(changed)
    return changed


def part_of(api: HttpApi, part: Part, identity: str) -> Members:
    """Raises ResourceNotFound."""
    found = api.all(part).get(identity)
    if found is None:
        raise ResourceNotFound(f"Unable to find {part} by id {identity} within the provided Api")
    return found


def operations(rules: PartRules) -> dict[str, Handler]:
    """The five operations on parts of a kind."""
    noun = rules.part

    async def create(house: House, p: Parameters) -> Result:
        api = house.http_apis.api(p["ApiId"])
        _check_parent(api, rules, p)
        identity = new_part_id()
        members = rules.checked(api, identity, {**_given(p), rules.identity: identity})
        await save(house, api.with_part(noun, identity, members))
        return members

    async def get(house: House, p: Parameters) -> Result:
        return part_of(house.http_apis.api(p["ApiId"]), noun, p[rules.identity])

    async def get_all(house: House, p: Parameters) -> Result:
        api = house.http_apis.api(p["ApiId"])
        parent = f"{rules.within}Id"
        items = [m for m in api.all(noun).values() if rules.within is None or m[parent] == p[parent]]
        return paged(items, p)

    async def update(house: House, p: Parameters) -> Result:
        api = house.http_apis.api(p["ApiId"])
        members = {**part_of(api, noun, p[rules.identity]), **_given(p)}
        members = dict(rules.checked(api, p[rules.identity], members))
        await save(house, api.with_part(noun, p[rules.identity], members))
        return members

    async def delete(house: House, p: Parameters) -> Result:
        api = house.http_apis.api(p["ApiId"])
        part_of(api, noun, p[rules.identity])
        rules.check_unused(api, p[rules.identity])
        await save(house, api.with_part(noun, p[rules.identity], None))
        return {}

    return {
        f"Create{noun}": create,
        f"Get{noun}": get,
        f"Get{noun}s": get_all,
        f"Update{noun}": update,
        f"Delete{noun}": delete,
    }


def paged(items: list[Members], p: Parameters) -> Result:
    """A page of a list, as MaxResults and NextToken ask for it."""
    text = p.get("MaxResults") or str(_PAGE)
    if not text.isdecimal() or not int(text):
        raise ValidationFailed("Invalid maxResults: a number from 1 is expected")
    page, token = numbered_page(items, p.get("NextToken"), int(text))
    return {"Items": page, "NextToken": token}


def _given(p: Parameters) -> dict[str, Any]:
    return {name: value for name, value in p.items() if name != "ApiId" and not name.startswith("_")}


def _check_parent(api: HttpApi, rules: PartRules, p: Parameters) -> None:
    if rules.within is not None:
        part_of(api, rules.within, p[f"{rules.within}Id"])
