"""What the operations have in common: to find, to list, and the simple parts of an API as a kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lablambda.api.apigateway.patches import patched
from lablambda.api.identities import new_part_id
from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.errors import ResourceNotFound, ValidationFailed
from lablambda.model.rest_api import RestApi, RestPart

Result = Mapping[str, Any]
Handler = Callable[[House, Parameters], Awaitable[Result]]
_PAGE, _MOST = 25, 500
_WORDS = {RestPart.REQUEST_VALIDATOR: "Request Validator", RestPart.MODEL: "Model"}


def _nobody_uses_it(_: RestApi, __: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class PartRules:
    """What is particular to one kind of part. `checked` gives the members to keep for an id, or raises what is wrong
    with them; `check_unused` raises if the part can't be deleted; `named` is whether its name is its id."""

    part: RestPart
    checked: Callable[[RestApi, str, Members], Members]
    check_unused: Callable[[RestApi, str], None] = _nobody_uses_it
    named: bool = False

    @property
    def parameter(self) -> str:
        """That which says the id."""
        return f"{self.part[:1].lower()}{self.part[1:]}{'Name' if self.named else 'Id'}"


def part_of(api: RestApi, part: RestPart, identity: str) -> Members:
    """Raises ResourceNotFound."""
    found = api.all(part).get(identity)
    if found is None:
        raise ResourceNotFound(f"Invalid {_WORDS.get(part, part)} identifier specified")
    return found


def given(p: Parameters, *without: str) -> dict[str, Any]:
    """The parameters that are members."""
    return {
        name: value
        for name, value in p.items()
        if name not in ("restApiId", *without) and not name.startswith("_")
    }


def paged(items: Sequence[Members], p: Parameters) -> Result:
    """A page of a list, as `limit` and `position` ask for it."""
    most = p.get("limit", _PAGE)
    if not 1 <= most <= _MOST:
        raise ValidationFailed(f"Invalid limit: a number from 1 to {_MOST} is expected")
    page, position = numbered_page(items, p.get("position"), most)
    return {"items": page, "position": position}


def operations(rules: PartRules) -> dict[str, Handler]:
    """The five operations on parts of a kind."""
    noun = rules.part

    async def create(house: House, p: Parameters) -> Result:
        api = house.rest_apis.api(p["restApiId"])
        members = {"id": new_part_id(), **given(p)}
        identity = members["name"] if rules.named else members["id"]
        members = dict(rules.checked(api, identity, members))
        await house.rest_apis.save(api.with_part(noun, identity, members))
        return members

    async def get(house: House, p: Parameters) -> Result:
        return part_of(house.rest_apis.api(p["restApiId"]), noun, p[rules.parameter])

    async def get_all(house: House, p: Parameters) -> Result:
        return paged(list(house.rest_apis.api(p["restApiId"]).all(noun).values()), p)

    async def update(house: House, p: Parameters) -> Result:
        api, identity = house.rest_apis.api(p["restApiId"]), p[rules.parameter]
        members = patched(noun, part_of(api, noun, identity), p)
        members = dict(rules.checked(api.with_part(noun, identity, None), identity, members))
        await house.rest_apis.save(api.with_part(noun, identity, members))
        return members

    async def delete(house: House, p: Parameters) -> Result:
        api, identity = house.rest_apis.api(p["restApiId"]), p[rules.parameter]
        part_of(api, noun, identity)
        rules.check_unused(api, identity)
        await house.rest_apis.save(api.with_part(noun, identity, None))
        return {}

    return {
        f"Create{noun}": create,
        f"Get{noun}": get,
        f"Get{noun}s": get_all,
        f"Update{noun}": update,
        f"Delete{noun}": delete,
    }
