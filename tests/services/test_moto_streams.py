"""moto's streams, as they are to be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lablambda.services.calls import CallRefused
from tests.services.test_moto_hooks import Watcher

pytestmark = pytest.mark.anyio


async def read(watcher: Watcher, shard: str, **position: Any) -> list[bytes]:
    wanted = {"StreamName": "s", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON", **position}
    iterator = (await watcher.calls.call("kinesis", "GetShardIterator", wanted))["ShardIterator"]
    asked = {"ShardIterator": iterator, "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}
    return [
        record["Data"] for record in (await watcher.calls.call("kinesis", "GetRecords", asked))["Records"]
    ]


async def put(watcher: Watcher, data: bytes) -> str:
    record = {"StreamName": "s", "Data": data, "PartitionKey": "k"}
    return str((await watcher.calls.call("kinesis", "PutRecord", record))["SequenceNumber"])


async def test_a_later_run_goes_on_after_an_earlier_ones_numbers(tmp_path: Path) -> None:
    numbers = []
    for _ in range(2):
        watcher = Watcher(tmp_path)
        await watcher.calls.call("kinesis", "CreateStream", {"StreamName": "s", "ShardCount": 1})
        numbers += [int(await put(watcher, b"x")), int(await put(watcher, b"y"))]
        await watcher.services.close()
    assert numbers == sorted(set(numbers))


async def test_a_closed_shard_keeps_its_records_and_gets_no_more(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    await watcher.calls.call("kinesis", "CreateStream", {"StreamName": "s", "ShardCount": 1})
    await put(watcher, b"before")
    parent = "shardId-000000000000"
    split = {"StreamName": "s", "ShardToSplit": parent, "NewStartingHashKey": str(2**127)}
    await watcher.calls.call("kinesis", "SplitShard", split)
    assert watcher.woken.count("arn:aws:kinesis:us-east-1:000000000000:stream/s") == 2
    await put(watcher, b"after")
    children = ["shardId-000000000001", "shardId-000000000002"]
    assert await read(watcher, parent) == [b"before"]
    assert [data for child in children for data in await read(watcher, child)] == [b"after"]
    merge = {"StreamName": "s", "ShardToMerge": children[0], "AdjacentShardToMerge": children[1]}
    await watcher.calls.call("kinesis", "MergeShards", merge)
    await put(watcher, b"last")
    assert await read(watcher, "shardId-000000000003") == [b"last"]
    await watcher.services.close()


async def test_a_tables_stream_is_the_one_it_has_now(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    streams = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    made = await watcher.calls.call(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "t",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": streams,
        },
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    told = await watcher.calls.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})
    assert told["StreamDescription"]["StreamStatus"] == "ENABLED"
    for wrong in (arn[:-1] + "x", arn.replace("table/t/", "table/u/")):
        with pytest.raises(CallRefused, match="ResourceNotFoundException"):
            await watcher.calls.call("dynamodbstreams", "DescribeStream", {"StreamArn": wrong})
    with pytest.raises(CallRefused, match="ExpiredIteratorException"):
        await watcher.calls.call("dynamodbstreams", "GetRecords", {"ShardIterator": f"{arn}|1|gone"})
    await watcher.services.close()
