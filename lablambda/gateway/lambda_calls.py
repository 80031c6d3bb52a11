"""API Gateway's calls of functions: they are asked for by URI, and the function's policy has the last word."""

from __future__ import annotations

from collections.abc import Mapping

from lablambda.lab.house import House
from lablambda.model.errors import LabError, TooManyRequests
from lablambda.model.invocation import Invocation, Outcome, new_trace_id
from lablambda.model.package import Policy
from lablambda.rules import policy
from lablambda.rules.lambda_uri import InvalidUri, function_of
from lablambda.rules.names import ACCOUNT, parse_reference

_PRINCIPAL = "apigateway.amazonaws.com"


class CallFailed(Exception):
    """The function gave no result; the message says why. `throttled` is whether it might at another time, `error` what
    it failed with, empty if it didn't run."""

    def __init__(self, reason: str, *, throttled: bool = False, error: bytes = b"") -> None:
        super().__init__(reason)
        self.throttled = throttled
        self.error = error


class LambdaCalls:
    """Calls of the house's functions."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def call(
        self,
        uri: str,
        stage_variables: Mapping[str, str],
        payload: bytes,
        *,
        source_arn: str,
        with_role: bool,
        trace_id: str = "",
    ) -> Outcome:
        """Run the function for the request of that ARN. `with_role` is whether a role is named that lets the gateway
        call it, so that the function's policy isn't asked. Raises CallFailed, also if the function fails."""
        try:
            named = parse_reference(function_of(uri, stage_variables))
            function = self._house.catalog.function(named)
            statements = function.policies.get(named.qualifier or "", Policy()).statements.values()
            facts = {"AWS:SourceArn": source_arn, "AWS:SourceAccount": ACCOUNT}
            if not with_role and not policy.allows(
                statements, principal=_PRINCIPAL, resource=named.arn, facts=facts
            ):
                raise CallFailed(f"{named.arn} doesn't let API Gateway invoke it for {source_arn}")
            invocation = Invocation(
                named.name,
                named.qualifier,
                payload,
                named.arn,
                source=source_arn,
                trace_id=trace_id or new_trace_id(),
            )
            outcome = await self._house.invoker.invoke(invocation)
        except TooManyRequests as error:
            raise CallFailed(str(error), throttled=True) from None
        except (InvalidUri, LabError) as error:
            raise CallFailed(str(error)) from None
        if outcome.function_error:
            told = outcome.payload.decode(errors="replace")[:500]
            raise CallFailed(f"the function failed: {told}", error=outcome.payload)
        return outcome
