"""Versions and aliases."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.api_clients import ARN, Create, code, code_of, refused


def answers(functions: Any, name: str, qualifier: str, times: int = 1) -> Counter[Any]:
    return Counter(
        json.load(functions.invoke(FunctionName=name, Qualifier=qualifier)["Payload"]) for _ in range(times)
    )


def three_versions(functions: Any, create: Create) -> str:
    """A function whose versions 1 and 2 and $LATEST answer their own number."""
    name = create("def handler(e, c): return c.function_version")
    for number in (1, 2):
        functions.update_function_configuration(FunctionName=name, Description=str(number))
        functions.publish_version(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, Description="latest")
    return name


# ------------------------------------------------------------------------------------------- versions


def test_a_version_stays_as_it_was(functions: Any, create: Create) -> None:
    name = create(
        "import os\ndef handler(e, c): return ['one', os.environ['K1']]",
        Environment={"Variables": {"K1": "a"}},
    )
    first = functions.publish_version(FunctionName=name, Description="the first")
    assert (first["ResponseMetadata"]["HTTPStatusCode"], first["Version"]) == (201, "1")
    assert (first["FunctionArn"], first["Description"]) == (f"{ARN}{name}:1", "the first")
    functions.update_function_code(FunctionName=name, ZipFile=code("def handler(e, c): return 'two'"))
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    answer = functions.invoke(FunctionName=name, Qualifier="1")
    assert (json.load(answer["Payload"]), answer["ExecutedVersion"]) == (["one", "a"], "1")
    assert json.load(functions.invoke(FunctionName=f"{name}:$LATEST")["Payload"]) == "two"
    found = functions.get_function(FunctionName=name, Qualifier="1")
    assert found["Configuration"]["Environment"] == {"Variables": {"K1": "a"}}
    assert not {"Tags", "Concurrency"} & set(found)


def test_nothing_new_publishes_nothing(functions: Any, create: Create) -> None:
    name = create()
    assert functions.publish_version(FunctionName=name)["Version"] == "1"
    again = functions.publish_version(FunctionName=name, Description="not taken")
    assert (again["Version"], again["Description"]) == ("1", "")
    functions.update_function_configuration(FunctionName=name, Timeout=8)
    assert functions.publish_version(FunctionName=name)["Version"] == "2"


def test_a_number_is_never_given_again(functions: Any, create: Create) -> None:
    name = three_versions(functions, create)
    functions.delete_function(FunctionName=name, Qualifier="2")
    assert functions.publish_version(FunctionName=name)["Version"] == "3"
    listed = functions.list_versions_by_function(FunctionName=name)["Versions"]
    assert [v["FunctionArn"].removeprefix(f"{ARN}{name}:") for v in listed] == ["$LATEST", "1", "3"]
    assert code_of(lambda: functions.invoke(FunctionName=name, Qualifier="2")) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}{name}:2",
    )


def test_publishing_with_the_code(functions: Any, create: Create) -> None:
    name = create(Publish=True)
    assert functions.get_function_configuration(FunctionName=name, Qualifier="1")["State"] in (
        "Pending",
        "Active",
    )
    functions.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
    answer = functions.update_function_code(FunctionName=name, ZipFile=code("x = 1"), Publish=True)
    assert (answer["Version"], answer["FunctionArn"]) == ("2", f"{ARN}{name}:2")


@pytest.mark.parametrize(
    ("parameters", "status", "error", "message"),
    [
        ({"CodeSha256": "wrong"}, 400, "InvalidParameterValueException", "CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST ("),
        ({"RevisionId": "stale"}, 412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id."),
    ],
)  # fmt: skip
def test_publishing_what_isnt_there_any_more(
    functions: Any, create: Create, parameters: dict[str, str], status: int, error: str, message: str
) -> None:
    found = code_of(lambda: functions.publish_version(FunctionName=create(), **parameters))
    assert found[:2] == (status, error)
    assert found[2].startswith(message)


def test_pages_of_versions(functions: Any, create: Create) -> None:
    name = three_versions(functions, create)
    pages = functions.get_paginator("list_versions_by_function").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 2}
    )
    assert [[v["Version"] for v in page["Versions"]] for page in pages] == [["$LATEST", "1"], ["2"]]
    every = functions.list_functions(FunctionVersion="ALL")["Functions"]
    assert [f["Version"] for f in every if f["FunctionName"] == name] == ["$LATEST", "1", "2"]


def test_the_latest_version_goes_only_with_the_function(functions: Any, create: Create) -> None:
    found = code_of(lambda: functions.delete_function(FunctionName=create(), Qualifier="$LATEST"))
    assert found[2] == "$LATEST version cannot be deleted without deleting the function."


# -------------------------------------------------------------------------------------------- aliases


def test_an_alias_points_where_it_is_told_to(functions: Any, create: Create) -> None:
    name = three_versions(functions, create)
    made = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1", Description="d")
    assert made["ResponseMetadata"].pop("HTTPStatusCode") == 201
    assert {k: v for k, v in made.items() if k not in ("ResponseMetadata", "RevisionId")} == {
        "AliasArn": f"{ARN}{name}:live",
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "d",
    }
    assert answers(functions, name, "live") == {"1": 1}
    moved = functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert (moved["Description"], moved["RevisionId"] != made["RevisionId"]) == ("d", True)
    answer = functions.invoke(FunctionName=name, Qualifier="live")
    assert (json.load(answer["Payload"]), answer["ExecutedVersion"]) == ("2", "2")
    described = functions.get_function(FunctionName=name, Qualifier="live")["Configuration"]
    assert (described["FunctionArn"], described["Version"]) == (f"{ARN}{name}:live", "2")
    functions.delete_alias(FunctionName=name, Name="live")
    functions.delete_alias(FunctionName=name, Name="live")
    assert code_of(lambda: functions.get_alias(FunctionName=name, Name="live")) == (
        404,
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}{name}:live",
    )


def test_the_handler_sees_the_alias_in_its_arn(functions: Any, create: Create) -> None:
    name = create("def handler(e, c): return c.invoked_function_arn")
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert answers(functions, name, "live") == {f"{ARN}{name}:live": 1}


def test_weights_split_the_traffic(functions: Any, create: Create) -> None:
    name = three_versions(functions, create)
    functions.create_alias(
        FunctionName=name,
        Name="canary",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.4}},
    )
    found = answers(functions, name, "canary", 200)
    assert set(found) == {"1", "2"}
    assert 40 <= found["2"] <= 120  # 80 expected; outside with odds of one in ten million
    functions.update_alias(FunctionName=name, Name="canary", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in functions.get_alias(FunctionName=name, Name="canary")
    assert answers(functions, name, "canary", 20) == {"1": 20}


@pytest.mark.parametrize(
    ("version", "weights", "status", "message"),
    [
        ("9", {}, 404, "Function not found: "),
        ("1", {"9": 0.5}, 404, "Function not found: "),
        ("1", {"1": 0.5}, 400, "Invalid function version 1."),
        ("1", {"2": 0.5, "$LATEST": 0.1}, 400, ""),
        ("$LATEST", {"1": 0.5}, 400, "$LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"2": 1.5}, 400, "1 validation error detected: "),
    ],
)  # fmt: skip
def test_aliases_that_cannot_be(
    functions: Any, create: Create, version: str, weights: dict[str, float], status: int, message: str
) -> None:
    name = three_versions(functions, create)
    found = code_of(
        lambda: functions.create_alias(
            FunctionName=name,
            Name="bad",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )
    )
    assert found[0] == status
    assert found[2].startswith(message)
    assert functions.list_aliases(FunctionName=name)["Aliases"] == []


@pytest.mark.parametrize("name", ["12", "with space", "a" * 129])
def test_an_aliases_name(functions: Any, create: Create, name: str) -> None:
    found = code_of(
        lambda: functions.create_alias(FunctionName=create(), Name=name, FunctionVersion="$LATEST")
    )
    assert found[:2] == (400, "ValidationException")
    assert "at 'name' failed to satisfy constraint" in found[2]


def test_aliases_are_listed_by_name_and_by_version(functions: Any, create: Create) -> None:
    name = three_versions(functions, create)
    for alias, version in (("b", "1"), ("a", "2"), ("c", "1")):
        functions.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
    pages = functions.get_paginator("list_aliases").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 2}
    )
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [["a", "b"], ["c"]]
    some = functions.list_aliases(FunctionName=name, FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in some] == ["b", "c"]


def test_what_an_alias_needs_and_what_it_keeps(functions: Any, create: Create) -> None:
    name = three_versions(functions, create)
    made = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    again = lambda: functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")  # noqa: E731
    assert code_of(again) == (409, "ResourceConflictException", f"Alias already exists: {ARN}{name}:live")
    stale = lambda: functions.update_alias(FunctionName=name, Name="live", RevisionId="stale")  # noqa: E731
    assert code_of(stale)[:2] == (412, "PreconditionFailedException")
    functions.update_alias(FunctionName=name, Name="live", Description="", RevisionId=made["RevisionId"])
    kept = refused(lambda: functions.delete_function(FunctionName=name, Qualifier="1"))
    assert kept["Error"]["Code"] == "ResourceConflictException"
    assert answers(functions, name, "1") == {"1": 1}
