"""What moto's streams lack to be read as AWS's are: shards that stay what they were.

moto numbers a shard's records from one, so that after its restart a reader would take new records for old
ones; it moves a closed shard's records to its children, where a reader gets them again; and it goes on
writing to closed shards.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

from lablambda.services.patching import replace

_MOST_ITERATORS = 10_000


def install() -> None:
    """Put it right. Raises AttributeError if moto has moved what this holds on to."""
    _install_sequence_numbers()
    _install_closed_shards()
    _install_shard_of_table()
    _install_stream_of_table()


def _install_sequence_numbers() -> None:
    """Numbers that grow with time, also from one run of moto to the next."""
    from moto.kinesis.models import Record, Shard

    def put_record(shard: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
        number = max(time.time_ns(), shard.get_max_sequence_number() + 1)
        shard.records[number] = Record(partition_key, data, number, explicit_hash_key)
        return str(number)

    replace(Shard, "put_record", put_record)


def _install_closed_shards() -> None:
    """A shard that is split or merged keeps its records and gets no new ones."""
    from moto.kinesis.models import Stream

    split, merge, find = Stream.split_shard, Stream.merge_shards, Stream.get_shard_for_key

    def keeping(stream: Any, method: Any, names: tuple[str, ...], *arguments: str) -> None:
        parents = [stream.get_shard(name) for name in names]
        records = [parent.records for parent in parents]
        for parent in parents:
            parent.records = type(parent.records)()
        try:
            method(stream, *arguments)
        finally:
            for parent, kept in zip(parents, records, strict=True):
                parent.records = kept

    def split_shard(stream: Any, name: str, starting_hash: str) -> None:
        keeping(stream, split, (name,), name, starting_hash)

    def merge_shards(stream: Any, name: str, adjacent: str) -> None:
        keeping(stream, merge, (name, adjacent), name, adjacent)

    def open_shard(stream: Any, partition_key: str, explicit_hash_key: str) -> Any:
        find(stream, partition_key, explicit_hash_key)  # says what is wrong with a key
        digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).hexdigest()
        number = int(explicit_hash_key) if explicit_hash_key else int(digest, 16)
        return next(
            shard
            for shard in stream.shards.values()
            if shard.is_open and shard.starting_hash <= number <= shard.ending_hash
        )

    replace(Stream, "split_shard", split_shard)
    replace(Stream, "merge_shards", merge_shards)
    replace(Stream, "get_shard_for_key", open_shard)


def _install_shard_of_table() -> None:
    """A table's stream has a shard of its own, not one name and one first number for all."""
    from moto.dynamodb.models.table import StreamShard

    make = StreamShard.__init__

    def made(shard: Any, account_id: str, table: Any) -> None:
        make(shard, account_id, table)
        shard.id = f"shardId-{time.time_ns() // 1_000_000:020d}-{uuid.uuid4().hex[:8]}"
        shard.starting_sequence_number = time.time_ns() * 100

    replace(StreamShard, "__init__", made)


def _install_stream_of_table() -> None:
    """Streams that a table had once aren't the one it has now, and iterators aren't kept for ever."""
    from moto.core.exceptions import JsonRESTError
    from moto.dynamodbstreams.models import DynamoDBStreamsBackend

    table_of = DynamoDBStreamsBackend._get_table_from_arn
    read = DynamoDBStreamsBackend.get_records

    def not_found(text: str) -> JsonRESTError:
        return JsonRESTError("ResourceNotFoundException", f"Requested resource not found: {text}")

    def table_from_arn(backend: Any, arn: str) -> Any:
        name, _, label = arn.split("/", 1)[-1].partition("/stream/")
        table = backend.dynamodb.tables.get(name)
        if table is None or not table.latest_stream_label or table.latest_stream_label != label:
            raise not_found(f"Stream: {arn} not found")
        return table_of(backend, arn)

    def get_records(backend: Any, iterator_arn: str, limit: int) -> Any:
        if iterator_arn not in backend.shard_iterators:
            raise JsonRESTError("ExpiredIteratorException", "Iterator expired.")
        answer = read(backend, iterator_arn, limit)
        while len(backend.shard_iterators) > _MOST_ITERATORS:
            del backend.shard_iterators[next(iter(backend.shard_iterators))]
        return answer

    replace(DynamoDBStreamsBackend, "_get_table_from_arn", table_from_arn)
    replace(DynamoDBStreamsBackend, "get_records", get_records)
