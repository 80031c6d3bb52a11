"""What becomes of a function's events: how often one that fails is tried again, and who is told how it ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Destination:
    """Who is told, as `--on-failure` and `--on-success` name it. `kind` is sqs, sns, s3, lambda or events (a bus)."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Ends:
    """What a cell says of it; None is what Lambda does by itself: two retries, and nobody is told."""

    retries: int | None = None
    on_success: Destination | None = None
    on_failure: Destination | None = None

    @property
    def said(self) -> bool:
        """Whether it says anything."""
        return self != Ends()
