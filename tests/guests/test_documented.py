"""Handlers in the forms of AWS's documentation and samples, with nothing of the lab's in them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.rules.names import function_arn
from tests.api_clients import ROLE, RUNTIME
from tests.guests.conftest import Guest, Guests, publish

BUCKET, TABLE, QUEUE = "guest-receipts", "guest-orders", "guest-orders"
ENV = {"RECEIPT_BUCKET": BUCKET, "TABLE_NAME": TABLE, "QUEUE_NAME": QUEUE, "GREETING": "hello"}


@pytest.fixture(scope="module")
def queue(lab: Lab) -> Iterator[str]:
    """A bucket, a table and a queue of the lab's; the queue's URL."""
    s3, dynamodb, sqs = lab.client("s3"), lab.client("dynamodb"), lab.client("sqs")
    s3.create_bucket(Bucket=BUCKET)
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    url: str = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)
    dynamodb.delete_table(TableName=TABLE)


@pytest.fixture(scope="module")
def documented(guest: Guests, queue: str) -> Callable[[str], Guest]:
    """A function by `module.handler`, made when it is first asked for."""
    made: dict[str, Guest] = {}

    def of(name: str) -> Guest:
        if name not in made:
            module, _, handler = name.partition(".")
            made[name] = guest(module, handler, env=ENV)
        return made[name]

    return of


Documented = Callable[[str], Guest]

# ------------------------------------------------------------------------- the services of the lab


def test_a_receipt_in_a_bucket(lab: Lab, documented: Documented) -> None:
    store = documented("receipts.store_receipt")
    out = store.invoke({"Order_id": "12345", "Amount": 199.99, "Item": "Wireless Headphones"})
    assert out.payload["message"] == "Receipt processed successfully"
    body = lab.client("s3").get_object(Bucket=BUCKET, Key="receipts/12345.txt")["Body"].read()
    assert body == b"OrderID: 12345\nAmount: $199.99\nItem: Wireless Headphones"
    (line,) = store.said(out.request_id)
    assert line.split("\t")[0::2] == ["[INFO]", out.request_id]
    assert line.endswith(f"\tSuccessfully processed order 12345 and stored receipt in S3 bucket {BUCKET}")
    failed = store.invoke({"Amount": 1})
    assert failed.error is not None
    assert (failed.error["errorType"], failed.error["errorMessage"]) == ("KeyError", "'Order_id'")
    assert "Error processing order: 'Order_id'" in store.said(failed.request_id)[0]


def test_a_file_by_way_of_tmp(lab: Lab, documented: Documented) -> None:
    s3 = lab.client("s3")
    s3.put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"quiet")
    event = {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": {"key": "in/a.txt"}}}]}
    assert documented("receipts.copy_upper").payload(event) == "404"
    assert s3.get_object(Bucket=BUCKET, Key="upper/a.txt")["Body"].read() == b"QUIET"


def test_a_table_and_a_queue(lab: Lab, documented: Documented, queue: str) -> None:
    put = documented("receipts.put_order")
    assert [put.payload({"id": "a"}) for _ in range(2)] == [
        {"price": 9.99, "count": 1, "calls": number} for number in (1, 2)
    ]
    messages = lab.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [{"id": "a"}] * 2
    assert messages[0]["MessageAttributes"]["kind"]["StringValue"] == "order"


def test_a_function_is_its_role(documented: Documented) -> None:
    whoami = documented("receipts.whoami")
    role = ROLE.rpartition("/")[2]
    assert whoami.payload() == f"arn:aws:sts::000000000000:assumed-role/{role}/{whoami.name}"


# ------------------------------------------------------------------------------------- the context


def test_the_context(functions: Any, documented: Documented) -> None:
    shown = documented("context_fields.lambda_handler")
    out = shown.invoke()
    assert out.payload == {"less": True} | dict.fromkeys(("title", "version", "custom", "env", "identity"))
    lines = dict(line.split(": ", 1) for line in shown.said(out.request_id))
    assert lines.pop("CloudWatch log stream name")
    assert lines == {
        "Lambda function ARN": function_arn(shown.name),
        "CloudWatch log group name": f"/aws/lambda/{shown.name}",
        "Lambda Request ID": out.request_id,
        "Lambda function memory limits in MB": "512",
    }
    client = {
        "client": {"app_title": "shop", "app_version_name": "1.2"},
        "custom": {"k": "v"},
        "env": {"locale": "de"},
    }
    answer = functions.invoke(
        FunctionName=shown.name, ClientContext=base64.b64encode(json.dumps(client).encode()).decode()
    )
    assert json.load(answer["Payload"]) == {
        "less": True,
        "title": "shop",
        "version": "1.2",
        "custom": {"k": "v"},
        "env": {"locale": "de"},
        "identity": None,
    }


# ----------------------------------------------------------------------------------------- logging


def test_what_is_logged(documented: Documented) -> None:
    logs = documented("logging_forms.handler")
    out = logs.invoke({})
    assert out.payload == 1
    lines = logs.said(out.request_id)
    assert [line.rpartition("\t")[2] for line in lines[:3]] == [
        "## ENVIRONMENT VARIABLES",
        "one of 2",
        "a long\nstory",
    ]
    assert [line.split("\t")[0] for line in lines] == [
        "[INFO]",
        "[WARNING]",
        "[ERROR]",
        "[ERROR]",
        "by the context",
    ]
    assert "no such key\nTraceback (most recent call last):\n" in lines[3]
    assert lines[3].endswith("KeyError: 'absent'")
    assert "\t\tno structlog" in out.logs  # during init there is no request id yet


def test_a_handler_or_a_format_of_its_own(documented: Documented) -> None:
    own = documented("logging_forms.own_handler")
    assert own.said(own.invoke().request_id) == ["ERROR by my own handler"]
    own = documented("logging_forms.reformatted")
    out = own.invoke()
    assert own.said(out.request_id) == [f"INFO|{out.request_id}|in a format of my own"]


def test_what_is_printed_and_warned(documented: Documented) -> None:
    warned = documented("workshop.warned")
    place, *lines = warned.said(warned.invoke().request_id)
    assert place.partition("/workshop.py:")[2].endswith(": UserWarning: careful")
    assert lines == [
        '  warnings.warn("careful", stacklevel=1)',
        "half a line",
        "two-words!a",
        "b",
    ]


# ------------------------------------------------------------------------------------- the machine


@pytest.mark.parametrize(
    ("handler", "event", "result"),
    [
        ("threads", None, ["000000000000"]),
        ("loop", [1, 2], [2, 4]),
        ("old_loop", [1, 2], [2, 4]),
        ("children", None, ["[1]", 1, "hello\n"]),
        ("processes", [2, 3], [4, 9]),
        ("server", None, "hello from /here"),
    ],
)
def test_working(documented: Documented, handler: str, event: Any, result: Any) -> None:
    guest = documented(f"workshop.{handler}")
    assert guest.payload(event) == result
    assert guest.payload(event) == result, "and again, warm"


def test_what_threads_and_children_print(documented: Documented) -> None:
    guest = documented("workshop.threads")
    assert guest.said(guest.invoke().request_id) == ["from a thread"]
    guest = documented("workshop.children")
    assert guest.said(guest.invoke().request_id) == ["from a child", "its error"]


def test_files_live_as_long_as_the_environment(documented: Documented) -> None:
    guest = documented("workshop.files")
    assert [guest.payload() for _ in range(2)] == [[1, True, True], [2, True, True]]


def test_surroundings(documented: Documented) -> None:
    assert documented("workshop.surroundings").payload() == {
        "utc": True,
        "zone": "UTC",
        "encodings": ["utf-8", "utf-8", "utf-8"],
        "package": True,
        "greeting": "hello",
        "region": "us-east-1",
        "runtime": f"AWS_Lambda_{RUNTIME}",
        "secrets": [],
        "stdin": "",
        "main": "workshop",
    }


def test_the_runtimes_packages_know_their_versions(documented: Documented) -> None:
    import boto3

    assert documented("workshop.versions").payload() == [boto3.__version__, True]


# ---------------------------------------------------------------------------------- a heavy package


def test_numpy_in_a_layer_beside_another(guest: Guests, functions: Any, layer: str) -> None:
    layers = [layer, publish(functions, ["numpy>=2,<3"])]
    arrays = guest("arrays", Layers=layers)
    assert arrays.payload({"matrix": [[2, 0], [0, 4]]}) == {
        "inverse": [[0.5, 0.0], [0.0, 0.25]],
        "mean": 1.5,
        "version": True,
        "from": "numpy/__init__.py",
    }
    told = guest("arrays", "unserialisable", Layers=layers).invoke().error
    assert told is not None
    assert told["errorType"] == "Runtime.MarshalError"
    assert told["errorMessage"] == (
        "Unable to marshal response: Object of type float32 is not JSON serializable"
    )
