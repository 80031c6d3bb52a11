"""Lambda's API as boto3 sees it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lablambda.client import Lab
from lablambda.packaging.zips import zip_files
from tests.api_clients import ROLE, RUNTIME

Create = Callable[..., str]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    response: dict[str, Any] = caught.value.response
    return response


def code_of(call: Callable[[], Any]) -> tuple[int, str, str]:
    response = refused(call)
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


# ------------------------------------------------------------------------------------------ functions


def test_create_answers_as_aws_does(functions: Any) -> None:
    data = zip_files({"f.py": b"def handler(e, c): pass"})
    answer = functions.create_function(
        FunctionName="created", Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code={"ZipFile": data}
    )
    metadata = answer.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 201
    assert metadata["RequestId"]
    arn = answer["RuntimeVersionConfig"].pop("RuntimeVersionArn")
    assert arn.startswith("arn:aws:lambda:us-east-1::runtime:")
    assert answer.pop("LastModified").endswith("+0000")
    assert len(answer.pop("RevisionId")) == 36
    assert answer == {
        "FunctionName": "created",
        "FunctionArn": f"{ARN}created",
        "Runtime": RUNTIME,
        "Role": ROLE,
        "Handler": "f.handler",
        "CodeSize": len(data),
        "CodeSha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/created"},
    }
    functions.get_waiter("function_active_v2").wait(FunctionName="created")
    functions.delete_function(FunctionName="created")


def test_a_function_can_be_read_by_every_name(functions: Any, create: Create) -> None:
    name = create(Environment={"Variables": {"K1": "v"}}, Tags={"team": "a"})
    for form in (name, f"{ARN}{name}", f"000000000000:function:{name}"):
        answer = functions.get_function(FunctionName=form)
        assert answer["Configuration"]["FunctionArn"] == f"{ARN}{name}"
        assert answer["Configuration"]["State"] == "Active"
        assert answer["Configuration"]["LastUpdateStatus"] == "Successful"
        assert answer["Configuration"]["Environment"] == {"Variables": {"K1": "v"}}
        assert answer["Tags"] == {"team": "a"}
        assert answer["Code"]["RepositoryType"] == "S3"
    qualified = functions.get_function_configuration(FunctionName=name, Qualifier="$LATEST")
    assert qualified["FunctionArn"] == f"{ARN}{name}:$LATEST"


def test_settings_that_are_only_stored_are_echoed(functions: Any, create: Create) -> None:
    name = create(Description="text", TracingConfig={"Mode": "Active"}, EphemeralStorage={"Size": 1024})
    found = functions.get_function_configuration(FunctionName=name)
    assert found["Description"] == "text"
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert found["EphemeralStorage"] == {"Size": 1024}


def test_new_code_is_used_at_once(functions: Any, create: Create) -> None:
    name = create("def handler(e, c): return 'old'")
    before = functions.get_function_configuration(FunctionName=name)
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "old"
    data = zip_files({"f.py": b"def handler(e, c): return 'new'"})
    answer = functions.update_function_code(FunctionName=name, ZipFile=data)
    assert answer["LastUpdateStatus"] == "InProgress"
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    after = functions.get_function_configuration(FunctionName=name)
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "new"
    assert after["RevisionId"] != before["RevisionId"]
    assert after["CodeSha256"] != before["CodeSha256"]


def test_new_settings_are_used_at_once(functions: Any, create: Create) -> None:
    name = create("import os\ndef handler(e, c): return [os.environ.get('K1'), c.memory_limit_in_mb]")
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == [None, "128"]
    functions.update_function_configuration(
        FunctionName=name, MemorySize=256, Environment={"Variables": {"K1": "v"}}
    )
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == ["v", "256"]
    functions.update_function_configuration(FunctionName=name, Description="only this")
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == ["v", "256"]


def test_a_stale_revision_is_refused(functions: Any, create: Create) -> None:
    name = create()
    stale = functions.get_function_configuration(FunctionName=name)["RevisionId"]
    functions.update_function_configuration(FunctionName=name, Timeout=5)
    status, code, message = code_of(
        lambda: functions.update_function_configuration(FunctionName=name, Timeout=6, RevisionId=stale)
    )
    assert (status, code) == (412, "PreconditionFailedException")
    assert "does not match the latest Revision Id" in message


def test_delete(functions: Any, create: Create) -> None:
    name = create()
    assert functions.delete_function(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(lambda: functions.get_function(FunctionName=name)) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}{name}",
    )
    assert code_of(lambda: functions.delete_function(FunctionName=name))[:2] == (
        404,
        "ResourceNotFoundException",
    )


def test_a_name_that_is_taken(functions: Any, create: Create) -> None:
    name = create()
    found = code_of(
        lambda: functions.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="f.handler",
            Code={"ZipFile": zip_files({"f.py": b""})},
        )
    )
    assert found == (409, "ResourceConflictException", f"Function already exist: {name}")


def test_listing_goes_by_pages(functions: Any, create: Create) -> None:
    names = {create() for _ in range(5)}
    pages = list(functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert all(len(page["Functions"]) <= 2 for page in pages)
    found = [function["FunctionName"] for page in pages for function in page["Functions"]]
    assert names <= set(found)
    assert found == sorted(found)
    status, code, _ = code_of(lambda: functions.list_functions(Marker="not a marker"))
    assert (status, code) == (400, "InvalidParameterValueException")


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"Runtime": "cobol85"}, 400, "ValidationException", "enum value set"),
        ({"Runtime": "ruby3.4"}, 400, "InvalidParameterValueException", f"it has {RUNTIME}"),
        ({"MemorySize": 64, "Timeout": 901}, 400, "ValidationException", "2 validation errors detected"),
        ({"Role": "nobody"}, 400, "ValidationException", "at 'role' failed to satisfy constraint"),
        ({"Code": {"ZipFile": b"no zip"}}, 400, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {}}, 400, "InvalidParameterValueException", "Please provide a source for function code."),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:none:1"]}, 404, "ResourceNotFoundException", "does not exist"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, 400, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"BIG": "x" * 4096}}}, 400, "InvalidParameterValueException", "exceeded the 4KB limit"),
        ({"PackageType": "Image"}, 501, "NotImplementedException", "container images are not implemented"),
        ({"Code": {"ZipFile": b"x" * (50 * 1024 * 1024 + 1)}}, 413, "RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes"),
    ],
)  # fmt: skip
def test_bad_input(functions: Any, changes: dict[str, Any], status: int, code: str, message: str) -> None:
    good = {
        "Runtime": RUNTIME,
        "Role": ROLE,
        "Handler": "f.handler",
        "Code": {"ZipFile": zip_files({"f.py": b""})},
    }
    found = code_of(lambda: functions.create_function(FunctionName="never-made", **{**good, **changes}))
    assert found[:2] == (status, code)
    assert message in found[2]
    assert code_of(lambda: functions.get_function(FunctionName="never-made"))[0] == 404


def test_what_is_not_built_says_so(functions: Any, create: Create) -> None:
    name = create()
    found = code_of(lambda: functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1"))
    assert found == (
        501,
        "NotImplementedException",
        "CreateAlias is not implemented in this version of lablambda.",
    )
    assert code_of(lambda: functions.publish_version(FunctionName=name))[:2] == (
        501,
        "NotImplementedException",
    )


# ------------------------------------------------------------------------------------------ invoking


def test_invoke(functions: Any, create: Create) -> None:
    name = create()
    answer = functions.invoke(FunctionName=name, Payload=b'{"a": [1, "\xc3\xa9"]}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) == {"a": [1, "é"]}
    log = base64.b64decode(answer["LogResult"]).decode()
    assert f"START RequestId: {answer['ResponseMetadata']['RequestId']} Version: $LATEST\n" in log
    assert "LogResult" not in functions.invoke(FunctionName=name)


def test_a_failing_function_is_a_successful_call(functions: Any, create: Create) -> None:
    answer = functions.invoke(FunctionName=create("def handler(e, c): 1 / 0"))
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"])["errorType"] == "ZeroDivisionError"


def test_the_arn_is_as_invoked(functions: Any, create: Create) -> None:
    name = create("def handler(e, c): return c.invoked_function_arn")
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == f"{ARN}{name}"
    assert (
        json.load(functions.invoke(FunctionName=name, Qualifier="$LATEST")["Payload"])
        == f"{ARN}{name}:$LATEST"
    )


def test_no_event_is_an_empty_one(functions: Any, create: Create) -> None:
    assert json.load(functions.invoke(FunctionName=create())["Payload"]) == {}


def test_client_context(functions: Any, create: Create) -> None:
    name = create("def handler(e, c): return c.client_context.custom")
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    assert json.load(functions.invoke(FunctionName=name, ClientContext=context)["Payload"]) == {"k": "v"}


def test_a_dry_run_runs_nothing(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    assert functions.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert len(lab.function(name).invocations()) == 0


def test_an_asynchronous_invocation(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert "ExecutedVersion" not in answer
    lab.settle()
    (record,) = lab.function(name).invocations()
    assert record.request_id == answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("payload", [b"{", b"\xff\xfe", b"nonsense", b'{"a": 1} x', b"[" * 100_000])
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_event_that_is_no_json(functions: Any, create: Create, payload: bytes, kind: str) -> None:
    name = create()
    status, code, message = code_of(
        lambda: functions.invoke(FunctionName=name, Payload=payload, InvocationType=kind)
    )
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
def test_an_event_over_the_limit(functions: Any, create: Create, kind: str, limit: int) -> None:
    name = create()
    most = json.dumps("x" * (limit - 2)).encode()
    assert functions.invoke(FunctionName=name, Payload=most, InvocationType=kind)["StatusCode"] in (200, 202)
    found = code_of(lambda: functions.invoke(FunctionName=name, Payload=most + b" ", InvocationType=kind))
    assert found == (
        413,
        "RequestEntityTooLargeException",
        f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
    )


def test_a_function_that_does_not_exist(functions: Any) -> None:
    response = refused(lambda: functions.invoke(FunctionName="nowhere"))
    assert response["Error"]["Message"] == f"Function not found: {ARN}nowhere:$LATEST"
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "ResourceNotFoundException"
    assert code_of(lambda: functions.invoke(FunctionName="nowhere", Qualifier="7"))[0] == 404


def test_handlers_use_plain_boto3(functions: Any, create: Create) -> None:
    source = """
import boto3
def handler(event, context):
    me = boto3.client("sts").get_caller_identity()["Account"]
    names = [f["FunctionName"] for f in boto3.client("lambda").list_functions()["Functions"]]
    return [me, context.function_name in names]
"""
    answer = functions.invoke(FunctionName=create(source, Timeout=60))
    assert json.load(answer["Payload"]) == ["000000000000", True]


# --------------------------------------------------------------------------------------- permissions


def test_permissions(functions: Any, create: Create) -> None:
    name = create()
    assert code_of(lambda: functions.get_policy(FunctionName=name)) == (
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    given = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    more = {"SourceArn": "arn:aws:s3:::b", "SourceAccount": "000000000000"}
    statement = json.loads(functions.add_permission(FunctionName=name, **given, **more)["Statement"])
    assert statement == {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ARN}{name}",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
        },
    }
    assert code_of(lambda: functions.add_permission(FunctionName=name, **given))[:2] == (
        409,
        "ResourceConflictException",
    )
    policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    functions.remove_permission(FunctionName=name, StatementId="s3")
    assert code_of(lambda: functions.remove_permission(FunctionName=name, StatementId="s3")) == (
        404,
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )


@pytest.mark.parametrize(
    ("principal", "written"),
    [("*", "*"), ("111111111111", {"AWS": "arn:aws:iam::111111111111:root"}), ("sns.amazonaws.com", {"Service": "sns.amazonaws.com"})],
)  # fmt: skip
def test_principals(functions: Any, create: Create, principal: str, written: Any) -> None:
    answer = functions.add_permission(
        FunctionName=create(), StatementId="s", Action="lambda:InvokeFunction", Principal=principal
    )
    assert json.loads(answer["Statement"])["Principal"] == written


# -------------------------------------------------------------------------------------------- layers


def test_layers(functions: Any, create: Create) -> None:
    def publish(text: str) -> str:
        data = zip_files({"python/shared.py": f"VALUE = {text!r}".encode(), f"{text}.txt": b""})
        answer = functions.publish_layer_version(
            LayerName="shared", Content={"ZipFile": data}, CompatibleRuntimes=[RUNTIME]
        )
        return str(answer["LayerVersionArn"])

    first, second = publish("one"), publish("two")
    assert (first[-2:], second[-2:]) == (":1", ":2")
    source = "import shared, os\ndef handler(e, c): return shared.VALUE"
    name = create(source, Layers=[first])
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "one"
    functions.update_function_configuration(FunctionName=name, Layers=[first, second])
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "two"
    assert [
        version["Version"] for version in functions.list_layer_versions(LayerName="shared")["LayerVersions"]
    ] == [2, 1]
    assert functions.get_layer_version(LayerName="shared", VersionNumber=1)["CompatibleRuntimes"] == [RUNTIME]


# ---------------------------------------------------------------------------------------- the door


def raw(lab: Lab, method: str, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(lab.endpoint.rpartition(":")[2]))
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_an_unsigned_request_is_refused(lab: Lab) -> None:
    status, body = raw(lab, "GET", "/2015-03-31/functions")
    assert (status, json.loads(body)) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize("service", ["lambda", "s3", "sqs", "dynamodb", "sts", "logs"])
def test_wrong_keys_are_refused_in_every_services_own_words(lab: Lab, service: str) -> None:
    import boto3

    calls = {
        "lambda": ("list_functions", "UnrecognizedClientException"),
        "s3": ("list_buckets", "InvalidAccessKeyId"),
        "sqs": ("list_queues", "UnrecognizedClientException"),
        "dynamodb": ("list_tables", "UnrecognizedClientException"),
        "sts": ("get_caller_identity", "InvalidClientTokenId"),
        "logs": ("describe_log_groups", "UnrecognizedClientException"),
    }
    operation, expected = calls[service]
    client = boto3.Session("AKIDNOBODY", "wrong", region_name="us-east-1").client(
        service, endpoint_url=lab.endpoint
    )
    status, code, _ = code_of(getattr(client, operation))
    assert (status, code) == (403, expected)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "localhost.evil.example:80"]
)
def test_a_foreign_host_is_refused(lab: Lab, host: str) -> None:
    status, body = raw(lab, "GET", "/2015-03-31/functions", Host=host)
    assert status == 403
    assert "loopback only" in body
