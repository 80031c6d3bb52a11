"""Hooks inside moto by which what happens there reaches the lab.

moto looks a function up through `moto.awslambda.utils.get_backend` wherever a service pushes to one.
`install` hands out a stand-in there, so moto's own Lambda never runs, and completes what moto leaves
out of S3: full event records, delete markers, and the check that the function lets the bucket in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lablambda.services import moto_filter_policies, moto_queues, moto_streams, moto_topics
from lablambda.services.link import LinkBroken, ServicesEnd
from lablambda.services.patching import replace as _replace
from lablambda.services.s3_records import S3Object, bus_entry, record

_S3 = "s3.amazonaws.com"
_SUBJECT = "Amazon S3 Notification"
_REFUSED = "Unable to validate the following destination configurations"
CALLER = "X-LabLambda-Caller"  # header of a request: the ARN of who signed it
CLOCK = "X-LabLambda-Clock"  # the same: the lab's time, in seconds since 1970, and how fast it goes
FAULT = "X-LabLambda-Fault"  # header of an answer that isn't moto's: NOT_BUILT or BROKEN
NOT_BUILT, BROKEN = "not-built", "broken"


class _Request(threading.local):
    """What the hooks remember of the request that a thread is at work on; `events` is None outside one."""

    skip = False
    completing = False
    created: str | None = None
    caller = ""
    trace = ""
    events: list[Callable[[], None]] | None = None
    woken: set[str] = set()  # noqa: RUF012 - each request has a set of its own


_request = _Request()


class Pusher:
    """Asks the lab, and says on standard error what couldn't be delivered: nothing is dropped silently."""

    def __init__(self, link: ServicesEnd) -> None:
        self._link = link

    def may_invoke(self, function_arn: str, principal: str, source_arn: str, account: str) -> str | None:
        """None, or why the function doesn't let the source in."""
        return self._ask("may_invoke", function_arn, principal, source_arn, account, None)

    def invoke(
        self, function_arn: str, principal: str, source_arn: str, account: str, event: Any
    ) -> str | None:
        """Hand an event over: None when the lab has it on disk, or why it doesn't."""
        refused = self._ask("invoke", function_arn, principal, source_arn, account, event)
        if refused is not None:
            complain(f"an event from {source_arn} to {function_arn} wasn't delivered: {refused}")
        return refused

    def tell_bus(self, source_arn: str, account: str, entry: Any) -> None:
        """Something for the default event bus."""
        refused = self._ask("tell", "", "", source_arn, account, entry)
        if refused is not None:
            complain(f"an event from {source_arn} didn't reach the event bus: {refused}")

    def _ask(
        self, kind: str, function_arn: str, principal: str, source_arn: str, account: str, event: Any
    ) -> str | None:
        message = {
            "kind": kind,
            "function_arn": function_arn,
            "principal": principal,
            "source_arn": source_arn,
            "source_account": account,
            "event": event,
            "trace": _request.trace,
        }
        try:  # an event waits for the next lab; a question is no use without its asker
            answer = self._link.ask(message, patient=kind != "may_invoke")
        except LinkBroken as error:
            return f"the lab doesn't answer ({error})"
        refused: str | None = answer["refused"]
        return refused


def complain(text: str) -> None:
    """A line in the services' log."""
    print(f"lablambda services: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this process's log


class LambdaStandIn:
    """What moto gets instead of its Lambda backend. A push whose form isn't built yet says so in the log."""

    def __getattr__(self, name: str) -> Any:
        def not_built(*_: Any, **__: Any) -> None:
            complain(f"moto asked Lambda for {name}: pushes of this kind are not implemented yet")
            raise NotImplementedError(f"a push to a function by Lambda's {name}")

        return not_built


def install(link: ServicesEnd) -> None:
    """Put the hooks in place. Raises AttributeError if moto has moved what they hold on to."""
    import moto.awslambda.utils
    import moto.s3.notifications

    pusher = Pusher(link)
    stand_in = LambdaStandIn()
    _replace(moto.awslambda.utils, "get_backend", lambda *_: stand_in)
    _replace(moto.s3.notifications, "_get_s3_event", _s3_event)
    _replace(moto.s3.notifications, "_invoke_awslambda", _s3_invoke(pusher))
    _replace(moto.s3.notifications, "_send_event_bridge_message", _s3_tell_bus(pusher))
    _install_destination_check(pusher)
    _install_messages()
    _install_delete_markers()
    _install_deleted_versions()
    _install_one_event_a_request()
    _install_caller()
    _install_clock()
    moto_queues.install()
    moto_streams.install()
    moto_topics.install(pusher.invoke, _later, _lab_time.now)
    moto_filter_policies.install()
    _install_wakes(link)


# ------------------------------------------------------------------------------------------------- S3


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
                now=time.time(),
            )
        ]
    }


def _s3_tell_bus(pusher: Pusher) -> Any:
    def tell(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        thing, now = _thing(bucket, key), _lab_time.now()
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
    """AWS refuses a notification to a function that wouldn't let the bucket in."""
    from moto.s3.exceptions import InvalidArgumentError
    from moto.s3.models import S3Backend
    from moto.s3.responses import S3Response

    read_body = S3Response._notification_config_from_body
    put = S3Backend.put_bucket_notification_configuration

    def read(response: Any) -> Any:
        _request.skip = response.headers.get("x-amz-skip-destination-validation", "").lower() == "true"
        # AWS takes these names in any case; moto knows only one.
        for name in ("prefix", "suffix"):
            response.body = _lower(response.body, f"<Name>{name}</Name>")
        return read_body(response)

    def checked_put(backend: Any, bucket_name: str, notification_config: dict[str, Any]) -> None:
        bucket = backend.get_bucket(bucket_name)
        for target in (notification_config or {}).get("CloudFunctionConfiguration", []):
            arn = target["CloudFunction"]
            refused = None if _request.skip else pusher.may_invoke(arn, _S3, bucket.arn, bucket.account_id)
            if refused is not None:
                complain(f"{bucket.arn} may not notify {arn}: {refused}")
                raise InvalidArgumentError(_REFUSED, arn, refused)
        put(backend, bucket_name, notification_config)

    _replace(S3Response, "_notification_config_from_body", read)
    _replace(S3Backend, "put_bucket_notification_configuration", checked_put)


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

    _replace(notifications, "_get_test_event", test_event)
    _replace(notifications, "_send_sqs_message", to_queue)
    _replace(notifications, "_send_sns_message", to_topic)


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

    _replace(S3Backend, "_set_delete_marker", mark_and_tell)


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

    _replace(S3Backend, "delete_object", delete_and_tell)


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
        if _request.completing and event_name is not completed:
            return
        if event_name is tagged and _request.created == key.name:
            return
        if event_name.value.startswith("s3:ObjectCreated:"):
            _request.created = key.name
        _later(partial(send, account_id, event_name, bucket, key))

    def complete_quietly(backend: Any, *arguments: Any, **named: Any) -> Any:
        _request.completing = True
        return complete(backend, *arguments, **named)

    _replace(notifications, "send_event", send_once)
    _replace(S3Backend, "complete_multipart_upload", complete_quietly)


# ------------------------------------------------------------------------------------------------ STS


def _install_caller() -> None:
    """moto knows whom it gave keys itself; the lab gives its owner and its functions theirs."""
    from moto.sts.models import STSBackend

    def identify(backend: Any, _access_key: str, _region: str) -> tuple[str, str, str]:
        arn = _request.caller
        account = str(backend.account_id)
        _, assumed, role_and_session = arn.partition(":assumed-role/")
        if not assumed:
            return account, arn, account
        role, _, session = role_and_session.partition("/")
        return f"AROA{hashlib.sha256(role.encode()).hexdigest()[:17].upper()}:{session}", arn, account

    _replace(STSBackend, "get_caller_identity", identify)


# --------------------------------------------------------------------------------- sources that are polled


class _LabTime:
    """The lab's time, as the last request told it."""

    def __init__(self) -> None:
        self._told = (time.time(), time.time(), 1.0)

    def set(self, told: str) -> None:
        reading, speed = map(float, told.split())
        self._told = (time.time(), reading, speed)

    def now(self) -> float:
        since, reading, speed = self._told
        return reading + (time.time() - since) * speed


_lab_time = _LabTime()


def lab_time() -> float:
    """The lab's time as this process knows it, in seconds since 1970."""
    return _lab_time.now()


def _install_clock() -> None:
    """Delays, visibility timeouts and the times of records are the lab's, whose pollers go by its clock. How
    long a long poll lasts stays real: that clock may stand still."""
    import moto.dynamodb.models.table
    import moto.kinesis.models
    import moto.sqs.models

    def now() -> datetime:
        return datetime.fromtimestamp(_lab_time.now(), UTC).replace(tzinfo=None)

    _replace(moto.sqs.models, "unix_time_millis", lambda: _lab_time.now() * 1000)
    _replace(moto.kinesis.models, "utcnow", now)
    _replace(moto.dynamodb.models.table, "utcnow", now)


def _traced(add_message: Any) -> Any:
    """A message keeps the trace header of the request that it comes by."""

    def add(queue: Any, message: Any) -> Any:
        if _request.trace and "AWSTraceHeader" not in message.system_attributes:
            header = {"DataType": "String", "StringValue": _request.trace}
            message.system_attributes = {**message.system_attributes, "AWSTraceHeader": header}
        return add_message(queue, message)

    return add


def _later(send: Callable[[], None]) -> None:
    """Call it when the request has done its work, and before it is answered; at once where there is none."""
    if _request.events is None:
        send()
    else:
        _request.events.append(send)


def _stream_arn(shard: Any) -> str:
    return f"{shard.table.table_arn}/stream/{shard.table.latest_stream_label}"


def _install_wakes(link: ServicesEnd) -> None:
    """Tell the lab what is new at a source, so that it needn't look again and again; whoever made it new gets
    their answer when the lab knows."""
    from moto.dynamodb.models.table import StreamShard
    from moto.kinesis.models import Stream
    from moto.sqs.models import Queue

    def wake(arn: str) -> None:
        with contextlib.suppress(LinkBroken):  # without a lab there is nobody to be woken
            link.ask({"kind": "wake", "source_arn": arn})

    def telling(method: Any, arn_of: Callable[[Any], str]) -> Any:
        def told(source: Any, *arguments: Any, **named: Any) -> Any:
            answer = method(source, *arguments, **named)
            arn = arn_of(source)
            if _request.events is None:
                wake(arn)
            elif arn not in _request.woken:
                _request.woken.add(arn)
                _request.events.append(partial(wake, arn))
            return answer

        return told

    _replace(Queue, "add_message", telling(_traced(Queue.add_message), lambda queue: queue.queue_arn))
    for change in ("put_record", "split_shard", "merge_shards"):
        _replace(Stream, change, telling(getattr(Stream, change), lambda stream: stream.arn))
    _replace(StreamShard, "add", telling(StreamShard.add, _stream_arn))


# ------------------------------------------------------------------------------------------- requests


class RequestFrame:
    """WSGI middleware around each request to moto.

    - The path reaches moto as it was sent: it reads RAW_URI, which waitress calls REQUEST_URI, and else
      takes `a%2Fb` and `a?b` for other keys than they are.
    - Header names with an underscore, which waitress drops and S3's user metadata may have, come in a
      header of the lab's own.
    - Events leave when the request has done its work.
    - What moto hasn't built, and its crashes, are marked, so that the lab can say so in AWS's own form.
    """

    _CALLER = "HTTP_X_LABLAMBDA_CALLER"
    _CLOCK = "HTTP_X_LABLAMBDA_CLOCK"
    _UNDERSCORES = "HTTP_X_LABLAMBDA_UNDERSCORES"

    def __init__(self, application: Any) -> None:
        from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header

        self._application = application
        self._names_key = PRESERVED_HEADER_NAMES_ENVIRON_KEY
        self._key_for = environ_key_for_header

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["RAW_URI"] = environ["REQUEST_URI"]
        for name, value in json.loads(environ.pop(self._UNDERSCORES, "{}")).items():
            environ[self._key_for(name)] = value
            environ.setdefault(self._names_key, {})[self._key_for(name)] = name
        _request.skip, _request.completing, _request.created = False, False, None
        _request.events, _request.woken = [], set()
        _request.caller = environ.pop(self._CALLER, "")
        _request.trace = environ.get("HTTP_X_AMZN_TRACE_ID", "")
        if told := environ.pop(self._CLOCK, ""):
            _lab_time.set(told)
        try:
            return self._application(environ, start_response)
        except NotImplementedError as error:
            return _fault(start_response, "501 Not Implemented", NOT_BUILT, str(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return _fault(
                start_response, "500 Internal Server Error", BROKEN, f"{type(error).__name__}: {error}"
            )
        finally:
            _send_events()


def _fault(start_response: Any, status: str, kind: str, message: str) -> list[bytes]:
    start_response(status, [(FAULT, kind), ("Content-Type", "text/plain; charset=utf-8")])
    return [message.encode()]


def _send_events() -> None:
    events, _request.events = _request.events or [], None
    for send in events:
        try:
            send()
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            complain(f"an event wasn't delivered: {type(error).__name__}: {error}")
