"""Function URLs: their configuration."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lablambda.api.lambda_api.references import reference, unqualified
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import ResourceConflict, ResourceNotFound
from lablambda.model.function import Function, Setting
from lablambda.rules.addresses import url_id
from lablambda.rules.names import REGION, function_arn

Result = Mapping[str, Any]
_MEMBERS = ("AuthType", "Cors", "InvokeMode")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ABSENT = "The resource you requested does not exist."


async def create_function_url_config(house: House, p: Parameters) -> Result:
    function, qualifier = _target(house, p)
    if function.setting(Setting.FUNCTION_URL, qualifier) is not None:
        raise ResourceConflict(
            f"Failed to create function url config for [functionArn = {function_arn(function.name, qualifier)}]. "
            f"Error message:  FunctionUrlConfig exists for this Lambda function"
        )
    identity = "".join(secrets.choice(_ALPHABET) for _ in range(32))
    members = {
        **_given(p),
        "FunctionUrl": f"https://{identity}.lambda-url.{REGION}.on.aws/",
        "CreationTime": _now(),
    }
    saved = await _save(house, function, qualifier, members)
    await house.serve_https()
    return {name: value for name, value in saved.items() if name != "LastModifiedTime"}


async def update_function_url_config(house: House, p: Parameters) -> Result:
    function, qualifier = _target(house, p)
    members = {**_current(function, qualifier), **_given(p)}
    return await _save(house, function, qualifier, members)


async def get_function_url_config(house: House, p: Parameters) -> Result:
    function, qualifier = _configured(house, p)
    return _described(house, function, qualifier)


async def delete_function_url_config(house: House, p: Parameters) -> Result:
    function, qualifier = _configured(house, p)
    await house.catalog.save(function.with_setting(Setting.FUNCTION_URL, qualifier, None))
    return {"_status": 204}


async def list_function_url_configs(house: House, p: Parameters) -> Result:
    function = house.catalog.find(unqualified(p).name)
    if function is None:
        raise ResourceNotFound("Function does not exist")
    chosen, marker = page(sorted(function.settings.get(Setting.FUNCTION_URL, {})), p, str)
    return {"FunctionUrlConfigs": [_described(house, function, q) for q in chosen], "NextMarker": marker}


def _target(house: House, p: Parameters) -> tuple[Function, str]:
    named = reference(p)
    function = house.catalog.find(named.name)
    if function is None or not function.has(named.qualifier):
        raise ResourceNotFound("Function does not exist")
    return function, named.qualifier or ""


def _configured(house: House, p: Parameters) -> tuple[Function, str]:
    named = reference(p)
    function, qualifier = house.catalog.find(named.name), named.qualifier or ""
    if function is None:
        raise ResourceNotFound(_ABSENT)
    _current(function, qualifier)
    return function, qualifier


def _current(function: Function, qualifier: str) -> Mapping[str, Any]:
    members = function.setting(Setting.FUNCTION_URL, qualifier)
    if members is None:
        raise ResourceNotFound(_ABSENT)
    return members


def _given(p: Parameters) -> dict[str, Any]:
    return {name: p[name] for name in _MEMBERS if p.get(name) is not None}


async def _save(
    house: House, function: Function, qualifier: str, members: Mapping[str, Any]
) -> dict[str, Any]:
    changed = function.with_setting(Setting.FUNCTION_URL, qualifier, {**members, "LastModifiedTime": _now()})
    await house.catalog.save(changed)
    return _told(house, changed, qualifier)


def _described(house: House, function: Function, qualifier: str) -> dict[str, Any]:
    return {"InvokeMode": "BUFFERED", **_told(house, function, qualifier)}


def _told(house: House, function: Function, qualifier: str) -> dict[str, Any]:
    """Recorded from AWS: a change's answer says nothing of a mode that was never given."""
    members = _current(function, qualifier)
    return {
        **members,
        "FunctionUrl": house.function_url(url_id(members)),
        "FunctionArn": function_arn(function.name, qualifier or None),
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
