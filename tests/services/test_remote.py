"""Services elsewhere: what the lab sends there, and what it says when it can't. The remote services are another lab's,
which checks signatures as AWS does."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from lablambda.client import Lab
from tests.api_clients import RUNTIME, code_of
from tests.api_clients import code as package
from tests.processes import Home

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def near(lab: Lab) -> Iterator[Lab]:
    """A lab whose S3, SQS, SNS and so on are those of `lab`, with DynamoDB where nobody is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in lab.descriptor.variables().items():
            patch.setenv(name, value)
        with Lab.private(options=["--services", f"{lab.endpoint},dynamodb={NOBODY}"]) as private:
            yield private


@pytest.fixture
def bucket(lab: Lab) -> str:
    name = f"far-{uuid.uuid4()}"
    lab.client("s3").create_bucket(Bucket=name)
    return name


def test_what_is_made_by_one_is_found_by_the_other(near: Lab, lab: Lab, bucket: str) -> None:
    key = "a b/ü+%?.txt"
    near.client("s3").put_object(Bucket=bucket, Key=key, Body=b"text", Metadata={"mine": "x"})
    found = lab.client("s3").get_object(Bucket=bucket, Key=key)
    assert (found["Body"].read(), found["Metadata"]) == (b"text", {"mine": "x"})
    listed = near.client("s3").list_objects_v2(Bucket=bucket, Prefix="a b/")["Contents"]
    assert [entry["Key"] for entry in listed] == [key]
    assert near.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] == 4


def test_a_body_in_signed_chunks(near: Lab, lab: Lab, bucket: str) -> None:
    signature = ";chunk-signature=" + "0" * 64
    body = f"5{signature}\r\nhello\r\n0{signature}\r\n\r\n".encode()
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "5",
        "content-encoding": "aws-chunked",
    }
    request = AWSRequest("PUT", f"{near.endpoint}/{bucket}/chunks", data=body, headers=headers)
    keys = Credentials(near.descriptor.access_key, near.descriptor.secret_key)
    SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
    sender = URLLib3Session()
    assert sender.send(request.prepare()).status_code == 200
    sender.close()
    found = lab.client("s3").get_object(Bucket=bucket, Key="chunks")
    assert found["Body"].read() == b"hello"
    assert "ContentEncoding" not in found


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_address(near: Lab, bucket: str, version: str) -> None:
    near.client("s3").put_object(Bucket=bucket, Key="k", Body=b"text")
    client = near.client("s3", config=Config(signature_version=version))
    address = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urlopen(address) as answer:
        assert answer.read() == b"text"


def test_queues_go_by_the_remotes_addresses(near: Lab, lab: Lab) -> None:
    url = near.client("sqs").create_queue(QueueName="far")["QueueUrl"]
    near.client("sqs").send_message(QueueUrl=url, MessageBody="text")
    received = lab.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert [message["Body"] for message in received] == ["text"]


def test_code_comes_from_the_remote_s3(near: Lab, lab: Lab, bucket: str) -> None:
    source = package("def handler(event, context): return 'far'")
    lab.client("s3").put_object(Bucket=bucket, Key="code.zip", Body=source)
    near.client("lambda").create_function(
        FunctionName="far",
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/r",
        Handler="f.handler",
        Code={"S3Bucket": bucket, "S3Key": "code.zip"},
    )
    assert near.function("far").invoke({}).payload == "far"


def test_a_handlers_calls_go_there_too(near: Lab, lab: Lab, bucket: str) -> None:
    source = f"""
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket={bucket!r}, Key="by-handler", Body=b"x")
"""
    near.client("lambda").create_function(
        FunctionName="writer",
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/r",
        Handler="f.handler",
        Code={"ZipFile": package(source)},
        Timeout=30,
    )
    assert near.function("writer").invoke({}).error is None
    assert lab.client("s3").head_object(Bucket=bucket, Key="by-handler")


def test_errors_are_the_remotes_own(near: Lab) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        near.client("s3").list_objects_v2(Bucket="of-nobody")


def test_pushes_are_refused_before_they_go_nowhere(near: Lab, bucket: str) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:far"
    wanted = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    put = near.client("s3").put_bucket_notification_configuration
    _, _, told = code_of(lambda: put(Bucket=bucket, NotificationConfiguration=wanted))
    assert "can't call this lab's functions" in told
    put(Bucket=bucket, NotificationConfiguration={})  # which pushes nothing
    topic = near.client("sns").create_topic(Name="far")["TopicArn"]
    _, _, told = code_of(
        lambda: near.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    )
    assert "can't call this lab's functions" in told


def test_nobody_there(near: Lab) -> None:
    client = near.client("dynamodb", config=Config(retries={"max_attempts": 0}))
    _, _, told = code_of(client.list_tables)
    assert f"The services backend {NOBODY} doesn't answer" in told
    assert "Start it" in told


def test_the_status_names_them(near: Lab, lab: Lab) -> None:
    assert near.status()["services"] == {"backend": lab.endpoint, "dynamodb": NOBODY}


def test_a_lab_without_credentials_signs_all_the_same(tmp_path: Path, lab: Lab) -> None:
    home = Home(tmp_path)
    try:
        far = home.up("--services", lab.endpoint)
        status, code, _ = code_of(far.client("s3", config=Config(retries={"max_attempts": 0})).list_buckets)
        assert (status, code) == (
            403,
            "InvalidAccessKeyId",
        )  # the other lab doesn't know the key it was given
    finally:
        home.end()


def test_a_wrong_choice_is_told_of_at_once(tmp_path: Path) -> None:
    told = Home(tmp_path).run("up", "--services", "mto")
    assert told.returncode == 2
    assert "'mto' is neither moto nor none nor the URL of a backend" in told.stderr
