"""What is attached to functions: event invoke configs, URLs, recursion, runtime management, tags, account."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.api_clients import ARN, Create, code_of, refused

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


# --------------------------------------------------------------------------------- event invoke config


def test_an_event_invoke_config(functions: Any, create: Create) -> None:
    name = create()
    assert code_of(lambda: functions.get_function_event_invoke_config(FunctionName=name)) == (
        404,
        "ResourceNotFoundException",
        f"The function {ARN}{name}:$LATEST doesn't have an EventInvokeConfig",
    )
    put = functions.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": QUEUE}}
    )
    assert put["FunctionArn"] == f"{ARN}{name}:$LATEST"
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}}
    updated = functions.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (1, 60)
    replaced = functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in replaced
    listed = functions.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert listed == [without_metadata(replaced)]
    functions.delete_function_event_invoke_config(FunctionName=name)
    assert functions.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []


def test_event_invoke_configs_that_cannot_be(functions: Any, create: Create) -> None:
    name = create()
    assert code_of(lambda: functions.put_function_event_invoke_config(FunctionName=name)) == (
        400,
        "InvalidParameterValueException",
        "You must specify at least one of error handling or destination setting.",
    )
    itself = {"OnSuccess": {"Destination": f"{ARN}{name}"}}
    found = code_of(
        lambda: functions.put_function_event_invoke_config(FunctionName=name, DestinationConfig=itself)
    )
    assert found[:2] == (400, "InvalidParameterValueException")
    assert found[2].startswith("You can't specify the function as a destination for itself.")
    for strange in (
        "arn:aws:iam:us-east-1:000000000000:role/r",
        "arn:aws:s3:::bucket",
    ):  # a bucket gets failures only
        configuration = {"OnSuccess": {"Destination": strange}}
        found = code_of(
            partial(
                functions.put_function_event_invoke_config, FunctionName=name, DestinationConfig=configuration
            )
        )
        assert found[2] == (
            f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={strange}), "
            "onFailure=null) is invalid."
        )
    many = lambda: functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=3)  # noqa: E731
    assert code_of(many)[:2] == (400, "ValidationException")


# --------------------------------------------------------------------------------------- function URLs


def test_a_function_url(functions: Any, create: Create) -> None:
    name = create()
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert "InvokeMode" not in made
    assert made["FunctionUrl"].startswith("https://")
    found = functions.get_function_url_config(FunctionName=name)
    assert (found["FunctionArn"], found["InvokeMode"]) == (f"{ARN}{name}", "BUFFERED")
    twice = lambda: functions.create_function_url_config(FunctionName=name, AuthType="NONE")  # noqa: E731
    assert code_of(twice)[:2] == (409, "ResourceConflictException")
    functions.update_function_url_config(FunctionName=name, Cors={"AllowOrigins": ["*"]})
    (listed,) = functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert (listed["Cors"], listed["AuthType"]) == ({"AllowOrigins": ["*"]}, "NONE")
    functions.delete_function_url_config(FunctionName=name)
    assert code_of(lambda: functions.get_function_url_config(FunctionName=name)) == (
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


@pytest.mark.parametrize("qualifier", ["1", "$LATEST"])
def test_versions_have_no_urls(functions: Any, create: Create, qualifier: str) -> None:
    name = create()
    found = code_of(
        lambda: functions.create_function_url_config(FunctionName=name, AuthType="NONE", Qualifier=qualifier)
    )
    assert found[:2] == (400, "ValidationException")


# ---------------------------------------------------------------------------------- one setting each


def test_a_recursion_config(functions: Any, create: Create) -> None:
    name = create()
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"


def test_a_runtime_management_config(functions: Any, create: Create) -> None:
    name = create()
    found = functions.get_runtime_management_config(FunctionName=name)
    assert without_metadata(found) == {"FunctionArn": f"{ARN}{name}:$LATEST", "UpdateRuntimeOn": "Auto"}
    functions.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert functions.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "FunctionUpdate"
    manual = lambda: functions.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="Manual")  # noqa: E731
    assert code_of(manual)[:2] == (400, "InvalidParameterValueException")


def test_a_scaling_config(functions: Any, create: Create) -> None:
    name = create(Publish=True)
    wanted = {"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 3}
    functions.put_function_scaling_config(FunctionName=name, Qualifier="1", FunctionScalingConfig=wanted)
    found = functions.get_function_scaling_config(FunctionName=name, Qualifier="1")
    assert found["RequestedFunctionScalingConfig"] == wanted


# ----------------------------------------------------------------------------------------------- tags


def test_tags(functions: Any, create: Create) -> None:
    name = create(Tags={"a": "1"})
    arn = f"{ARN}{name}"
    functions.tag_resource(Resource=arn, Tags={"b": "2", "a": "3"})
    assert functions.list_tags(Resource=arn)["Tags"] == {"a": "3", "b": "2"}
    functions.untag_resource(Resource=arn, TagKeys=["a", "never-there"])
    assert functions.get_function(FunctionName=name)["Tags"] == {"b": "2"}
    functions.untag_resource(Resource=arn, TagKeys=["b"])
    assert "Tags" not in functions.get_function(FunctionName=name)


def test_tags_have_their_limits(functions: Any, create: Create) -> None:
    arn = f"{ARN}{create()}"
    many = {str(number): "" for number in range(51)}
    assert code_of(lambda: functions.tag_resource(Resource=arn, Tags=many))[:2] == (
        400,
        "InvalidParameterValueException",
    )
    assert code_of(lambda: functions.list_tags(Resource=f"{arn}:$LATEST"))[0] == 400
    assert code_of(lambda: functions.list_tags(Resource=f"{arn}-not-there"))[0] == 404


# -------------------------------------------------------------------------------------------- account


def test_the_account(functions: Any, create: Create) -> None:
    before = functions.get_account_settings()["AccountUsage"]["FunctionCount"]
    create()
    found = functions.get_account_settings()
    assert found["AccountUsage"]["FunctionCount"] == before + 1
    assert found["AccountLimit"]["CodeSizeZipped"] == 52_428_800
    assert found["AccountLimit"]["CodeSizeUnzipped"] == 262_144_000
    assert found["AccountLimit"]["ConcurrentExecutions"] == 1000


def test_code_signing_can_be_read(functions: Any, create: Create) -> None:
    name = create()
    found = functions.get_function_code_signing_config(FunctionName=name)
    assert without_metadata(found) == {"FunctionName": name}
    assert functions.list_code_signing_configs()["CodeSigningConfigs"] == []
    arn = f"arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-{'0' * 17}"
    response = refused(lambda: functions.get_code_signing_config(CodeSigningConfigArn=arn))
    assert response["Error"]["Code"] == "ResourceNotFoundException"
