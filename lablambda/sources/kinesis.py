"""Kinesis streams as sources, read by Kinesis's own API."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lablambda.model.mapping import Position
from lablambda.services.calls import AwsCalls
from lablambda.sources.stream import Page, Record, Shard, batch_info

_TYPES = {"start": "TRIM_HORIZON", "latest": "LATEST"}


class KinesisStream:
    kind = "kinesis"
    reads_per_s = 1.0

    def __init__(self, calls: AwsCalls, arn: str, role: str) -> None:
        """`role` is the ARN of the function's role, which records name."""
        self.arn = arn
        self._calls = calls
        self._role = role
        self._name = arn.partition("stream/")[2]

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        page: dict[str, Any] = {"StreamName": self._name}
        while True:
            answer = await self._calls.call("kinesis", "ListShards", page)
            found += map(_shard, answer["Shards"])
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}

    async def retention_s(self) -> float:
        answer = await self._calls.call("kinesis", "DescribeStreamSummary", {"StreamName": self._name})
        return float(answer["StreamDescriptionSummary"]["RetentionPeriodHours"] * 3600)

    async def iterator(self, shard: str, position: Position) -> str:
        wanted: dict[str, Any] = {"StreamName": self._name, "ShardId": shard}
        match position.kind:
            case "after":
                wanted["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER"
                wanted["StartingSequenceNumber"] = position.value
            case "since":
                wanted["ShardIteratorType"] = "AT_TIMESTAMP"
                wanted["Timestamp"] = datetime.fromtimestamp(float(position.value), UTC)
            case kind:
                wanted["ShardIteratorType"] = _TYPES[kind]
        answer = await self._calls.call("kinesis", "GetShardIterator", wanted)
        return str(answer["ShardIterator"])

    async def read(self, shard: str, iterator: str) -> Page:
        asked = {"ShardIterator": iterator, "StreamARN": self.arn}
        answer = await self._calls.call("kinesis", "GetRecords", asked)
        records = [self._record(shard, told) for told in answer["Records"]]
        return Page(records, answer.get("NextShardIterator"), last=answer.get("MillisBehindLatest") == 0)

    def sequence(self, record: Record) -> str:
        return str(record["kinesis"]["sequenceNumber"])

    def key(self, record: Record) -> str:
        return str(record["kinesis"]["partitionKey"])

    def arrived(self, record: Record) -> float:
        return float(record["kinesis"]["approximateArrivalTimestamp"])

    def filtered(self, record: Record) -> Mapping[str, Any]:
        """Patterns see the members of `kinesis`, with the data decoded."""
        inner = record["kinesis"]
        data = base64.b64decode(inner["data"]).decode(errors="replace")
        return {**record, **inner, "data": data}

    def batch_info(self, shard: str, records: Sequence[Record]) -> dict[str, Any]:
        return {"KinesisBatchInfo": batch_info(self, shard, records, "milliseconds")}

    def _record(self, shard: str, told: Mapping[str, Any]) -> Record:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": told["PartitionKey"],
                "sequenceNumber": told["SequenceNumber"],
                "data": base64.b64encode(told["Data"]).decode(),
                "approximateArrivalTimestamp": round(told["ApproximateArrivalTimestamp"].timestamp(), 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{told['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self._role,
            "awsRegion": self.arn.split(":")[3],
            "eventSourceARN": self.arn,
        }


def _shard(told: Mapping[str, Any]) -> Shard:
    parents = (told.get("ParentShardId"), told.get("AdjacentParentShardId"))
    return Shard(
        told["ShardId"],
        tuple(parent for parent in parents if parent),
        closed="EndingSequenceNumber" in told["SequenceNumberRange"],
    )
