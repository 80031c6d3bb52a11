"""API Gateway's calls of functions: they are asked for by URI, and the function's policy has the last word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from lablambda.gateway.streaming import streamed
from lablambda.lab.house import House
from lablambda.lab.streamed_answer import StreamedAnswer
from lablambda.model.errors import LabError, TooManyRequests
from lablambda.model.function import Function
from lablambda.model.http import HttpResponse
from lablambda.model.invocation import Invocation, Outcome, new_trace_id
from lablambda.model.package import Policy
from lablambda.rules import policy
from lablambda.rules.lambda_uri import InvalidUri, function_of
from lablambda.rules.names import ACCOUNT, FunctionReference, parse_reference

_PRINCIPAL = "apigateway.amazonaws.com"
_MOST_REMEMBERED = 10_000


class CallFailed(Exception):
    """The function gave no result; the message says why. `throttled` is whether it might at another time, `error` what
    it failed with, empty if it didn't run."""

    def __init__(self, reason: str, *, throttled: bool = False, error: bytes = b"") -> None:
        super().__init__(reason)
        self.throttled = throttled
        self.error = error


@dataclass(frozen=True, slots=True)
class Call:
    """Of the function that a URI names, for the request of an ARN. `with_role` is whether a role is named that lets the
    gateway call it, so that the function's policy isn't asked."""

    uri: str
    stage_variables: Mapping[str, str]
    payload: bytes
    source_arn: str
    with_role: bool
    trace_id: str = ""


class LambdaCalls:
    """Calls of the house's functions."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._allowed: dict[tuple[str, str], tuple[Function, bool]] = {}

    async def call(self, call: Call) -> Outcome:
        """Run the function. Raises CallFailed, also if the function fails."""
        with _failing():
            outcome = await self._house.invoker.invoke(self._invocation(call))
        if outcome.function_error:
            told = outcome.payload.decode(errors="replace")[:500]
            raise CallFailed(f"the function failed: {told}", error=outcome.payload)
        return outcome

    async def queue(self, call: Call) -> None:
        """Have the function run at some time: when this returns, that is sure. Raises CallFailed."""
        with _failing():
            await self._house.queue.put(self._invocation(call))

    async def stream(self, call: Call) -> HttpResponse:
        """Run the function; what it gives comes as it gives it, after a prelude that has status and headers. Raises
        CallFailed, Malformed."""
        with _failing():
            answer = StreamedAnswer(self._house.invoker.invoke, self._invocation(call))
            return await streamed(answer, with_prelude=True)

    def _invocation(self, call: Call) -> Invocation:
        """Raises CallFailed if the gateway may not."""
        named = parse_reference(function_of(call.uri, call.stage_variables))
        function = self._house.catalog.function(named)
        if not call.with_role and not self._may_invoke(function, named, call.source_arn):
            raise CallFailed(f"{named.arn} doesn't let API Gateway invoke it for {call.source_arn}")
        return Invocation(
            named.name,
            named.qualifier,
            call.payload,
            named.arn,
            source=call.source_arn,
            trace_id=call.trace_id or new_trace_id(),
        )

    def _may_invoke(self, function: Function, named: FunctionReference, source_arn: str) -> bool:
        """Whether the function's policy lets the gateway, for that ARN; found out once, until the function changes."""
        place = named.arn, source_arn
        known = self._allowed.get(place)
        if known is None or known[0] is not function:
            statements = function.policies.get(named.qualifier or "", Policy()).statements.values()
            facts = {"AWS:SourceArn": source_arn, "AWS:SourceAccount": ACCOUNT}
            allowed = policy.allows(statements, principal=_PRINCIPAL, resource=named.arn, facts=facts)
            if len(self._allowed) >= _MOST_REMEMBERED:
                self._allowed.clear()
            known = self._allowed[place] = function, allowed
        return known[1]


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except TooManyRequests as error:
        raise CallFailed(str(error), throttled=True) from None
    except (InvalidUri, LabError) as error:
        raise CallFailed(str(error)) from None
