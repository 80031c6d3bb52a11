"""Layers."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
from typing import Any

from lablambda.packaging.zips import zip_files
from tests.api_clients import RUNTIME, Create, code_of


def publish(functions: Any, name: str, text: str, **more: Any) -> str:
    """A layer version with a module `shared` whose VALUE is `text`."""
    data = zip_files({"python/shared.py": f"VALUE = {text!r}".encode(), f"{text}.txt": b""})
    answer = functions.publish_layer_version(LayerName=name, Content={"ZipFile": data}, **more)
    return str(answer["LayerVersionArn"])


USES = "import shared\ndef handler(e, c): return shared.VALUE"


def test_layers_lie_over_each_other(functions: Any, create: Create) -> None:
    first, second = publish(functions, "below", "one"), publish(functions, "above", "two")
    name = create(USES, Layers=[first])
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "one"
    functions.update_function_configuration(FunctionName=name, Layers=[first, second])
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "two"
    found = functions.get_function_configuration(FunctionName=name)["Layers"]
    assert [layer["Arn"] for layer in found] == [first, second]
    functions.update_function_configuration(FunctionName=name, Layers=[])
    assert "Layers" not in functions.get_function_configuration(FunctionName=name)


def test_versions_of_a_layer(functions: Any) -> None:
    arns = [
        publish(functions, "series", str(number), CompatibleRuntimes=[RUNTIME], LicenseInfo="MIT")
        for number in range(3)
    ]
    assert [arn.rpartition(":")[2] for arn in arns] == ["1", "2", "3"]
    listed = functions.list_layer_versions(LayerName="series")["LayerVersions"]
    assert [version["Version"] for version in listed] == [3, 2, 1]
    found = functions.get_layer_version(LayerName="series", VersionNumber=1)
    assert (found["CompatibleRuntimes"], found["LicenseInfo"]) == ([RUNTIME], "MIT")
    by_arn = functions.get_layer_version_by_arn(Arn=arns[0])
    assert by_arn["LayerVersionArn"] == arns[0]
    with urllib.request.urlopen(by_arn["Content"]["Location"]) as answer:
        digest = hashlib.sha256(answer.read()).digest()
    assert base64.b64encode(digest).decode() == by_arn["Content"]["CodeSha256"]


def test_a_deleted_layer_is_still_used_by_who_has_it(functions: Any, create: Create) -> None:
    arn = publish(functions, "deleted", "kept")
    name = create(USES, Layers=[arn])
    functions.delete_layer_version(LayerName="deleted", VersionNumber=1)
    functions.delete_layer_version(LayerName="deleted", VersionNumber=1)
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "kept"
    functions.update_function_configuration(FunctionName=name, MemorySize=256)
    assert json.load(functions.invoke(FunctionName=name)["Payload"]) == "kept"
    assert code_of(lambda: functions.get_layer_version(LayerName="deleted", VersionNumber=1))[0] == 404
    assert publish(functions, "deleted", "again").endswith(":2")


def test_layers_are_found_by_what_they_suit(functions: Any) -> None:
    publish(functions, "suits-a", "x", CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["arm64"])
    publish(functions, "suits-b", "x", CompatibleRuntimes=["nodejs22.x"])

    def found(**wanted: str) -> set[str]:
        pages = functions.get_paginator("list_layers").paginate(**wanted, PaginationConfig={"PageSize": 1})
        return {layer["LayerName"] for page in pages for layer in page["Layers"]}

    assert {"suits-a", "suits-b"} <= found()
    assert "suits-b" not in found(CompatibleRuntime="python3.12")
    assert "suits-a" in found(CompatibleRuntime="python3.12", CompatibleArchitecture="arm64")


def test_layers_that_cannot_be(functions: Any, create: Create) -> None:
    arns = [publish(functions, "doubled", str(number)) for number in range(2)]
    many = [publish(functions, f"many-{number}", "x") for number in range(6)]
    doubled, six = code_of(lambda: create(Layers=arns)), code_of(lambda: create(Layers=many))
    assert doubled[:2] == six[:2] == (400, "InvalidParameterValueException")
    assert doubled[2].startswith("Two different versions of the same layer are not allowed")
    assert six[2] == "Cannot reference more than 5 layers."


def test_a_layer_by_the_arn_of_any_account(functions: Any, create: Create) -> None:
    arn = publish(functions, "anywhere", "x")
    foreign = arn.replace("000000000000", "123456789012")
    name = create(Layers=[foreign])
    layers = functions.get_function_configuration(FunctionName=name)["Layers"]
    assert [layer["Arn"] for layer in layers] == [arn]
    assert functions.get_layer_version_by_arn(Arn=foreign)["LayerVersionArn"] == arn
    found = code_of(lambda: create(Layers=[arn.replace("us-east-1", "eu-west-1")]))
    assert found[:2] == (400, "InvalidParameterValueException")
    assert found[2].endswith("Layers are expected to be in region us-east-1.")


def test_permissions_of_a_layer(functions: Any) -> None:
    publish(functions, "shared-out", "x")
    version = {"LayerName": "shared-out", "VersionNumber": 1}
    assert code_of(lambda: functions.get_layer_version_policy(**version))[0] == 404
    given = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    made = functions.add_layer_version_permission(**version, **given, OrganizationId="o-0123456789")
    assert json.loads(made["Statement"]) == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:GetLayerVersion",
        "Resource": "arn:aws:lambda:us-east-1:000000000000:layer:shared-out:1",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}},
    }
    policy = functions.get_layer_version_policy(**version)
    assert policy["RevisionId"] == made["RevisionId"]
    stale = lambda: functions.remove_layer_version_permission(**version, StatementId="s", RevisionId="x")  # noqa: E731
    assert code_of(stale)[0] == 412
    functions.remove_layer_version_permission(**version, StatementId="s")
    assert code_of(lambda: functions.get_layer_version_policy(**version))[0] == 404
