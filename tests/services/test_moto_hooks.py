"""What moto tells the lab, seen by a lab that looks before it answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

import pytest

from lablambda.clock import Clock
from lablambda.services.backend import Push, ServiceRequest, ServiceResponse
from lablambda.services.calls import AwsCalls, CallRefused
from lablambda.services.moto_backend import MotoServices
from tests.services.asking import FUNCTION, notification, to_s3

pytestmark = pytest.mark.anyio


@dataclass
class Watcher:
    """A lab in little: keeps what it is asked, and answers `refused`."""

    folder: Path
    refused: str | None = None
    raises: Exception | None = None
    looks_at: ServiceRequest | None = None
    pushes: list[Push] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    seen: list[ServiceResponse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.services = MotoServices(self.folder, self.deliver, self.woken.append, self.clock)
        self.calls = AwsCalls(self.services.forward, "AKIA", "secret")

    async def deliver(self, push: Push) -> str | None:
        self.pushes.append(push)
        if self.raises is not None:
            raise self.raises
        if push.kind == "invoke" and self.looks_at is not None:
            self.seen.append(await self.services.forward(self.looks_at))
        return self.refused

    async def s3(
        self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str
    ) -> ServiceResponse:
        return await self.services.forward(to_s3(method, path, body, query, **headers))

    async def bucket(self, name: str, *events: str) -> None:
        """A bucket that tells a function of its events."""
        await self.s3("PUT", f"/{name}")
        assert (await self.s3("PUT", f"/{name}", notification(*events), "notification")).status == 200
        self.pushes.clear()

    def records(self) -> list[dict[str, Any]]:
        return [record for push in self.pushes if push.kind == "invoke" for record in push.event["Records"]]

    def log(self) -> str:
        return (self.folder / "services.log").read_text()


@pytest.fixture(scope="module")
async def started(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watcher]:
    watcher = Watcher(tmp_path_factory.mktemp("services"))
    yield watcher
    await watcher.services.close()


@pytest.fixture
def watcher(started: Watcher) -> Watcher:
    """One backend for all tests here, and nothing remembered from the last."""
    started.refused = started.raises = started.looks_at = None
    started.pushes.clear()
    started.woken.clear()
    started.seen.clear()
    return started


async def test_a_function_finds_the_object_complete(watcher: Watcher) -> None:
    # given a function that looks at the object the moment it is told of it
    await watcher.bucket("complete")
    watcher.looks_at = to_s3("HEAD", "/complete/k")
    # when an object with metadata and a type comes
    await watcher.s3("PUT", "/complete/k", b"1", content_type="image/png", x_amz_meta_a="b")
    # then they are there
    (found,) = watcher.seen
    headers = dict(found.headers)
    assert (headers["content-type"], headers["x-amz-meta-a"]) == ("image/png", "b")


async def test_one_event_for_a_put_that_sets_much(watcher: Watcher) -> None:
    await watcher.bucket("much", "s3:ObjectCreated:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put")
    await watcher.s3("PUT", "/much/k", b"1", x_amz_tagging="a=b", x_amz_acl="public-read")
    assert [record["eventName"] for record in watcher.records()] == ["ObjectCreated:Put"]


async def test_tags_and_acls_changed_later(watcher: Watcher) -> None:
    await watcher.bucket("later", "s3:ObjectTagging:*", "s3:ObjectAcl:Put")
    await watcher.s3("PUT", "/later/k", b"1")
    tags = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    await watcher.s3("PUT", "/later/k", tags, "tagging")
    await watcher.s3("DELETE", "/later/k", b"", "tagging")
    await watcher.s3("PUT", "/later/k", b"", "acl", x_amz_acl="private")
    records = watcher.records()
    assert [record["eventName"] for record in records] == [
        "ObjectTagging:Put",
        "ObjectTagging:Delete",
        "ObjectAcl:Put",
    ]
    assert {record["eventVersion"] for record in records} == {"2.3"}


@pytest.mark.parametrize(
    "key", ["x%2Fy", "what?", "a%20b", "100%", "a+b c", "h#y?z", "日本/é😀", "a//b", "../up", "a&b=c;d"]
)
async def test_a_key_stays_what_it_is(watcher: Watcher, key: str) -> None:
    await watcher.bucket("keys")
    await watcher.s3("PUT", f"/keys/{quote(key, safe='/')}", key.encode())
    listing = await watcher.s3("GET", "/keys", query="list-type=2&encoding-type=url")
    assert [unquote(name) for name in re.findall("<Key>(.*?)</Key>", listing.body.decode())] == [key]
    assert (await watcher.s3("GET", f"/keys/{quote(key, safe='/')}")).body == key.encode()
    (record,) = watcher.records()
    assert unquote_plus(record["s3"]["object"]["key"]) == key
    await watcher.s3("DELETE", f"/keys/{quote(key, safe='/')}")


async def test_two_keys_that_decode_alike_are_two(watcher: Watcher) -> None:
    await watcher.s3("PUT", "/alike")
    for path in ("x/y", "x%2Fy", "x%252Fy", "x%3Fy", "x"):
        await watcher.s3("PUT", f"/alike/{path}", path.encode())
    found = [
        (await watcher.s3("GET", f"/alike/{path}")).body.decode() for path in ("x/y", "x%252Fy", "x%3Fy", "x")
    ]
    assert found == ["x%2Fy", "x%252Fy", "x%3Fy", "x"]  # a slash is a slash, encoded or not


async def test_versions_deleted_for_good(watcher: Watcher) -> None:
    await watcher.bucket("versions")
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    await watcher.s3("PUT", "/versions", enabled, "versioning")
    versions = [
        dict((await watcher.s3("PUT", "/versions/k", b"1")).headers)["x-amz-version-id"] for _ in range(3)
    ]
    watcher.pushes.clear()
    for version in versions:
        await watcher.s3("DELETE", "/versions/k", b"", f"versionId={version}")
    assert [
        (record["eventName"], record["s3"]["object"]["versionId"], "size" in record["s3"]["object"])
        for record in watcher.records()
    ] == [("ObjectRemoved:Delete", version, False) for version in versions]


async def test_several_deleted_at_once(watcher: Watcher) -> None:
    await watcher.bucket("several", "s3:ObjectRemoved:*")
    for key in "ab":
        await watcher.s3("PUT", f"/several/{key}", b"1")
    named = "".join(f"<Object><Key>{key}</Key></Object>" for key in ("a", "b", "absent"))
    await watcher.s3("POST", "/several", f"<Delete>{named}</Delete>".encode(), "delete")
    assert [record["s3"]["object"]["key"] for record in watcher.records()] == ["a", "b"]


async def test_uploads_in_signed_chunks(watcher: Watcher) -> None:
    """boto3 over HTTPS, and other SDKs over either, put chunks and a checksum into the body."""
    await watcher.bucket("chunks")
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
    chunked = {
        "x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "content_encoding": "aws-chunked",
        "x_amz_trailer": "x-amz-checksum-crc32",
        "x_amz_decoded_content_length": "11",
        "x_amz_sdk_checksum_algorithm": "CRC32",
    }
    assert (await watcher.s3("PUT", "/chunks/k", body, **chunked)).status == 200
    found = await watcher.s3("GET", "/chunks/k", b"", x_amz_checksum_mode="ENABLED")
    assert found.body == b"hello world"
    assert dict(found.headers)["x-amz-checksum-crc32"] == "DUoRhQ=="
    (record,) = watcher.records()
    assert record["s3"]["object"]["size"] == 11


async def test_targets_of_one_bucket_may_not_overlap(watcher: Watcher) -> None:
    """Functions, queues and topics alike; what was there stays."""
    await watcher.s3("PUT", "/shared")

    def told(kind: str, arn: str, suffix: str) -> str:
        rule = f"<FilterRule><Name>Suffix</Name><Value>{suffix}</Value></FilterRule>"
        rules = f"<Filter><S3Key>{rule}</S3Key></Filter>" if suffix else ""
        element = f"{kind}Configuration"
        return f"<{element}><{kind}>{arn}</{kind}><Event>s3:ObjectCreated:*</Event>{rules}</{element}>"

    def whole(*parts: str) -> bytes:
        return f"<NotificationConfiguration>{''.join(parts)}</NotificationConfiguration>".encode()

    jpg, png = told("CloudFunction", FUNCTION, ".jpg"), told("CloudFunction", f"{FUNCTION}2", ".png")
    everything = told("CloudFunction", f"{FUNCTION}3", "")
    apart = await watcher.s3("PUT", "/shared", whole(jpg, png), "notification")
    assert apart.status == 200
    refused = await watcher.s3("PUT", "/shared", whole(jpg, png, everything), "notification")
    assert refused.status == 400
    assert b"<Code>InvalidArgument</Code>" in refused.body
    assert b"Configuration is ambiguously defined" in refused.body
    watcher.pushes.clear()
    for key in ("a.jpg", "b.png", "c.txt"):
        await watcher.s3("PUT", f"/shared/{key}", b"1")
    told_of = [
        (push.function_arn, push.event["Records"][0]["s3"]["object"]["key"]) for push in watcher.pushes
    ]
    assert told_of == [(FUNCTION, "a.jpg"), (f"{FUNCTION}2", "b.png")]


async def test_a_destination_is_checked_unless_told_not_to(watcher: Watcher) -> None:
    watcher.refused = f"Not authorized to invoke function [{FUNCTION}]"
    await watcher.s3("PUT", "/checked")
    refused = await watcher.s3("PUT", "/checked", notification(), "notification")
    assert refused.status == 400
    assert b"<Code>InvalidArgument</Code>" in refused.body
    assert b"Unable to validate the following destination configurations" in refused.body
    assert watcher.pushes == [
        Push("may_invoke", FUNCTION, "s3.amazonaws.com", "arn:aws:s3:::checked", "000000000000", None)
    ]
    watcher.pushes.clear()
    skipped = await watcher.s3(
        "PUT", "/checked", notification(), "notification", x_amz_skip_destination_validation="true"
    )
    assert (skipped.status, watcher.pushes) == (200, [])


async def test_a_push_that_the_lab_refuses_or_fails_on_is_told(
    watcher: Watcher, capfd: pytest.CaptureFixture[str]
) -> None:
    await watcher.bucket("refused")
    watcher.refused = "no room"
    assert (await watcher.s3("PUT", "/refused/k", b"1")).status == 200
    told = f"an event from arn:aws:s3:::refused to {FUNCTION} wasn't delivered: "
    assert f"{told}no room" in watcher.log()
    # when the lab has a fault of its own
    watcher.raises = ValueError("a bug")
    assert (await watcher.s3("PUT", "/refused/k", b"1")).status == 200
    assert f"{told}the lab failed on it (ValueError: a bug)" in watcher.log()
    assert "ValueError: a bug" in capfd.readouterr().err
    # then the next event comes through all the same
    watcher.raises = watcher.refused = None
    watcher.pushes.clear()
    await watcher.s3("PUT", "/refused/k", b"1")
    assert len(watcher.records()) == 1


async def test_a_push_of_a_kind_not_built_is_refused_aloud(watcher: Watcher) -> None:
    await watcher.calls.call("secretsmanager", "CreateSecret", {"Name": "s", "SecretString": "x"})
    rotation = {
        "SecretId": "s",
        "RotationLambdaARN": FUNCTION,
        "RotationRules": {"AutomaticallyAfterDays": 1},
    }
    with pytest.raises(CallRefused):
        await watcher.calls.call("secretsmanager", "RotateSecret", rotation)
    assert "moto asked Lambda for get_function" in watcher.log()


# --------------------------------------------------------------------------------- sources that are polled

QUEUE = {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/woken"}


async def test_a_message_wakes_once_a_request(watcher: Watcher) -> None:
    await watcher.calls.call("sqs", "CreateQueue", {"QueueName": "woken"})
    assert watcher.woken == []
    await watcher.calls.call("sqs", "SendMessage", {**QUEUE, "MessageBody": "1"})
    arn = "arn:aws:sqs:us-east-1:000000000000:woken"
    assert watcher.woken == [arn]
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(10)]
    await watcher.calls.call("sqs", "SendMessageBatch", {**QUEUE, "Entries": entries})
    assert watcher.woken == [arn, arn]


async def test_a_message_that_moto_sends_wakes(watcher: Watcher) -> None:
    await watcher.calls.call("sqs", "CreateQueue", {"QueueName": "fanned"})
    topic = (await watcher.calls.call("sns", "CreateTopic", {"Name": "fan"}))["TopicArn"]
    arn = "arn:aws:sqs:us-east-1:000000000000:fanned"
    await watcher.calls.call("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn})
    await watcher.calls.call("sns", "Publish", {"TopicArn": topic, "Message": "hi"})
    assert watcher.woken == [arn]


async def test_records_of_streams_wake(watcher: Watcher) -> None:
    await watcher.calls.call("kinesis", "CreateStream", {"StreamName": "s", "ShardCount": 1})
    await watcher.calls.call("kinesis", "PutRecord", {"StreamName": "s", "Data": b"1", "PartitionKey": "k"})
    assert watcher.woken == ["arn:aws:kinesis:us-east-1:000000000000:stream/s"]
    made = await watcher.calls.call(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "t",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        },
    )
    await watcher.calls.call("dynamodb", "PutItem", {"TableName": "t", "Item": {"id": {"S": "1"}}})
    assert watcher.woken[1:] == [made["TableDescription"]["LatestStreamArn"]]


async def test_what_is_hidden_comes_back_by_the_labs_clock(watcher: Watcher) -> None:
    await watcher.calls.call("sqs", "CreateQueue", {"QueueName": "woken"})
    await watcher.calls.call("sqs", "PurgeQueue", QUEUE)
    await watcher.calls.call("sqs", "SendMessage", {**QUEUE, "MessageBody": "1", "DelaySeconds": 900})
    assert "Messages" not in await watcher.calls.call("sqs", "ReceiveMessage", QUEUE)
    watcher.clock.advance(901)
    assert "Messages" in await watcher.calls.call("sqs", "ReceiveMessage", QUEUE)
