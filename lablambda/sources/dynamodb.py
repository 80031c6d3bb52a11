"""DynamoDB's streams as sources, read by their own API."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lablambda.model.mapping import Position
from lablambda.rules.names import REGION
from lablambda.services.calls import AwsCalls
from lablambda.sources.stream import Page, Record, Shard, batch_info

_KEPT_S = 24 * 3600.0
# Their API can't begin at a moment: who wants to reads from the start, and leaves out what is older.
_TYPES = {"start": "TRIM_HORIZON", "since": "TRIM_HORIZON", "latest": "LATEST"}


class DynamoDBStream:
    kind = "dynamodb"
    reads_per_s = 4.0

    def __init__(self, calls: AwsCalls, arn: str) -> None:
        self.arn = arn
        self._calls = calls
        self._hash_key = ""

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        page: dict[str, Any] = {"StreamArn": self.arn}
        while True:
            answer = (await self._call("DescribeStream", page))["StreamDescription"]
            self._hash_key = next(
                key["AttributeName"] for key in answer["KeySchema"] if key["KeyType"] == "HASH"
            )
            found += map(_shard, answer["Shards"])
            if not answer.get("LastEvaluatedShardId"):
                return found
            page["ExclusiveStartShardId"] = answer["LastEvaluatedShardId"]

    async def retention_s(self) -> float:
        return _KEPT_S

    async def iterator(self, shard: str, position: Position) -> str:
        wanted = {"StreamArn": self.arn, "ShardId": shard}
        if position.kind == "after":
            wanted |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position.value}
        else:
            wanted["ShardIteratorType"] = _TYPES[position.kind]
        return str((await self._call("GetShardIterator", wanted))["ShardIterator"])

    async def read(self, shard: str, iterator: str) -> Page:  # noqa: ARG002 - part of every stream's read
        answer = await self._call("GetRecords", {"ShardIterator": iterator})
        records = [self._record(told) for told in answer["Records"]]
        return Page(records, answer.get("NextShardIterator"), last=False)

    def sequence(self, record: Record) -> str:
        return str(record["dynamodb"]["SequenceNumber"])

    def key(self, record: Record) -> str:
        return json.dumps(record["dynamodb"]["Keys"].get(self._hash_key))

    def arrived(self, record: Record) -> float:
        return float(record["dynamodb"]["ApproximateCreationDateTime"])

    def filtered(self, record: Record) -> Mapping[str, Any]:
        return record

    def batch_info(self, shard: str, records: Sequence[Record]) -> dict[str, Any]:
        return {"DDBStreamBatchInfo": batch_info(self, shard, records, "seconds")}

    async def _call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return await self._calls.call("dynamodbstreams", operation, parameters)

    def _record(self, told: Mapping[str, Any]) -> Record:
        change: Mapping[str, Any] = told["dynamodb"]
        record: Record = {
            **told,
            "dynamodb": {
                name: _images(value) if name in ("Keys", "NewImage", "OldImage") else value
                for name, value in change.items()
            }
            | {"ApproximateCreationDateTime": int(change["ApproximateCreationDateTime"].timestamp())},
            "eventSourceARN": self.arn,
            "awsRegion": REGION,  # DynamoDB Local has a name of its own for it
        }
        if identity := told.get("userIdentity"):
            record["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
        return record


def _images(value: Any) -> Any:
    """DynamoDB's JSON, as an event has it: bytes in base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _images(inner) for name, inner in value.items()}
        case list():
            return [_images(inner) for inner in value]
    return value


def _shard(told: Mapping[str, Any]) -> Shard:
    parent = told.get("ParentShardId")
    closed = "EndingSequenceNumber" in told["SequenceNumberRange"]
    return Shard(told["ShardId"], (parent,) if parent else (), closed)
