"""Application Auto Scaling's operations for Lambda: provisioned concurrency by target tracking and by schedule.

Other namespaces go to the services backend. There are no alarms: the lab looks at the figures itself, so a policy names
none. Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lablambda.api.pages import numbered_page
from lablambda.api.shapes import Parameters
from lablambda.httpserver import Request
from lablambda.lab.house import House
from lablambda.model.autoscaling import ScalableTarget, ScalingPolicy, ScheduledAction
from lablambda.model.errors import NotImplementedHere, ObjectNotFound, ResourceNotFound, ValidationFailed
from lablambda.model.function import LATEST
from lablambda.rules.names import ACCOUNT, REGION
from lablambda.rules.schedule import parse_schedule

Result = Mapping[str, Any]
NAMESPACE, DIMENSION = "lambda", "lambda:function:ProvisionedConcurrency"
_PREDEFINED = "LambdaProvisionedConcurrencyUtilization"
_CUSTOMIZED = ("AWS/Lambda", "ProvisionedConcurrencyUtilization")
_STATISTICS = ("Average", "Maximum")
_TARGET = "AnyScaleFrontendService."
_RESOURCE = re.compile(r"function:([a-zA-Z0-9-_]{1,64}):([a-zA-Z0-9-_$]{1,128})")
_ARN = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/"
_POLICY_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:"
_ACTION_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scheduledAction:"
_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/lambda.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency"
)
_PAGE, _MOST_TAGS = 50, 50


def is_about_lambda(request: Request, house: House) -> bool:
    """Whether this is one of the operations about provisioned concurrency, or about the tags of a target here."""
    if not request.headers.get("x-amz-target", "").startswith(_TARGET):
        return False
    try:
        body = json.loads(request.body)
        namespace, arn = body.get("ServiceNamespace"), body.get("ResourceARN")
    except (ValueError, AttributeError, RecursionError):
        return False
    return namespace == NAMESPACE or _tagged(house, arn) is not None


# --------------------------------------------------------------------------------------------- targets


async def register_scalable_target(house: House, p: Parameters) -> Result:
    """New or changed; a capacity outside the bounds is brought within them."""
    name, qualifier = _resource(p)
    former = house.autoscaling.find(p["ResourceId"])
    minimum, maximum = _bounds(p, former)
    function = house.catalog.find(name)
    if function is None or qualifier == LATEST or not function.has(qualifier):
        raise ValidationFailed(f"Lambda function alias or version does not exist: {p['ResourceId']}")
    target = former or ScalableTarget(
        name, qualifier, uuid.uuid4().hex, minimum, maximum, p.get("RoleARN", _ROLE), house.clock.now()
    )
    target = replace(
        target,
        minimum=minimum,
        maximum=maximum,
        suspended={**target.suspended, **p.get("SuspendedState", {})},
        tags=target.tags if former else _within_limit(p.get("Tags", {})),
    )
    await house.autoscaling.save(target)
    await house.autoscaling.bring_within_bounds(target, "minimum or maximum capacity was changed")
    return {"ScalableTargetARN": f"{_ARN}{target.identity}"}


def _bounds(p: Parameters, former: ScalableTarget | None) -> tuple[int, int]:
    minimum = p.get("MinCapacity", former.minimum if former else None)
    maximum = p.get("MaxCapacity", former.maximum if former else None)
    if minimum is None or maximum is None:
        raise ValidationFailed("MinCapacity and MaxCapacity are required when registering a scalable target.")
    if minimum < 0 or maximum < minimum:
        raise ValidationFailed("Maximum capacity cannot be less than minimum capacity")
    return minimum, maximum


async def deregister_scalable_target(house: House, p: Parameters) -> Result:
    await house.autoscaling.remove(_target(house, p))
    return {}


async def describe_scalable_targets(house: House, p: Parameters) -> Result:
    wanted = p.get("ResourceIds")
    found = [target for target in _targets(house, p) if not wanted or target.resource in wanted]
    return _page("ScalableTargets", [_described(target) for target in found], p)


def _described(target: ScalableTarget) -> dict[str, Any]:
    states = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
    return {
        **_place(target),
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role,
        "CreationTime": target.created,
        "SuspendedState": {state: target.suspended.get(state, False) for state in states},
        "ScalableTargetARN": f"{_ARN}{target.identity}",
    }


async def describe_scaling_activities(house: House, p: Parameters) -> Result:
    found = [
        {
            **_place(target),
            "ActivityId": activity.identity,
            "Description": activity.description,
            "Cause": activity.cause,
            "StartTime": activity.at,
            "EndTime": activity.at,
            "StatusCode": "Failed" if activity.failure else "Successful",
            "StatusMessage": activity.failure or "Successfully set desired concurrency.",
        }
        for target in _targets(house, p)
        for activity in target.activities
    ]
    return _page("ScalingActivities", sorted(found, key=lambda one: -one["StartTime"]), p)


# -------------------------------------------------------------------------------------------- policies


async def put_scaling_policy(house: House, p: Parameters) -> Result:
    target = _target(house, p)
    name = p["PolicyName"]
    former = target.policies.get(name)
    if p.get("PolicyType", "TargetTrackingScaling") != "TargetTrackingScaling":
        raise NotImplementedHere(
            f"{p['PolicyType']} is not implemented here; provisioned concurrency has TargetTrackingScaling."
        )
    members = p.get("TargetTrackingScalingPolicyConfiguration") or (former and former.members)
    if not members:
        raise ValidationFailed("TargetTrackingScalingPolicyConfiguration must be specified.")
    _check_tracking(members)
    if any(other.name != name for other in target.policies.values() if _same_metric(other.members, members)):
        raise ValidationFailed(
            "Only one TargetTrackingScaling policy for a given metric specification is allowed."
        )
    identity, created = (
        (former.identity, former.created) if former else (str(uuid.uuid4()), house.clock.now())
    )
    policy = ScalingPolicy(name, identity, members, created)
    await house.autoscaling.save(replace(target, policies={**target.policies, name: policy}))
    return {"PolicyARN": _policy_arn(target, policy), "Alarms": []}


def _check_tracking(members: Mapping[str, Any]) -> None:
    predefined, customized = (
        members.get(f"{kind}MetricSpecification") for kind in ("Predefined", "Customized")
    )
    if (predefined is None) == (customized is None):
        raise ValidationFailed(
            "Specify either PredefinedMetricSpecification or CustomizedMetricSpecification."
        )
    if members["TargetValue"] <= 0:
        raise ValidationFailed("TargetValue must be greater than 0.")
    if predefined is not None and predefined["PredefinedMetricType"] != _PREDEFINED:
        raise ValidationFailed(f"For namespace lambda the predefined metric is {_PREDEFINED}.")
    if customized is None:
        return
    metric = (customized.get("Namespace"), customized.get("MetricName"))
    if metric != _CUSTOMIZED or customized.get("Statistic") not in _STATISTICS:
        raise NotImplementedHere(
            f"Of customized metrics only {' '.join(_CUSTOMIZED)} is implemented here, with the statistic "
            f"{' or '.join(_STATISTICS)}."
        )


def _same_metric(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    kinds = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")
    return all(one.get(kind) == other.get(kind) for kind in kinds)


def _policy_arn(target: ScalableTarget, policy: ScalingPolicy) -> str:
    return f"{_POLICY_ARN}{policy.identity}:resource/lambda/{target.resource}:policyName/{policy.name}"


async def delete_scaling_policy(house: House, p: Parameters) -> Result:
    target = _target(house, p)
    left = _without(target.policies, p["PolicyName"], "scaling policy", target)
    await house.autoscaling.save(replace(target, policies=left))
    return {}


async def describe_scaling_policies(house: House, p: Parameters) -> Result:
    found = [
        {
            **_place(target),
            "PolicyARN": _policy_arn(target, policy),
            "PolicyName": policy.name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": policy.members,
            "Alarms": [],
            "CreationTime": policy.created,
        }
        for target in _targets(house, p)
        for policy in _named(target.policies, p.get("PolicyNames"))
    ]
    return _page("ScalingPolicies", found, p)


# ---------------------------------------------------------------------------------- scheduled actions


async def put_scheduled_action(house: House, p: Parameters) -> Result:
    """New or changed; what a change doesn't say stays, but for start and end times, which are then gone."""
    target = _target(house, p)
    name = p["ScheduledActionName"]
    former = target.actions.get(name)
    before: Mapping[str, Any] = {} if former is None else former.members
    kept = {k: v for k, v in before.items() if k not in _TIMES}
    given: dict[str, Any] = {k: p[k] for k in ("Schedule", "Timezone", "ScalableTargetAction") if k in p}
    times = {k: float(p[k]) for k in _TIMES if k in p}
    now = house.clock.now()
    members: dict[str, Any] = {**kept, **given, **times}
    _check_action(members, now)
    identity = former.identity if former else str(uuid.uuid4())
    action = ScheduledAction(name, identity, members, now)
    await house.autoscaling.save(replace(target, actions={**target.actions, name: action}))
    return {}


_TIMES = ("StartTime", "EndTime")


def _check_action(members: Mapping[str, Any], now: float) -> None:
    bounds = members.get("ScalableTargetAction") or {}
    if "Schedule" not in members or not bounds:
        raise ValidationFailed(
            "Schedule and ScalableTargetAction, with MinCapacity or MaxCapacity, are required."
        )
    if bounds.get("MinCapacity", 0) > bounds.get("MaxCapacity", bounds.get("MinCapacity", 0)):
        raise ValidationFailed("Maximum capacity cannot be less than minimum capacity")
    try:
        zone = ZoneInfo(members.get("Timezone") or "UTC")
        parse_schedule(members["Schedule"], since=now, zone=zone, once=True)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValidationFailed(
            f"Invalid schedule expression or time zone: {members['Schedule']} {members.get('Timezone', '')}"
        ) from None


async def delete_scheduled_action(house: House, p: Parameters) -> Result:
    target = _target(house, p)
    left = _without(target.actions, p["ScheduledActionName"], "scheduled action", target)
    await house.autoscaling.save(replace(target, actions=left))
    return {}


async def describe_scheduled_actions(house: House, p: Parameters) -> Result:
    found = [
        {
            **_place(target),
            "ScheduledActionARN": f"{_ACTION_ARN}{action.identity}:resource/lambda/{target.resource}"
            f":scheduledActionName/{action.name}",
            "ScheduledActionName": action.name,
            "CreationTime": action.created,
            **action.members,
        }
        for target in _targets(house, p)
        for action in _named(target.actions, p.get("ScheduledActionNames"))
    ]
    return _page("ScheduledActions", found, p)


# ------------------------------------------------------------------------------------------------ tags


def _tagged(house: House, arn: str | None) -> ScalableTarget | None:
    identity = str(arn).removeprefix(_ARN)
    return next((target for target in house.autoscaling.targets() if target.identity == identity), None)


def _tag_bearer(house: House, p: Parameters) -> ScalableTarget:
    target = _tagged(house, p["ResourceARN"])
    if target is None:
        raise ResourceNotFound(f"The requested resource was not found: {p['ResourceARN']}")
    return target


def _within_limit(tags: Mapping[str, str]) -> Mapping[str, str]:
    if len(tags) > _MOST_TAGS:
        raise ValidationFailed(f"A scalable target has {_MOST_TAGS} tags at most.")
    return tags


async def tag_resource(house: House, p: Parameters) -> Result:
    target = _tag_bearer(house, p)
    await house.autoscaling.save(replace(target, tags=_within_limit({**target.tags, **p["Tags"]})))
    return {}


async def untag_resource(house: House, p: Parameters) -> Result:
    target = _tag_bearer(house, p)
    left = {key: value for key, value in target.tags.items() if key not in p["TagKeys"]}
    await house.autoscaling.save(replace(target, tags=left))
    return {}


async def list_tags_for_resource(house: House, p: Parameters) -> Result:
    return {"Tags": _tag_bearer(house, p).tags}


# ---------------------------------------------------------------------------------------------- common


def _resource(p: Parameters) -> tuple[str, str]:
    """The function's name, and the version or alias."""
    match = _RESOURCE.fullmatch(p["ResourceId"])
    if match is None or p["ScalableDimension"] != DIMENSION:
        raise ValidationFailed("Unsupported service namespace, resource type or scalable dimension")
    return match[1], match[2]


def _target(house: House, p: Parameters) -> ScalableTarget:
    """Raises ObjectNotFound."""
    _resource(p)
    target = house.autoscaling.find(p["ResourceId"])
    if target is None:
        raise ObjectNotFound(f"No scalable target registered for {_where(p['ResourceId'])}")
    return target


def _where(resource: str) -> str:
    return f"service namespace: {NAMESPACE}, resource ID: {resource}, scalable dimension: {DIMENSION}"


def _targets(house: House, p: Parameters) -> list[ScalableTarget]:
    """Those that a listing is about."""
    if p.get("ScalableDimension", DIMENSION) != DIMENSION:
        return []
    wanted = p.get("ResourceId")
    return [target for target in house.autoscaling.targets() if wanted in (None, target.resource)]


def _place(target: ScalableTarget) -> dict[str, str]:
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": target.resource,
        "ScalableDimension": DIMENSION,
    }


def _named(items: Mapping[str, Any], wanted: Sequence[str] | None) -> list[Any]:
    return [items[name] for name in sorted(items) if not wanted or name in wanted]


def _without(items: Mapping[str, Any], name: str, kind: str, target: ScalableTarget) -> dict[str, Any]:
    if name not in items:
        raise ObjectNotFound(f"No {kind} found for {_where(target.resource)}, {kind} name: {name}")
    return {other: item for other, item in items.items() if other != name}


def _page(member: str, items: list[dict[str, Any]], p: Parameters) -> Result:
    chosen, token = numbered_page(items, p.get("NextToken"), min(p.get("MaxResults", _PAGE), _PAGE))
    return {member: list(chosen), "NextToken": token}


AUTOSCALING: Mapping[str, Callable[[House, Parameters], Awaitable[Result]]] = {
    "DeleteScalingPolicy": delete_scaling_policy,
    "DeleteScheduledAction": delete_scheduled_action,
    "DeregisterScalableTarget": deregister_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "DescribeScalingActivities": describe_scaling_activities,
    "DescribeScalingPolicies": describe_scaling_policies,
    "DescribeScheduledActions": describe_scheduled_actions,
    "ListTagsForResource": list_tags_for_resource,
    "PutScalingPolicy": put_scaling_policy,
    "PutScheduledAction": put_scheduled_action,
    "RegisterScalableTarget": register_scalable_target,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
