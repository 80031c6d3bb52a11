"""What authorizer functions say, which is kept for as long as their authorizers want."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lablambda.gateway.lambda_calls import Call, LambdaCalls
from lablambda.lab.house import House
from lablambda.rules.authorizer_answer import Verdict, verdict
from lablambda.rules.names import ACCOUNT, REGION

_ANSWERS_WITHIN_S = 10.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """For an authorizer's function, by its URI. `sources` are what the request has to show for itself: the answer is
    good for others with the same ones, for `ttl_s` of the lab's time. Without any it is for this request alone.
    `simple` is whether a yes or no is expected, not a policy; `flushed` how often answers were to be forgotten."""

    api_id: str
    stage: str
    authorizer_id: str
    uri: str
    sources: tuple[str, ...]
    ttl_s: float
    with_role: bool
    simple: bool = False
    flushed: int = 0


class Verdicts:
    """Those of a kind of APIs."""

    def __init__(self, house: House, calls: LambdaCalls) -> None:
        self._house = house
        self._calls = calls
        self._known: dict[Question, tuple[float, Verdict]] = {}

    async def ask(
        self, question: Question, stage_variables: Mapping[str, str], event: Mapping[str, Any]
    ) -> Verdict:
        """Raises CallFailed, MalformedAnswer, TimeoutError."""
        now = self._house.clock.now()
        until, known = self._known.get(question, (0.0, None))
        if known is not None and now < until:
            return known
        place = f"{question.api_id}/authorizers/{question.authorizer_id}"
        call = Call(
            question.uri,
            stage_variables,
            msgspec.json.encode(event),
            source_arn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{place}",
            with_role=question.with_role,
        )
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            outcome = await self._calls.call(call)
        said = verdict(outcome.payload, simple=question.simple)
        if question.ttl_s and question.sources:
            self._remember(question, now + question.ttl_s, said)
        return said

    def _remember(self, question: Question, until: float, said: Verdict) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[question] = until, said
