"""How moto's SNS topics invoke functions, and where messages end that a function doesn't get."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from lablambda.rules.moments import iso
from lablambda.services.moto_request import lab_time, later
from lablambda.services.patching import replace
from lablambda.services.pusher import Pusher

_SNS = "sns.amazonaws.com"


def install(pusher: Pusher) -> None:
    """Put it in place. Raises AttributeError if moto has moved what this holds on to."""
    from moto.sns.models import Subscription

    publish = Subscription.publish

    def publish_or_invoke(
        subscription: Any, message: str, message_id: str, subject: str | None = None, **more: Any
    ) -> None:
        from moto.sqs.exceptions import QueueDoesNotExist

        attributes = more.get("message_attributes") or {}
        if subscription.protocol != "lambda":
            try:
                publish(subscription, message, message_id, subject=subject, **more)
            except QueueDoesNotExist:  # which is none of the publisher's business
                told = _notification(subscription, message, message_id, subject, attributes, lab_time.now())
                later(partial(_bury, subscription, told))
            return
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(attributes, message):
            return
        if more.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, subscription.protocol)
        told = _notification(subscription, message, message_id, subject, attributes, lab_time.now())
        later(partial(_deliver, subscription, told, pusher))

    replace(Subscription, "publish", publish_or_invoke)
    _install_refusals()


def _install_refusals() -> None:
    """What AWS refuses of functions' subscriptions, and moto takes."""
    from moto.sns.exceptions import SNSInvalidParameter
    from moto.sns.models import SNSBackend

    subscribe, set_attribute = SNSBackend.subscribe, SNSBackend.set_subscription_attributes

    def subscribe_or_refuse(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if protocol == "lambda" and topic_arn.endswith(".fifo"):
            raise SNSInvalidParameter("Invalid parameter: Invalid protocol type: lambda")
        if protocol == "lambda" and not endpoint.startswith("arn:aws:lambda:"):
            raise SNSInvalidParameter("Invalid parameter: Lambda endpoint ARN")
        return subscribe(backend, topic_arn, endpoint, protocol)

    def set_or_refuse(backend: Any, arn: str, name: str, value: Any) -> None:
        subscription = backend.subscriptions.get(arn)
        is_raw = name == "RawMessageDelivery" and str(value).lower() == "true"
        if is_raw and subscription is not None and subscription.protocol == "lambda":
            raise SNSInvalidParameter(
                "Invalid parameter: Attributes Reason: Delivery protocol [lambda] does not support raw message "
                "delivery."
            )
        set_attribute(backend, arn, name, value)

    replace(SNSBackend, "subscribe", subscribe_or_refuse)
    replace(SNSBackend, "set_subscription_attributes", set_or_refuse)


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
        "Timestamp": iso(now),
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


def _deliver(subscription: Any, told: dict[str, Any], pusher: Pusher) -> None:
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "EventSource": "aws:sns",
        "Sns": told,
    }
    account, topic = subscription.account_id, subscription.topic_arn
    if pusher.invoke(subscription.endpoint, _SNS, topic, account, {"Records": [record]}) is not None:
        _bury(subscription, told)


def _bury(subscription: Any, told: dict[str, Any]) -> None:
    """Into the subscription's dead-letter queue, if it has one, in the form that queues get messages in."""
    from moto.sqs.models import sqs_backends

    policy = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
    if target := policy.get("deadLetterTargetArn"):
        region, account, queue = target.split(":")[3:6]
        spelt = {"SigningCertUrl": "SigningCertURL", "UnsubscribeUrl": "UnsubscribeURL"}
        letter = {spelt.get(name, name): value for name, value in told.items() if value}
        sqs_backends[account][region].send_message(queue, json.dumps(letter))
