"""How moto's SNS topics invoke functions, and where messages end that a function doesn't get."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lablambda.services.patching import replace

_SNS = "sns.amazonaws.com"
# (function ARN, principal, source ARN, account, event) -> why the lab refuses it, or None
Invoke = Callable[[str, str, str, str, Any], str | None]


def install(invoke: Invoke, later: Callable[[Callable[[], None]], None], now: Callable[[], float]) -> None:
    """Put it in place. `later` calls when the request at work has done its work; `now` is lab time in seconds.
    Raises AttributeError if moto has moved what this holds on to."""
    from moto.sns.models import SNSBackend, Subscription

    publish, subscribe = Subscription.publish, SNSBackend.subscribe

    def publish_or_invoke(
        subscription: Any, message: str, message_id: str, subject: str | None = None, **more: Any
    ) -> None:
        if subscription.protocol != "lambda":
            publish(subscription, message, message_id, subject=subject, **more)
            return
        attributes = more.get("message_attributes") or {}
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(attributes, message):
            return
        if more.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, subscription.protocol)
        told = _notification(subscription, message, message_id, subject, attributes, now())
        later(partial(_deliver, subscription, told, invoke))

    def subscribe_or_refuse(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        from moto.sns.exceptions import SNSInvalidParameter

        if protocol == "lambda" and topic_arn.endswith(".fifo"):
            raise SNSInvalidParameter("Invalid parameter: Endpoint Reason: FIFO topics deliver to SQS queues")
        return subscribe(backend, topic_arn, endpoint, protocol)

    replace(Subscription, "publish", publish_or_invoke)
    replace(SNSBackend, "subscribe", subscribe_or_refuse)


def _notification(
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: dict[str, Any],
    now: float,
) -> dict[str, Any]:
    """What a function gets to see of a message. Nobody here holds the key that AWS signs with.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    unsubscribe = "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn="
    return {
        "SignatureVersion": "1",
        "Timestamp": datetime.fromtimestamp(now, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "Signature": "EXAMPLE",
        "SigningCertUrl": "EXAMPLE",
        "MessageId": message_id,
        "Message": message,
        "MessageAttributes": attributes,
        "Type": "Notification",
        "UnsubscribeUrl": f"{unsubscribe}{subscription.arn}",
        "TopicArn": subscription.topic_arn,
        "Subject": subject,
    }


def _deliver(subscription: Any, told: dict[str, Any], invoke: Invoke) -> None:
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "EventSource": "aws:sns",
        "Sns": told,
    }
    account, topic = subscription.account_id, subscription.topic_arn
    if invoke(subscription.endpoint, _SNS, topic, account, {"Records": [record]}) is not None:
        _bury(subscription, told)


def _bury(subscription: Any, told: dict[str, Any]) -> None:
    """Into the subscription's dead-letter queue, if it has one."""
    from moto.sqs.models import sqs_backends

    policy = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
    if target := policy.get("deadLetterTargetArn"):
        region, account, queue = target.split(":")[3:6]
        sqs_backends[account][region].send_message(queue, json.dumps(told))
