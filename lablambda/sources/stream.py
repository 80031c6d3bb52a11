"""What every stream is to who reads it: shards that descend from each other, records in order in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lablambda.model.mapping import Position
from lablambda.rules.moments import iso

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shard:
    """`parents` are the shards that it continues; `closed` is whether it gets no more records."""

    identity: str
    parents: tuple[str, ...]
    closed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Records as a function's event has them. `next` is the iterator to go on with, None at a closed shard's
    end; `last` is whether the shard had no more just now, as far as the source says."""

    records: list[Record]
    next: str | None
    last: bool


class Stream(Protocol):
    """One stream, by its ARN. Its calls raise CallRefused if the service says no (the stream is gone, an
    iterator too old) and ServiceFault if nobody answers."""

    kind: str
    arn: str
    reads_per_s: float  # how often AWS looks into a shard

    async def shards(self) -> list[Shard]:
        """All that there are."""

    async def retention_s(self) -> float:
        """For how long the stream keeps a record, in seconds."""

    async def iterator(self, shard: str, position: Position) -> str:
        """Where to read from to go on at `position`."""

    async def read(self, shard: str, iterator: str) -> Page:
        """The records there."""

    def sequence(self, record: Record) -> str:
        """The record's sequence number."""

    def key(self, record: Record) -> str:
        """What records must have in common to be kept in order."""

    def arrived(self, record: Record) -> float:
        """When the stream got it, in seconds since 1970."""

    def filtered(self, record: Record) -> Mapping[str, Any]:
        """The record as filter patterns see it."""

    def batch_info(self, shard: str, records: Sequence[Record]) -> dict[str, Any]:
        """What a record of failure says of a batch, under the source's own name."""


def batch_info(stream: Stream, shard: str, records: Sequence[Record], precision: str) -> dict[str, Any]:
    """What both streams say of a batch; `precision` is that of its moments, a `timespec` of datetime's."""
    told: dict[str, Any] = {"shardId": shard}
    if records:
        first, last = records[0], records[-1]
        told |= {
            "startSequenceNumber": stream.sequence(first),
            "endSequenceNumber": stream.sequence(last),
            "approximateArrivalOfFirstRecord": iso(stream.arrived(first), precision),
            "approximateArrivalOfLastRecord": iso(stream.arrived(last), precision),
        }
    return told | {"batchSize": len(records), "streamArn": stream.arn}
