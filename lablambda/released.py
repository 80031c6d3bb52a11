"""A function's versions, aliases, concurrency, retries and destinations as they are, asked of AWS's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.asking import Client, or_none
from lablambda.model.destination import Ends
from lablambda.model.release import Release, Released
from lablambda.rules.destination_steps import ENDS_TAG
from lablambda.rules.step import Target
from lablambda.rules.tag_steps import RELEASE_TAGS


def observe_release(client: Client, target: Target, wanted: Release) -> Released:
    """What there is of a function that is there; only its tags if neither `wanted` nor they say anything."""
    functions = client("lambda")
    tags = functions.list_tags(Resource=target.arn)["Tags"]
    if not wanted.said and tags.keys().isdisjoint(RELEASE_TAGS):
        return Released(tags=tags)
    return Released(
        versions=_all(functions, "list_versions_by_function", "Versions", target),
        aliases={alias["Name"]: alias for alias in _all(functions, "list_aliases", "Aliases", target)},
        reserved=functions.get_function_concurrency(FunctionName=target.name).get(
            "ReservedConcurrentExecutions"
        ),
        provisioned=provisioned(functions, target),
        tags=tags,
    )


def observe_ends(client: Client, target: Target, wanted: Ends, tags: Mapping[str, str]) -> dict[str, Any]:
    """The members of Current that tell of the function's retries and destinations; nothing if neither `wanted` nor
    its tags say anything."""
    mine = ENDS_TAG in tags
    if not wanted.said and not mine:
        return {}
    functions = client("lambda")
    config = or_none(lambda: functions.get_function_event_invoke_config(FunctionName=target.name))
    return {"event_invoke": config, "ends_are_cells": mine}


def provisioned(functions: Any, target: Target) -> dict[str, int]:
    """Provisioned concurrency that was asked for, by version or alias."""
    configs = _all(functions, "list_provisioned_concurrency_configs", "ProvisionedConcurrencyConfigs", target)
    return {
        config["FunctionArn"].rpartition(":")[2]: config["RequestedProvisionedConcurrentExecutions"]
        for config in configs
    }


def _all(functions: Any, operation: str, member: str, target: Target) -> list[dict[str, Any]]:
    pages = functions.get_paginator(operation).paginate(FunctionName=target.name)
    found: list[dict[str, Any]] = pages.build_full_result()[member]
    return found
