"""What all of API Gateway's APIs have in common: they consist of parts, and deployments are snapshots of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

Members = Mapping[str, Any]
Parts = Mapping[str, Mapping[str, Members]]


@dataclass(frozen=True, slots=True)
class Api:
    """`members` are those of the API itself, `parts` those of its parts, by kind and id (a stage's is its name), all
    spelt as botocore's model spells them. `snapshots` are the parts as each deployment found them."""

    identity: str
    members: Members
    parts: Parts = field(default_factory=dict)
    snapshots: Mapping[str, Parts] = field(default_factory=dict)

    def all(self, part: str) -> Mapping[str, Members]:
        return self.parts.get(part, {})

    def with_part(self, part: str, identity: str, members: Members | None) -> Self:
        """The API with that part, or without it if `members` is None. A part that was there keeps its place."""
        kept = {**self.all(part), identity: members}
        return replace(
            self,
            parts={**self.parts, part: {name: value for name, value in kept.items() if value is not None}},
        )
