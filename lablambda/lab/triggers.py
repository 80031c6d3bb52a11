"""Push: a source knows the function and calls it. The function's resource policy has the last word."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lablambda.lab.catalog import Catalog
from lablambda.model.errors import CallerError
from lablambda.model.event_rule import DEFAULT_BUS
from lablambda.model.invocation import Invocation, new_trace_id
from lablambda.model.package import Policy
from lablambda.rules import policy
from lablambda.rules.names import parse_reference
from lablambda.services.backend import Push


class Triggers:
    """`enqueue` takes events for functions, `put_events` those for a bus."""

    def __init__(
        self,
        catalog: Catalog,
        enqueue: Callable[[Invocation], Awaitable[None]],
        put_events: Callable[[str, list[Mapping[str, Any]]], Awaitable[list[str]]],
    ) -> None:
        self._catalog = catalog
        self._enqueue = enqueue
        self._put_events = put_events

    async def deliver(self, push: Push) -> str | None:
        """Answer a service that asks whether it may invoke, or that does: None, or why not."""
        if push.kind == "tell":
            await self._put_events(DEFAULT_BUS, [push.event])
            return None
        try:
            reference = parse_reference(push.function_arn)
            function = self._catalog.function(reference)
        except CallerError as error:
            return str(error)
        attached = function.policies.get(reference.qualifier or "", Policy())
        if not policy.allows(
            attached.statements.values(),
            principal=push.principal,
            resource=reference.arn,
            facts={"AWS:SourceArn": push.source_arn, "AWS:SourceAccount": push.source_account},
        ):
            return f"Not authorized to invoke function [{push.function_arn}]"
        if push.kind == "invoke":
            await self._enqueue(
                Invocation(
                    function=reference.name,
                    qualifier=reference.qualifier,
                    payload=json.dumps(push.event).encode(),
                    arn=push.function_arn,
                    source=push.source_arn,
                    trace_id=push.trace or new_trace_id(),
                )
            )
        return None
