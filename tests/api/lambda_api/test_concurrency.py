"""Reserved and provisioned concurrency."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from lablambda.client import Lab
from lablambda.connection import ApiError
from lablambda.deployment import deploy
from lablambda.model.deployment import Deployment
from lablambda.runtimes.python.runtime import OWN
from tests.api_clients import ARN, Create, code_of, refused

SLOW = "import time\ndef handler(e, c): time.sleep(0.5); return c.log_stream_name"


def test_reserved_concurrency_is_a_limit(functions: Any, create: Create) -> None:
    name = create(SLOW)
    assert functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") is None
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2
    assert functions.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 2}

    def invoke(_: int) -> str:
        try:
            return str(json.load(functions.invoke(FunctionName=name)["Payload"]))
        except functions.exceptions.TooManyRequestsException as error:
            return str(error.response["Reason"])

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(invoke, range(6)))
    assert found.count("ReservedFunctionConcurrentInvocationLimitExceeded") == 4
    functions.delete_function_concurrency(FunctionName=name)
    assert "Concurrency" not in functions.get_function(FunctionName=name)
    with ThreadPoolExecutor(4) as threads:
        assert not any("Limit" in found for found in threads.map(invoke, range(4)))


def test_none_reserved_turns_a_function_off(functions: Any, create: Create) -> None:
    name = create()
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    response = refused(lambda: functions.invoke(FunctionName=name))
    assert response["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_hundred_stay_unreserved(functions: Any, create: Create) -> None:
    name = create()
    limit = functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    found = code_of(
        lambda: functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit - 99)
    )
    assert found == (
        400,
        "InvalidParameterValueException",
        (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [100]."
        ),
    )
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit - 100)
    assert functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100


def provisioned(functions: Any, name: str, qualifier: str, count: int) -> dict[str, Any]:
    """Provision and wait until it's ready (or has failed)."""
    answer = functions.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (answer["RequestedProvisionedConcurrentExecutions"], answer["Status"]) == (count, "IN_PROGRESS")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found: dict[str, Any] = functions.get_provisioned_concurrency_config(
            FunctionName=name, Qualifier=qualifier
        )
        if found["Status"] != "IN_PROGRESS":
            return found
    pytest.fail("still in progress")


def test_provisioned_environments_are_ready_before_the_event(
    functions: Any, create: Create, lab: Lab
) -> None:
    source = (
        "import os, time\nborn = time.time()\n"
        "def handler(e, c): return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], born]"
    )
    name = create(source)
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    found = provisioned(functions, name, "live", 2)
    assert found["Status"] == "READY"
    assert found["AllocatedProvisionedConcurrentExecutions"] == 2
    assert found["AvailableProvisionedConcurrentExecutions"] == 2
    asked = time.time()
    answer = functions.invoke(FunctionName=name, Qualifier="live", LogType="Tail")
    kind, born = json.load(answer["Payload"])
    assert kind == "provisioned-concurrency"
    assert born < asked
    assert b"Init Duration" not in base64.b64decode(answer["LogResult"])
    assert json.load(functions.invoke(FunctionName=name)["Payload"])[0] == "on-demand"
    listed = functions.list_provisioned_concurrency_configs(FunctionName=name)[
        "ProvisionedConcurrencyConfigs"
    ]
    assert [(item["FunctionArn"], item["Status"]) for item in listed] == [(f"{ARN}{name}:live", "READY")]
    functions.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    gone = lambda: functions.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")  # noqa: E731
    assert code_of(gone)[:2] == (404, "ProvisionedConcurrencyConfigNotFoundException")


def test_provisioned_environments_go_with_their_alias(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    provisioned(functions, name, "live", 2)
    functions.delete_alias(FunctionName=name, Name="live")
    assert (
        functions.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
        == []
    )
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    gone = lambda: functions.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")  # noqa: E731
    assert code_of(gone)[0] == 404


def unreserved(functions: Any) -> int:
    return int(functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_what_is_deleted_is_provisioned_no_more(
    functions: Any, create: Create, lab: Lab, qualifier: str
) -> None:
    name = create()
    functions.publish_version(FunctionName=name)
    if qualifier == "live":
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    before = unreserved(functions)
    provisioned(functions, name, qualifier, 1)
    functions.add_permission(
        FunctionName=name,
        Qualifier=qualifier,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="*",
    )
    assert unreserved(functions) == before - 1
    if qualifier == "live":
        functions.delete_alias(FunctionName=name, Name="live")
    else:
        functions.delete_function(FunctionName=name, Qualifier="1")
    assert unreserved(functions) == before
    listed = functions.list_provisioned_concurrency_configs(FunctionName=name)
    assert listed["ProvisionedConcurrencyConfigs"] == []
    assert code_of(lambda: functions.get_policy(FunctionName=name, Qualifier=qualifier))[0] == 404


def test_an_init_that_fails_fails_the_provisioning(functions: Any, create: Create) -> None:
    name = create("raise RuntimeError('no')")
    functions.publish_version(FunctionName=name)
    found = provisioned(functions, name, "1", 2)
    assert (found["Status"], found["AllocatedProvisionedConcurrentExecutions"]) == ("FAILED", 0)
    assert "FUNCTION_ERROR_INIT_FAILURE" in found["StatusReason"]


def test_what_is_provisioned_is_kept_for_its_version(functions: Any, create: Create) -> None:
    name = create()
    functions.publish_version(FunctionName=name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    provisioned(functions, name, "1", 1)
    assert code_of(lambda: functions.invoke(FunctionName=name))[0] == 429
    assert functions.invoke(FunctionName=name, Qualifier="1")["StatusCode"] == 200
    lower = lambda: functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)  # noqa: E731
    assert code_of(lower)[0] == 400


def test_the_latest_version_cannot_be_provisioned(functions: Any, create: Create) -> None:
    name = create()
    found = code_of(
        lambda: functions.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=1
        )
    )
    assert found == (
        400,
        "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    )


def test_only_a_published_version_can_be_provisioned(functions: Any, create: Create) -> None:
    name = create(Publish=True)
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    functions.update_function_configuration(FunctionName=name, Timeout=9)
    functions.publish_version(FunctionName=name)
    functions.create_alias(FunctionName=name, Name="latest", FunctionVersion="$LATEST")
    functions.create_alias(FunctionName=name, Name="split", FunctionVersion="1", RoutingConfig=weights)
    functions.create_alias(FunctionName=name, Name="good", FunctionVersion="1")
    for alias in ("latest", "split"):
        put = partial(functions.put_provisioned_concurrency_config, FunctionName=name, Qualifier=alias)
        assert code_of(partial(put, ProvisionedConcurrentExecutions=1))[:2] == (
            400,
            "InvalidParameterValueException",
        )
    provisioned(functions, name, "good", 1)
    move = partial(functions.update_alias, FunctionName=name, Name="good")
    assert code_of(partial(move, FunctionVersion="$LATEST"))[0] == 400
    assert code_of(partial(move, RoutingConfig=weights))[0] == 400


def test_ten_requests_a_second_for_each_that_is_reserved(functions: Any, create: Create, lab: Lab) -> None:
    name = create()
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    function = lab.function(name)

    def ask_until_refused() -> None:
        for _ in range(2_000):
            function.invoke()

    with pytest.raises(ApiError) as refusal:
        ask_until_refused()
    assert (refusal.value.status, refusal.value.code) == (429, "TooManyRequestsException")


def test_a_function_grows_as_fast_as_the_lab_lets_it() -> None:
    with Lab.private(options=["--services", "none", "--scaling-rate", "2"]) as lab:
        deploy(Deployment("f", OWN, "f.handler", {"f.py": SLOW.encode()}), lab)
        function = lab.function("f")

        def ask(_: int) -> str:
            try:
                return str(function.invoke().payload)
            except ApiError as error:
                return error.code

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(ask, range(4))).count("TooManyRequestsException") == 2
            # what is there may go on, and ten seconds later there may be more
            assert "TooManyRequestsException" not in threads.map(ask, range(2))
            lab.clock.advance("10s")
            assert len(set(threads.map(ask, range(4)))) == 4
