"""Functions as boto3 sees them: create, read, change, delete."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.error
import urllib.request
from functools import partial
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.connection import ApiError
from lablambda.packaging.zips import zip_files
from tests.api_clients import ARN, ROLE, RUNTIME, Create, code, code_of

ECHO = "def handler(event, context): return event"


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
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
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


STORED = [
    {"Description": "text"},
    {"TracingConfig": {"Mode": "Active"}},
    {"EphemeralStorage": {"Size": 1024}},
    {"Architectures": ["arm64"]},
    {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"},
    {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}},
    {"FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-01234567890123456", "LocalMountPath": "/mnt/x"}]},
    {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/other"}},
]  # fmt: skip


@pytest.mark.parametrize("settings", STORED, ids=lambda settings: next(iter(settings)))
def test_settings_are_echoed(functions: Any, create: Create, settings: dict[str, Any]) -> None:
    name = create(**settings)
    (member,) = settings
    assert functions.get_function_configuration(FunctionName=name)[member] == settings[member]


def test_a_vpc_is_echoed(functions: Any, create: Create) -> None:
    name = create(VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})
    found = functions.get_function_configuration(FunctionName=name)["VpcConfig"]
    assert (found["SubnetIds"], found["SecurityGroupIds"]) == (["subnet-1"], ["sg-1"])


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}}, {"DeadLetterConfig": {"TargetArn": ""}}),
        ({"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"}, {"KMSKeyArn": ""}),
        (STORED[-2], {"FileSystemConfigs": []}),
    ],
)  # fmt: skip
def test_settings_are_taken_away_by_empty_ones(
    functions: Any, create: Create, before: dict[str, Any], change: dict[str, Any]
) -> None:
    name = create(**before)
    functions.update_function_configuration(FunctionName=name, **change)
    assert not set(change) & set(functions.get_function_configuration(FunctionName=name))


def test_snap_start_without_a_choice_is_none(functions: Any, create: Create) -> None:
    name = create(SnapStart={})
    answer = functions.update_function_configuration(FunctionName=name, SnapStart={})
    assert answer["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}


def test_json_logs_have_levels_and_text_logs_none(functions: Any, create: Create) -> None:
    name = create(LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"})
    group = f"/aws/lambda/{name}"
    assert functions.get_function_configuration(FunctionName=name)["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": group,
    }
    answer = functions.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text"})
    assert answer["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": group}
    found = code_of(
        lambda: functions.update_function_configuration(
            FunctionName=name, LoggingConfig={"ApplicationLogLevel": "DEBUG"}
        )
    )
    assert found[:2] == (400, "InvalidParameterValueException")


def test_states_pass_and_revisions_change_with_them(functions: Any) -> None:
    created = functions.create_function(
        FunctionName="states", Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code={"ZipFile": code(ECHO)}
    )
    assert created["State"] == "Pending"
    assert "LastUpdateStatus" not in created
    functions.get_waiter("function_active").wait(FunctionName="states")
    active = functions.get_function_configuration(FunctionName="states")
    assert (active["State"], active["LastUpdateStatus"]) == ("Active", "Successful")
    assert not {"StateReason", "StateReasonCode"} & set(active)
    updated = functions.update_function_configuration(FunctionName="states", Timeout=9)
    assert (updated["State"], updated["LastUpdateStatus"]) == ("Active", "InProgress")
    assert updated["LastUpdateStatusReasonCode"] == "Creating"
    functions.get_waiter("function_updated").wait(FunctionName="states")
    settled = functions.get_function_configuration(FunctionName="states")
    assert not {"LastUpdateStatusReason", "LastUpdateStatusReasonCode"} & set(settled)
    revisions = [answer["RevisionId"] for answer in (created, active, updated, settled)]
    assert len(set(revisions)) == 4
    functions.delete_function(FunctionName="states")


def test_requests_wait_for_a_change_under_way(functions: Any) -> None:
    """AWS refuses some of these; here the states last so shortly that a refusal would be chance."""
    functions.create_function(
        FunctionName="busy", Runtime=RUNTIME, Role=ROLE, Handler="f.handler", Code={"ZipFile": code(ECHO)}
    )
    assert json.load(functions.invoke(FunctionName="busy", Payload=b"1")["Payload"]) == 1
    for number in range(5):
        functions.update_function_configuration(FunctionName="busy", Timeout=number + 1)
        functions.update_function_code(
            FunctionName="busy", ZipFile=code(f"def handler(e, c): return {number}")
        )
        assert json.load(functions.invoke(FunctionName="busy")["Payload"]) == number
        assert functions.publish_version(FunctionName="busy")["Version"] == str(number + 1)
    functions.delete_function(FunctionName="busy")


def test_the_code_can_be_downloaded(functions: Any, create: Create) -> None:
    name = create(ECHO)
    location = functions.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:  # as anybody would: nothing but the address
        assert answer.read() == code(ECHO)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(location.replace("packages/", "packages/0"))


def test_code_comes_from_s3(functions: Any, create: Create, lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="packages")
    s3.put_bucket_versioning(Bucket="packages", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="packages", Key="a b/f.zip", Body=code("def handler(e, c): return 'first'"))
    s3.put_object(Bucket="packages", Key="a b/f.zip", Body=code("def handler(e, c): return 'second'"))
    source = {"S3Bucket": "packages", "S3Key": "a b/f.zip"}
    name = create(Code=source)
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "second"
    functions.update_function_code(FunctionName=name, **source, S3ObjectVersion=first["VersionId"])
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "first"
    for wrong, said in (({"S3Key": "none"}, "NoSuchKey"), ({"S3Bucket": "no-such-bucket"}, "NoSuchBucket")):
        absent = {**source, **wrong}
        found = code_of(partial(functions.update_function_code, FunctionName=name, **absent))
        assert found[:2] == (400, "InvalidParameterValueException")
        assert found[2].startswith(
            f"Error occurred while GetObject. S3 Error Code: {said}. S3 Error Message: "
        )


def test_a_dry_run_of_new_code_changes_nothing(functions: Any, create: Create) -> None:
    name = create(ECHO)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    before = functions.get_function_configuration(FunctionName=name)
    data = code("def handler(e, c): return 'new'")
    answer = functions.update_function_code(FunctionName=name, ZipFile=data, DryRun=True)
    assert answer["CodeSize"] == len(data)
    after = functions.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_unknown_members_and_trailing_slashes_are_taken(lab: Lab, create: Create) -> None:
    name = create()
    answer = lab.connection.request(
        "lambda",
        "PUT",
        f"/2015-03-31/functions/{name}/configuration",
        body=json.dumps({"Timeout": 7, "FromTheFuture": {"a": 1}}).encode(),
    )
    assert answer.json()["Timeout"] == 7
    assert lab.connection.request("lambda", "GET", "/2015-03-31/functions/").status == 200


DEEP = b'{"Variables":' * 900 + b"1" + b"}" * 900


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("configuration", b'{"Environment":' + DEEP + b"}", "InvalidRequestContentException"),
        ("configuration", b'{"Timeout": false}', "ValidationException"),
        ("configuration", b'{"Environment": {"Variables": {"KEY": null}}}', "ValidationException"),
        ("code", b'{"ZipFile": "e"}', "ValidationException"),
        ("code", '{"ZipFile": "é"}'.encode(), "ValidationException"),
    ],
    ids=["deep", "boolean", "null", "no base64", "no ASCII"],
)
def test_odd_json_is_refused(lab: Lab, create: Create, path: str, body: bytes, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        lab.connection.request("lambda", "PUT", f"/2015-03-31/functions/{create()}/{path}", body=body)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize("qualifier", ["1", "live", "$LATEST"])
def test_only_the_latest_version_can_be_changed(functions: Any, create: Create, qualifier: str) -> None:
    name = create(Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    qualified = f"{ARN}{name}:{qualifier}"
    calls = [
        partial(functions.update_function_code, FunctionName=qualified, ZipFile=code(ECHO)),
        partial(functions.update_function_configuration, FunctionName=qualified, Timeout=4),
    ]
    for call in calls:
        if qualifier == "$LATEST":
            assert call()["Version"] == "$LATEST"
        else:
            status, error, message = code_of(call)
            assert (status, error) == (400, "InvalidParameterValueException")
            assert message.startswith("This operation is permitted on Lambda functions only.")


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("get_function", "nobody"),
        ("get_function", "no.body"),
        ("get_function_configuration", "nobody"),
        ("delete_function", "nobody"),
    ],
)
def test_a_function_that_is_not_there(functions: Any, operation: str, name: str) -> None:
    found = code_of(lambda: getattr(functions, operation)(FunctionName=name))
    assert found == (404, "ResourceNotFoundException", f"Function not found: {ARN}{name}")


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
        ({"Runtime": "cobol85"}, 400, "InvalidParameterValueException", "or be a valid ARN"),
        ({"Runtime": "dotnet8"}, 400, "InvalidParameterValueException", "This machine has no dotnet8; it has "),
        ({"MemorySize": 64, "Timeout": 901}, 400, "ValidationException", "2 validation errors detected"),
        ({"Role": "nobody"}, 400, "ValidationException", "at 'role' failed to satisfy constraint"),
        ({"Code": {"ZipFile": b"no zip"}}, 400, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {}}, 400, "InvalidParameterValueException", "Please provide a source for function code."),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:none:1"]}, 400, "InvalidParameterValueException", "does not exist"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, 400, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"BIG": "x" * 4096}}}, 400, "InvalidParameterValueException", "exceeded the 4KB limit"),
        ({"PackageType": "Image"}, 501, "NotImplementedException", "container images are not implemented"),
        ({"PackageType": "Image", "Code": {"ImageUri": "i"}}, 501, "NotImplementedException", "container images are not implemented"),
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
