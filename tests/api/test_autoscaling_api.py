"""Application Auto Scaling as its clients see it, by the lab's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lablambda.client import Lab
from tests.api_clients import code_of

DIMENSION = "lambda:function:ProvisionedConcurrency"
TRACKING = {
    "TargetValue": 0.4,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"},
}


class Scaled:
    """An alias whose provisioned concurrency is scaled."""

    def __init__(self, lab: Lab, name: str, provisioned: int = 0) -> None:
        self.lab = lab
        self.name = name
        self.scaling = lab.client("application-autoscaling")
        self.functions = lab.client("lambda")
        self.functions.publish_version(FunctionName=name)
        self.functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        if provisioned:
            self.provision(provisioned)
        self.place = {
            "ServiceNamespace": "lambda",
            "ResourceId": f"function:{name}:live",
            "ScalableDimension": DIMENSION,
        }

    def provision(self, count: int) -> None:
        self.functions.put_provisioned_concurrency_config(
            FunctionName=self.name, Qualifier="live", ProvisionedConcurrentExecutions=count
        )

    def register(self, minimum: int = 1, maximum: int = 9, **more: Any) -> str:
        answer = self.scaling.register_scalable_target(
            **self.place, MinCapacity=minimum, MaxCapacity=maximum, **more
        )
        return str(answer["ScalableTargetARN"])

    def track(self, **more: Any) -> Any:
        return self.scaling.put_scaling_policy(
            **self.place,
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={**TRACKING, **more},
        )

    @property
    def capacity(self) -> int:
        config = self.functions.get_provisioned_concurrency_config(FunctionName=self.name, Qualifier="live")
        return int(config["RequestedProvisionedConcurrentExecutions"])

    def busy_minutes(self, count: int) -> None:
        """So many minutes with one event at a time in each."""
        for _ in range(count):
            self.lab.function(self.name).invoke(qualifier="live")
            self.lab.clock.advance("1m")

    def activities(self) -> list[Any]:
        found: list[Any] = self.scaling.describe_scaling_activities(ServiceNamespace="lambda")[
            "ScalingActivities"
        ]
        return [one for one in found if one["ResourceId"] == self.place["ResourceId"]]


@pytest.fixture
def stopped(lab: Lab) -> Iterator[Lab]:
    """The lab, its clock turned by hand alone."""
    lab.clock.speed = 0
    yield lab
    lab.clock.speed = 1


@pytest.fixture
def scaled(stopped: Lab, create: Callable[..., str]) -> Iterator[Callable[..., Scaled]]:
    made: list[Scaled] = []

    def make(provisioned: int = 0) -> Scaled:
        made.append(Scaled(stopped, create("def handler(event, context): return 1"), provisioned))
        return made[-1]

    yield make
    for one in made:
        targets = one.scaling.describe_scalable_targets(
            ServiceNamespace="lambda", ResourceIds=[one.place["ResourceId"]]
        )
        if targets["ScalableTargets"]:
            one.scaling.deregister_scalable_target(**one.place)


def test_utilization_above_its_target_scales_out_after_three_minutes(scaled: Callable[..., Scaled]) -> None:
    one = scaled(2)
    one.register(1, 4)
    assert one.track()["PolicyARN"].endswith(f":resource/lambda/{one.place['ResourceId']}:policyName/track")
    one.busy_minutes(2)
    assert one.capacity == 2
    one.busy_minutes(1)  # one of two is half, and 0.4 is wanted
    assert one.capacity == 3
    (activity,) = one.activities()
    assert (activity["StatusCode"], activity["Description"]) == (
        "Successful",
        "Setting desired concurrency to 3.",
    )
    assert "policy track" in activity["Cause"]


def test_utilization_under_its_target_scales_in_after_fifteen(scaled: Callable[..., Scaled]) -> None:
    one = scaled(4)
    one.register(1, 9)
    one.track()  # a quarter is in use
    one.busy_minutes(14)
    assert one.capacity == 4
    one.busy_minutes(1)
    assert one.capacity == 3
    one.lab.clock.advance("1h")  # nothing is known of what follows, so nothing is done
    assert one.capacity == 3


def test_dynamic_scaling_can_be_suspended(scaled: Callable[..., Scaled]) -> None:
    one = scaled(2)
    one.register(SuspendedState={"DynamicScalingOutSuspended": True})
    one.track()
    one.busy_minutes(4)
    assert one.capacity == 2
    one.scaling.register_scalable_target(**one.place, SuspendedState={"DynamicScalingOutSuspended": False})
    one.busy_minutes(1)
    assert one.capacity == 3


def test_what_cant_be_provisioned_is_told(scaled: Callable[..., Scaled]) -> None:
    one = scaled(2)
    one.functions.put_function_concurrency(FunctionName=one.name, ReservedConcurrentExecutions=2)
    one.register()
    one.track()
    one.busy_minutes(3)
    assert one.capacity == 2
    (activity,) = one.activities()
    assert activity["StatusCode"] == "Failed"
    assert "reservedConcurrentExecution" in activity["StatusMessage"]


def test_a_capacity_outside_its_bounds_is_brought_within(scaled: Callable[..., Scaled]) -> None:
    one = scaled()
    one.register(2, 5)
    assert one.capacity == 2
    one.register(1, 1)
    assert one.capacity == 1


def test_scheduled_actions_set_bounds_by_the_labs_clock(scaled: Callable[..., Scaled]) -> None:
    one = scaled(1)
    one.register(1, 5)
    put = one.scaling.put_scheduled_action
    put(
        **one.place,
        ScheduledActionName="morning",
        Schedule="rate(1 hour)",
        ScalableTargetAction={"MinCapacity": 3},
    )
    one.lab.clock.advance("59m")
    assert one.capacity == 1
    one.lab.clock.advance("1m")
    assert one.capacity == 3
    (target,) = one.scaling.describe_scalable_targets(
        ServiceNamespace="lambda", ResourceIds=[one.place["ResourceId"]]
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 5)
    put(**one.place, ScheduledActionName="morning", ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2})
    (action,) = one.scaling.describe_scheduled_actions(
        ServiceNamespace="lambda", ResourceId=one.place["ResourceId"]
    )["ScheduledActions"]
    assert action["Schedule"] == "rate(1 hour)"
    assert action["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 2}
    one.lab.clock.advance("1h")
    assert one.capacity == 2
    assert "scheduled action name morning" in one.activities()[0]["Cause"]
    one.scaling.delete_scheduled_action(**one.place, ScheduledActionName="morning")
    one.provision(5)
    one.lab.clock.advance("2h")
    assert one.capacity == 5


def test_tags(scaled: Callable[..., Scaled]) -> None:
    one = scaled()
    arn = one.register(Tags={"a": "1"})
    one.scaling.tag_resource(ResourceARN=arn, Tags={"b": "2"})
    one.scaling.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert one.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "2"}


def test_refusals(scaled: Callable[..., Scaled]) -> None:
    one = scaled()
    put, place = one.scaling.put_scaling_policy, one.place
    assert code_of(lambda: one.track())[1] == "ObjectNotFoundException"
    assert code_of(lambda: one.register(3, 2))[1] == "ValidationException"
    assert code_of(lambda: one.scaling.register_scalable_target(**place, MinCapacity=1))[1:] == (
        "ValidationException",
        "MinCapacity and MaxCapacity are required when registering a scalable target.",
    )
    nobody = {**place, "ResourceId": "function:nobody:live", "MinCapacity": 1, "MaxCapacity": 2}
    assert "does not exist" in code_of(lambda: one.scaling.register_scalable_target(**nobody))[2]
    one.register()
    step = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []}
    steps = {"PolicyName": "s", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": step}
    assert code_of(lambda: put(**place, **steps))[0] == 501
    both = {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Statistic": "Average"}
    assert "either" in code_of(lambda: one.track(CustomizedMetricSpecification=both))[2]
    one.track()
    twin = {"PolicyName": "twin", "PolicyType": "TargetTrackingScaling"}
    assert (
        "Only one"
        in code_of(lambda: put(**place, **twin, TargetTrackingScalingPolicyConfiguration=TRACKING))[2]
    )
    assert code_of(lambda: one.scaling.delete_scaling_policy(**place, PolicyName="other"))[1:] == (
        "ObjectNotFoundException",
        (
            f"No scaling policy found for service namespace: lambda, resource ID: {place['ResourceId']}, scalable "
            f"dimension: {DIMENSION}, scaling policy name: other"
        ),
    )
    one.scaling.delete_scaling_policy(**place, PolicyName="track")
    assert (
        one.scaling.describe_scaling_policies(ServiceNamespace="lambda", ResourceId=place["ResourceId"])[
            "ScalingPolicies"
        ]
        == []
    )
    bad = {
        "ScheduledActionName": "a",
        "Schedule": "rate(1 hours)",
        "ScalableTargetAction": {"MinCapacity": 1},
    }
    assert code_of(lambda: one.scaling.put_scheduled_action(**place, **bad))[1] == "ValidationException"


def test_other_namespaces_are_the_services_business(lab: Lab) -> None:
    scaling = lab.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []
