"""API keys: whether a client has a usage plan for the stage, and requests left in it.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from __future__ import annotations

from lablambda.gateway.rest_stages import Passage
from lablambda.gateway.throttles import Throttles, limits
from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.model.rest_api import ApiKey, UsagePlan
from lablambda.rules.gateway_responses import Failed
from lablambda.rules.usage_plans import counted, day_of, remaining

HEADER = "x-api-key"


class Plans:
    """Those of a house."""

    def __init__(self, house: House, throttles: Throttles) -> None:
        self._house = house
        self._throttles = throttles

    def admit(self, passage: Passage) -> None:
        """Count the request, if its method needs an API key. Raises Failed."""
        if not passage.method.get("apiKeyRequired"):
            return
        by_authorizer = passage.served.deployed.members.get("apiKeySource") == "AUTHORIZER"
        value = passage.usage_key if by_authorizer else passage.request.header(HEADER)
        key = self._house.rest_apis.key_of(value)
        plan = None if key is None else self._plan_of(key, passage)
        if key is None or plan is None or not key.members["enabled"]:
            raise Failed("INVALID_API_KEY")
        passage.tell(
            identity={**passage.call.context["identity"], "apiKey": key.value, "apiKeyId": key.identity}
        )
        self._throttle(key, plan, passage)
        self._count(key, plan)

    def _plan_of(self, key: ApiKey, passage: Passage) -> UsagePlan | None:
        place = passage.served.api.identity, passage.served.name
        return next(
            (
                plan
                for plan in self._house.rest_apis.plans()
                if key.identity in plan.keys and plan.stage(*place) is not None
            ),
            None,
        )

    def _throttle(self, key: ApiKey, plan: UsagePlan, passage: Passage) -> None:
        """First by the method, then by the plan; each key has its own."""
        api, stage = passage.served.api.identity, passage.served.name
        method = f"{passage.call.resource}/{passage.method['httpMethod']}"
        of_stage = (plan.stage(api, stage) or {}).get("throttle") or {}
        buckets: list[tuple[tuple[str, ...], Members | None]] = [
            ((plan.identity, key.identity, api, stage, method), of_stage.get(method)),
            ((plan.identity, key.identity), plan.members.get("throttle")),
        ]
        for place, most in buckets:
            if most and not self._throttles.admit(
                place, limits(most.get("rateLimit"), most.get("burstLimit"))
            ):
                raise Failed("THROTTLED")

    def _count(self, key: ApiKey, plan: UsagePlan) -> None:
        apis, today = self._house.rest_apis, day_of(self._house.clock.now())
        usage, quota = apis.usage(plan.identity, key.identity), plan.members.get("quota")
        if quota and not remaining(quota, usage, today):
            raise Failed("QUOTA_EXCEEDED")
        apis.note_usage(plan.identity, key.identity, counted(usage, today))
