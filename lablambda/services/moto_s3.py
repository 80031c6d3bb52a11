"""How moto's S3 tells of what happens to objects, completed: full records, delete markers, one event a request, and
the check that a function lets the bucket in."""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import Any

from lablambda.rules.s3_notifications import AMBIGUOUS, Notice, filter_values, overlapping
from lablambda.services.moto_request import complain, lab_time, later, request
from lablambda.services.patching import replace
from lablambda.services.pusher import Pusher
from lablambda.services.s3_records import S3Object, bus_entry, record

_S3 = "s3.amazonaws.com"
_SUBJECT = "Amazon S3 Notification"
_REFUSED = "Unable to validate the following destination configurations"


def install(pusher: Pusher) -> None:
    """Put it in place. Raises AttributeError if moto has moved what this holds on to."""
    import moto.s3.notifications

    replace(moto.s3.notifications, "_get_s3_event", _s3_event)
    replace(moto.s3.notifications, "_invoke_awslambda", _s3_invoke(pusher))
    replace(moto.s3.notifications, "_send_event_bridge_message", _s3_tell_bus(pusher))
    _install_destination_check(pusher)
    _install_messages()
    _install_delete_markers()
    _install_deleted_versions()
    _install_one_event_a_request()


def _thing(bucket: Any, key: Any) -> S3Object:
    return S3Object(
        key=key.name,
        size=getattr(key, "size", 0),
        etag=getattr(key, "etag", "").strip('"'),
        version=key.version_id if getattr(bucket, "is_versioned", False) else None,
    )


def _name(event: Any) -> str:
    return str(getattr(event, "value", event)).removeprefix("s3:")


def _s3_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
    return {
        "Records": [
            record(
                _name(event_name),
                bucket=bucket.name,
                region=bucket.region_name,
                account=bucket.account_id,
                configuration=notification_id,
                thing=_thing(bucket, key),
                now=lab_time.now(),
            )
        ]
    }


def _s3_tell_bus(pusher: Pusher) -> Any:
    def tell(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        thing, now = _thing(bucket, key), lab_time.now()
        entry = bus_entry(_name(event_name), bucket=bucket.name, account=account_id, thing=thing, now=now)
        if entry is not None:
            pusher.tell_bus(bucket.arn, account_id, entry)

    return tell


def _s3_invoke(pusher: Pusher) -> Any:
    def invoke(account_id: str, event_body: Any, fn_arn: str, _region_name: str) -> None:
        source = event_body["Records"][0]["s3"]["bucket"]["arn"]
        pusher.invoke(fn_arn, _S3, source, account_id, event_body)

    return invoke


def _install_destination_check(pusher: Pusher) -> None:
    """AWS refuses a notification to a function that wouldn't let the bucket in, and two that overlap."""
    from moto.s3.exceptions import InvalidArgumentError
    from moto.s3.models import S3Backend
    from moto.s3.responses import S3Response

    read_body = S3Response._notification_config_from_body
    put = S3Backend.put_bucket_notification_configuration

    def read(response: Any) -> Any:
        request.skip = response.headers.get("x-amz-skip-destination-validation", "").lower() == "true"
        # AWS takes these names in any case; moto knows only one.
        for name in ("prefix", "suffix"):
            response.body = _lower(response.body, f"<Name>{name}</Name>")
        return read_body(response)

    def checked_put(backend: Any, bucket_name: str, notification_config: dict[str, Any]) -> None:
        bucket = backend.get_bucket(bucket_name)
        if overlapping(_notices(notification_config or {})) is not None:
            raise InvalidArgumentError(AMBIGUOUS, "", "")
        for target in (notification_config or {}).get("CloudFunctionConfiguration", []):
            arn = target["CloudFunction"]
            refused = None if request.skip else pusher.may_invoke(arn, _S3, bucket.arn, bucket.account_id)
            if refused is not None:
                complain(f"{bucket.arn} may not notify {arn}: {refused}")
                raise InvalidArgumentError(_REFUSED, arn, refused)
        put(backend, bucket_name, notification_config)

    replace(S3Response, "_notification_config_from_body", read)
    replace(S3Backend, "put_bucket_notification_configuration", checked_put)


def _notices(configuration: dict[str, Any]) -> list[Notice]:
    """As moto has read them."""
    found = []
    for kind in ("Topic", "Queue", "CloudFunction"):
        for told in configuration.get(f"{kind}Configuration", []):
            rules = ((told.get("Filter") or {}).get("S3Key") or {}).get("FilterRule", [])
            values = filter_values((rule["Name"], rule["Value"]) for rule in rules)
            found.append(Notice(told[kind], tuple(told["Event"]), *values))
    return found


def _lower(body: Any, element: str) -> Any:
    text = body if isinstance(body, str) else body.decode()
    name = element[6:-7]
    for spelt in (name.capitalize(), name.upper()):
        text = text.replace(element.replace(name, spelt), element)
    return text if isinstance(body, str) else text.encode()


def _install_messages() -> None:
    """What moto leaves out of S3's messages to topics and queues, and what it keeps to itself: that one isn't there."""
    from moto.s3 import notifications

    make_test_event = notifications._get_test_event

    def test_event(bucket_name: str) -> dict[str, Any]:
        ids = {"RequestId": uuid.uuid4().hex[:16].upper(), "HostId": uuid.uuid4().hex}
        return {**make_test_event(bucket_name), **ids}

    def to_queue(account: str, event: Any, queue: str, region: str) -> None:
        from moto.sqs.exceptions import QueueDoesNotExist
        from moto.sqs.models import sqs_backends

        try:
            sqs_backends[account][region].send_message(queue, json.dumps(event))
        except QueueDoesNotExist:
            complain(f"an event of S3's wasn't delivered: there is no queue {queue}")

    def to_topic(account: str, event: Any, arn: str, region: str) -> None:
        from moto.sns.exceptions import TopicNotFound
        from moto.sns.models import sns_backends

        try:
            sns_backends[account][region].publish(json.dumps(event), arn, subject=_SUBJECT)
        except TopicNotFound:
            complain(f"an event of S3's wasn't delivered: there is no topic {arn}")

    replace(notifications, "_get_test_event", test_event)
    replace(notifications, "_send_sqs_message", to_queue)
    replace(notifications, "_send_sns_message", to_topic)


def _install_delete_markers() -> None:
    """moto tells nobody when deleting in a versioned bucket leaves a marker."""
    from moto.s3 import notifications
    from moto.s3.models import S3Backend

    mark = S3Backend._set_delete_marker

    def mark_and_tell(backend: Any, bucket_name: str, key_name: str) -> Any:
        marker = mark(backend, bucket_name, key_name)
        event = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
        notifications.send_event(backend.account_id, event, backend.get_bucket(bucket_name), marker)
        return marker

    replace(S3Backend, "_set_delete_marker", mark_and_tell)


def _install_deleted_versions() -> None:
    """moto tells of a version deleted for good only if it was the key's last one."""
    from moto.s3 import notifications
    from moto.s3.models import FakeKey, S3Backend

    delete = S3Backend.delete_object

    def delete_and_tell(
        backend: Any, bucket_name: str, key_name: str, version_id: str | None = None, **named: Any
    ) -> Any:
        bucket = backend.get_bucket(bucket_name)

        def versions() -> list[Any]:
            found: list[Any] = bucket.keys.getlist(key_name, [])
            return [key for key in found if isinstance(key, FakeKey)]

        before = [] if version_id is None or not bucket.is_versioned else versions()
        done = delete(backend, bucket_name, key_name, version_id=version_id, **named)
        if bucket.keys.getlist(key_name, []):
            event = notifications.S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT
            left = {id(key) for key in versions()}
            for key in before:
                if id(key) not in left:
                    notifications.send_event(backend.account_id, event, bucket, key)
        return done

    replace(S3Backend, "delete_object", delete_and_tell)


def _install_one_event_a_request() -> None:
    """AWS tells of one thing a request, when it is done; moto also tells of the steps on the way, the
    first of them before the object has its metadata."""
    from moto.s3 import notifications
    from moto.s3.models import S3Backend

    send = notifications.send_event
    complete = S3Backend.complete_multipart_upload
    completed = notifications.S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT
    tagged = notifications.S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT

    def send_once(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        if request.completing and event_name is not completed:
            return
        if event_name is tagged and request.created == key.name:
            return
        if event_name.value.startswith("s3:ObjectCreated:"):
            request.created = key.name
        later(partial(send, account_id, event_name, bucket, key))

    def complete_quietly(backend: Any, *arguments: Any, **named: Any) -> Any:
        request.completing = True
        return complete(backend, *arguments, **named)

    replace(notifications, "send_event", send_once)
    replace(S3Backend, "complete_multipart_upload", complete_quietly)
