"""The services backend: real moto in its own process, reached by boto3 through the lab's door."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from lablambda.clock import Clock
from lablambda.model.errors import ServiceFault
from lablambda.services.backend import Push, ServiceRequest
from lablambda.services.moto_backend import MotoServices
from tests.processes import gone

LIST_BUCKETS = ServiceRequest(
    "GET",
    "/",
    "",
    {
        "host": "127.0.0.1",
        "authorization": "AWS4-HMAC-SHA256 Credential=a/20261101/us-east-1/s3/aws4_request",
    },
    b"",
)


async def nobody(_: Push) -> str | None:
    return "nobody is there"


# -------------------------------------------------------------------------------------- through boto3


def test_s3_objects(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="objects")
    key = "a folder/é +%&.txt"
    s3.put_object(
        Bucket="objects", Key=key, Body=b"0123456789", Metadata={"my_key": "v"}, ContentType="text/x"
    )
    found = s3.get_object(Bucket="objects", Key=key)
    assert found["Body"].read() == b"0123456789"
    assert (found["Metadata"], found["ContentType"]) == ({"my_key": "v"}, "text/x")
    assert s3.head_object(Bucket="objects", Key=key)["ContentLength"] == 10
    assert s3.get_object(Bucket="objects", Key=key, Range="bytes=2-4")["Body"].read() == b"234"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="objects", Prefix="a folder/")["Contents"]] == [
        key
    ]
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="objects", Key="none")


def test_a_large_upload_goes_in_parts(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="large")
    data = bytes(range(256)) * 90_000
    s3.upload_fileobj(io.BytesIO(data), "large", "blob")
    out = io.BytesIO()
    s3.download_fileobj("large", "blob", out)
    assert out.getvalue() == data


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url(lab: Lab, version: str) -> None:
    from botocore.config import Config

    s3 = lab.client("s3")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="k", Body=b"content")
    signer = lab.client("s3", config=Config(signature_version=version))
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "k"})
    with urlopen(url) as answer:
        assert answer.read() == b"content"


def test_other_services(lab: Lab) -> None:
    dynamodb = lab.client("dynamodb")
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="t", Item={"id": {"S": "a"}, "n": {"N": "1"}})
    assert dynamodb.get_item(TableName="t", Key={"id": {"S": "a"}})["Item"]["n"] == {"N": "1"}
    sqs = lab.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    topic = lab.client("sns").create_topic(Name="topic")["TopicArn"]
    assert topic == "arn:aws:sns:us-east-1:000000000000:topic"
    assert lab.client("sts").get_caller_identity()["Account"] == "000000000000"


# ------------------------------------------------------------------------------------------ S3 events


@pytest.fixture
def watched(lab: Lab, create: Callable[..., str], request: pytest.FixtureRequest) -> tuple[Any, str, str]:
    """An S3 client, a bucket, and a function that answers with its event."""
    function = create("import json\ndef handler(event, context): print(json.dumps(event))")
    s3, bucket = lab.client("s3"), f"watched-{function}"
    s3.create_bucket(Bucket=bucket)
    lab.client("lambda").add_permission(
        FunctionName=function,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    return s3, bucket, function


def notify(s3: Any, bucket: str, function: str, *events: str, **more: Any) -> None:
    target = {
        "Id": "mine",
        "LambdaFunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        "Events": list(events or ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]),
        **more,
    }
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [target]}
    )


def events_of(lab: Lab, function: str) -> list[dict[str, Any]]:
    """The records that the function got, in order of arrival."""
    lab.settle()
    lines = [event.message for event in lab.function(function).logs()]
    return [
        record for line in lines if line.startswith('{"Records"') for record in json.loads(line)["Records"]
    ]


def test_the_record_of_an_upload(lab: Lab, watched: tuple[Any, str, str]) -> None:
    s3, bucket, function = watched
    notify(s3, bucket, function)
    s3.put_object(Bucket=bucket, Key="in/a b@é.txt", Body=b"hello world")
    (record,) = events_of(lab, function)
    described = record.pop("s3")
    assert len(record.pop("responseElements")["x-amz-request-id"]) == 16
    assert record.pop("eventTime").endswith("Z")
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:000000000000"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
    }
    assert int(described["object"].pop("sequencer"), 16) > 0
    assert described == {
        "s3SchemaVersion": "1.0",
        "configurationId": "mine",
        "bucket": {
            "name": bucket,
            "ownerIdentity": {"principalId": "000000000000"},
            "arn": f"arn:aws:s3:::{bucket}",
        },
        "object": {"key": "in/a+b%40%C3%A9.txt", "size": 11, "eTag": "5eb63bbbe01eeed093cb22bb8f5acdc3"},
    }


def test_every_kind_of_event(lab: Lab, watched: tuple[Any, str, str]) -> None:
    s3, bucket, function = watched
    notify(s3, bucket, function, "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    s3.upload_fileobj(io.BytesIO(bytes(9_000_000)), bucket, "parts")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object(Bucket=bucket, Key="k")
    records = events_of(lab, function)
    found = {record["eventName"]: record["s3"]["object"] for record in records}
    assert sorted(record["eventName"] for record in records) == [
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectCreated:Copy",
        "ObjectCreated:Put",
        "ObjectRemoved:Delete",
        "ObjectTagging:Put",
    ]
    assert "sequencer" not in found["ObjectTagging:Put"]
    assert found["ObjectCreated:CompleteMultipartUpload"]["size"] == 9_000_000
    assert set(found["ObjectRemoved:Delete"]) == {"key", "sequencer"}
    order = [
        found[f"Object{name}"]["sequencer"] for name in ("Created:Put", "Created:Copy", "Removed:Delete")
    ]
    assert order == sorted(order)


def test_a_versioned_bucket(lab: Lab, watched: tuple[Any, str, str]) -> None:
    s3, bucket, function = watched
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    notify(s3, bucket, function)
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    found = {
        record["eventName"]: record["s3"]["object"].get("versionId") for record in events_of(lab, function)
    }
    assert found == {"ObjectCreated:Put": version, "ObjectRemoved:DeleteMarkerCreated": marker}


def test_prefix_and_suffix(lab: Lab, watched: tuple[Any, str, str]) -> None:
    s3, bucket, function = watched
    rules = [{"Name": "Prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    notify(s3, bucket, function, "s3:ObjectCreated:Put", Filter={"Key": {"FilterRules": rules}})
    for key in ("in/a.jpg", "in/a.png", "out/a.jpg", "in/b.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key="in/a.jpg")
    assert sorted(r["s3"]["object"]["key"] for r in events_of(lab, function)) == ["in/a.jpg", "in/b.jpg"]


def test_a_function_that_does_not_let_the_bucket_in(lab: Lab, create: Callable[..., str]) -> None:
    function = create()
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="stranger")
    with pytest.raises(
        ClientError, match="Unable to validate the following destination configurations"
    ) as caught:
        notify(s3, "stranger", function)
    assert caught.value.response["Error"]["Code"] == "InvalidArgument"
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket="stranger")


def test_permission_taken_away_later_stops_events(lab: Lab, watched: tuple[Any, str, str]) -> None:
    s3, bucket, function = watched
    notify(s3, bucket, function)
    lab.client("lambda").remove_permission(FunctionName=function, StatementId="s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert events_of(lab, function) == []
    log = (Path(lab.descriptor.data) / "services" / "services.log").read_text()
    assert f"an event from arn:aws:s3:::{bucket}" in log
    assert "wasn't delivered: Not authorized to invoke function" in log


# ---------------------------------------------------------------------------------------- the process


def test_a_killed_backend_says_so_and_comes_back() -> None:
    with Lab.private() as lab:
        from botocore.config import Config

        s3 = lab.client("s3", config=Config(retries={"max_attempts": 0}))
        s3.create_bucket(Bucket="lost")
        (services,) = [
            child
            for child in psutil.Process(lab.descriptor.pid).children()
            if "moto_server" in " ".join(child.cmdline())
        ]
        services.send_signal(signal.SIGKILL)
        assert gone([services.pid])
        with pytest.raises(
            ClientError, match=r"killed by signal 9.* buckets, tables and queues must be made again"
        ):
            s3.list_buckets()
        assert s3.list_buckets()["Buckets"] == []
        s3.create_bucket(Bucket="again")
        assert "killed by signal 9" in lab.status()["services"]["lost"]
        s3.close()


def test_only_the_owner_can_reach_its_socket(lab: Lab) -> None:
    lab.client("s3").list_buckets()
    folder = Path(lab.descriptor.data) / "services"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "socket").stat().st_mode & 0o777 == 0o600


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[MotoServices]:
    made = MotoServices(tmp_path, nobody, lambda _: None, Clock())
    yield made
    await made.close()


@pytest.mark.anyio
async def test_a_backend_that_breaks_off_in_the_middle(services: MotoServices) -> None:
    assert (await services.forward(LIST_BUCKETS)).status == 200
    process = services._process
    assert process is not None
    assert isinstance(process.process, asyncio.subprocess.Process)
    process.process.send_signal(signal.SIGSTOP)
    asking = [asyncio.ensure_future(services.forward(LIST_BUCKETS)) for _ in range(5)]
    await asyncio.sleep(0.05)
    process.process.kill()
    for error in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(error, ServiceFault)
        assert "buckets, tables and queues must be made again" in str(error)
    assert (await services.forward(LIST_BUCKETS)).status == 200


@pytest.mark.anyio
async def test_moto_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServiceFault, match=r"Install it: pip install 'moto\[server\]'"):
        await MotoServices(tmp_path, nobody, lambda _: None, Clock()).forward(LIST_BUCKETS)


@pytest.mark.anyio
async def test_a_moto_that_has_moved_its_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a moto whose S3 has no such function any more
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "sitecustomize.py").write_text("import moto.s3.notifications as n\ndel n._get_s3_event\n")
    monkeypatch.setenv("PYTHONPATH", str(shadow))
    # then the backend doesn't start, and says why
    services = MotoServices(tmp_path / "data", nobody, lambda _: None, Clock())
    with pytest.raises(ServiceFault, match="_get_s3_event"):
        await services.forward(LIST_BUCKETS)


@pytest.mark.anyio
async def test_first_requests_at_once_start_one_backend(services: MotoServices, tmp_path: Path) -> None:
    answers = await asyncio.gather(*(services.forward(LIST_BUCKETS) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    started = [child for child in psutil.Process().children() if child.cwd() == str(tmp_path)]
    assert len(started) == 1


@pytest.mark.anyio
async def test_a_folder_whose_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    services = MotoServices(tmp_path / ("x" * 150), nobody, lambda _: None, Clock())
    assert (await services.forward(LIST_BUCKETS)).status == 200
    await services.close()
