"""Filter policies of moto's SNS, read as AWS reads them: moto's own reading differs in arrays, in `$or` and in
values that aren't of the kind that a condition is for, and it doesn't know every condition."""

from __future__ import annotations

from typing import Any

from lablambda.rules.event_pattern import InvalidPattern
from lablambda.rules.subscription_policy import compile_policy
from lablambda.services.patching import replace

_UNKNOWN_TO_MOTO = ("cidr", "wildcard")


def install() -> None:
    """Put it in place. Raises AttributeError if moto has moved what this holds on to."""
    from moto.sns.exceptions import SNSInvalidParameter
    from moto.sns.models import SNSBackend
    from moto.sns.utils import FilterPolicyMatcher

    validate = SNSBackend._validate_filter_policy
    set_attribute = SNSBackend.set_subscription_attributes

    def matches(matcher: Any, message_attributes: dict[str, Any] | None, message: str) -> bool:
        wanted = compile_policy(matcher.filter_policy, matcher.filter_policy_scope)
        return wanted(message_attributes or {}, message)

    def validate_all(backend: Any, value: Any, scope: str | None) -> None:
        validate(backend, _known(value), scope)
        try:
            compile_policy(value, scope)
        except InvalidPattern as error:
            detail = str(error).removeprefix("Event pattern is not valid: ")
            raise SNSInvalidParameter(f"Invalid parameter: FilterPolicy: {detail}") from None

    def set_and_apply(backend: Any, arn: str, name: str, value: Any) -> None:
        set_attribute(backend, arn, name, value)
        matcher = backend.subscriptions[arn]._filter_policy_matcher
        if name == "FilterPolicyScope" and matcher is not None:  # else the scope of before goes on
            matcher.filter_policy_scope = value

    replace(FilterPolicyMatcher, "matches", matches)
    replace(SNSBackend, "_validate_filter_policy", validate_all)
    replace(SNSBackend, "set_subscription_attributes", set_and_apply)


def _known(policy: Any) -> Any:
    """A policy of the same size, with a plain value for every condition that moto would refuse."""
    if isinstance(policy, dict):
        unknown = any(word in policy for word in _UNKNOWN_TO_MOTO)
        return "" if unknown else {name: _known(value) for name, value in policy.items()}
    return [_known(one) for one in policy] if isinstance(policy, list) else policy
