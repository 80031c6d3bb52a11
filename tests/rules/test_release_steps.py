"""Versions, aliases and concurrency of a cell, and the calls that make them so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lablambda.model.deployment import Deployment
from lablambda.model.release import Release, Released
from lablambda.rules.plan import Code, plan
from lablambda.rules.release_steps import split_step
from lablambda.rules.step import AnswerOf, Current, Step, Target

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
FUNCTION = {
    "Runtime": "python3.13",
    "Handler": "f.handler",
    "MemorySize": 128,
    "Timeout": 3,
    "CodeSha256": "sha",
}
LATEST = {**FUNCTION, "Version": "$LATEST", "RevisionId": "a"}
FIRST = {**FUNCTION, "Version": "1", "RevisionId": "b", "Description": "the first"}
LIVE = {"Name": "live", "FunctionVersion": "1"}
TAGS = {"lablambda:alias": "live", "lablambda:reserved": "cell", "lablambda:provisioned": "live"}
SAID = Release(alias="live", reserved=5, provisioned=2)
AS_SAID = Released((LATEST, FIRST), {"live": LIVE}, 5, {"live": 2}, TAGS)


def steps(released: Released, release: Release, sha: str = "sha") -> list[Step]:
    wanted = Deployment("f", "python3.13", "f.handler", {"f.py": b""}, release=release)
    current = Current(function=FUNCTION, released=released)
    return plan(current, wanted, Code(b"zip", sha), role="arn:aws:iam::000000000000:role/r", arn=ARN)


def operations(found: list[Step]) -> list[str]:
    return [step.operation for step in found]


def test_a_new_function_is_published_and_scaled_in_an_order_that_aws_takes() -> None:
    wanted = Deployment("f", "python3.13", "f.handler", {"f.py": b""}, release=SAID)
    found = plan(Current(), wanted, Code(b"zip", "sha"), role="r", arn=ARN)
    assert operations(found) == [
        "CreateFunction",
        "PutFunctionConcurrency",
        "PublishVersion",
        "CreateAlias",
        "PutProvisionedConcurrencyConfig",
        "TagResource",
    ]
    assert found[3].parameters["FunctionVersion"] == AnswerOf("PublishVersion", "Version")
    assert found[-1].parameters["Tags"] == TAGS


def test_what_is_as_it_should_be_stays() -> None:
    assert steps(AS_SAID, SAID) == []
    assert steps(replace(AS_SAID, tags={}), Release()) == []  # somebody else's


def test_other_code_is_a_new_version_to_which_the_alias_moves() -> None:
    found = steps(AS_SAID, SAID, "other")
    assert operations(found) == ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"]
    assert found[-1].text == "have alias live lead to that version"


def test_a_version_is_published_once_for_the_same_function() -> None:
    unpublished = Released((LATEST,))
    assert operations(steps(unpublished, Release(publish=True))) == ["PublishVersion"]
    assert steps(Released((LATEST, FIRST)), Release(publish=True)) == []
    older: dict[str, Any] = {**FIRST, "MemorySize": 256}
    assert operations(steps(Released((LATEST, older)), Release(publish=True))) == ["PublishVersion"]


def test_the_cell_ends_a_split_of_its_aliass_traffic() -> None:
    split = {**LIVE, "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}
    (step,) = steps(replace(AS_SAID, aliases={"live": split}), SAID)
    assert (step.operation, step.parameters["FunctionVersion"]) == ("UpdateAlias", "1")
    assert step.parameters["RoutingConfig"] == {"AdditionalVersionWeights": {}}


def test_what_the_cell_no_longer_says_is_taken_away() -> None:
    found = steps(AS_SAID, Release())
    assert operations(found) == [
        "DeleteProvisionedConcurrencyConfig",
        "DeleteFunctionConcurrency",
        "DeleteAlias",
        "UntagResource",
    ]
    assert sorted(found[-1].parameters["TagKeys"]) == sorted(TAGS)


def test_another_alias_takes_the_place_of_the_one_before() -> None:
    found = steps(AS_SAID, replace(SAID, alias="prod"))
    assert operations(found) == [
        "DeleteProvisionedConcurrencyConfig",
        "CreateAlias",
        "DeleteAlias",
        "PutProvisionedConcurrencyConfig",
        "TagResource",
    ]
    assert found[0].parameters["Qualifier"] == "live"
    assert found[1].parameters["FunctionVersion"] == "1"
    assert found[2].parameters["Name"] == "live"


def test_never_is_more_provisioned_than_reserved() -> None:
    less = [step.parameters for step in steps(AS_SAID, replace(SAID, reserved=1, provisioned=1))]
    assert ["ProvisionedConcurrentExecutions" in p for p in less] == [True, False]
    more = [step.parameters for step in steps(AS_SAID, replace(SAID, reserved=9, provisioned=9))]
    assert ["ProvisionedConcurrentExecutions" in p for p in more] == [False, True]


def test_an_alias_by_hand() -> None:
    target = Target("f", ARN, 3)
    step = split_step(AS_SAID, "live", "1", {"2": 0.1}, target)
    assert (step.operation, step.text) == (
        "UpdateAlias",
        "have alias live lead to version 1, 10% to version 2",
    )
    assert split_step(AS_SAID, "beta", "1", {}, target).operation == "CreateAlias"
