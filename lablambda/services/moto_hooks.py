"""Hooks inside moto by which what happens there reaches the lab: those of one service in a file each, and here
what they share.

moto looks a function up through `moto.awslambda.utils.get_backend` wherever a service pushes to one.
`install` hands out a stand-in there, so moto's own Lambda never runs.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lablambda.services import moto_filter_policies, moto_queues, moto_s3, moto_streams, moto_topics
from lablambda.services.link import LinkBroken, ServicesEnd
from lablambda.services.moto_request import complain, lab_time, request
from lablambda.services.patching import replace
from lablambda.services.pusher import Pusher


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

    pusher = Pusher(link)
    stand_in = LambdaStandIn()
    replace(moto.awslambda.utils, "get_backend", lambda *_: stand_in)
    _install_modules()
    _install_caller()
    _install_clock()
    moto_s3.install(pusher)
    moto_queues.install()
    moto_streams.install()
    moto_topics.install(pusher)
    moto_filter_policies.install()
    _install_wakes(link)


def _install_modules() -> None:
    """moto lists its own folder for each request, to see whom it is for."""
    import moto.backends

    names = tuple(moto.backends.list_of_moto_modules())
    replace(moto.backends, "list_of_moto_modules", lambda: names)


# ------------------------------------------------------------------------------------------------ STS


def _install_caller() -> None:
    """moto knows whom it gave keys itself; the lab gives its owner and its functions theirs."""
    from moto.sts.models import STSBackend

    def identify(backend: Any, _access_key: str, _region: str) -> tuple[str, str, str]:
        arn = request.caller
        account = str(backend.account_id)
        _, assumed, role_and_session = arn.partition(":assumed-role/")
        if not assumed:
            return account, arn, account
        role, _, session = role_and_session.partition("/")
        return f"AROA{hashlib.sha256(role.encode()).hexdigest()[:17].upper()}:{session}", arn, account

    replace(STSBackend, "get_caller_identity", identify)


# --------------------------------------------------------------------------------- sources that are polled


def _install_clock() -> None:
    """Delays, visibility timeouts and the times of records are the lab's, whose pollers go by its clock. How
    long a long poll lasts stays real: that clock may stand still."""
    import moto.dynamodb.models.table
    import moto.kinesis.models
    import moto.sqs.models

    def now() -> datetime:
        return datetime.fromtimestamp(lab_time.now(), UTC).replace(tzinfo=None)

    replace(moto.sqs.models, "unix_time_millis", lambda: lab_time.now() * 1000)
    replace(moto.kinesis.models, "utcnow", now)
    replace(moto.dynamodb.models.table, "utcnow", now)


def _traced(add_message: Any) -> Any:
    """A message keeps the trace header of the request that it comes by."""

    def add(queue: Any, message: Any) -> Any:
        if request.trace and "AWSTraceHeader" not in message.system_attributes:
            header = {"DataType": "String", "StringValue": request.trace}
            message.system_attributes = {**message.system_attributes, "AWSTraceHeader": header}
        return add_message(queue, message)

    return add


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
            if request.events is None:
                wake(arn)
            elif arn not in request.woken:
                request.woken.add(arn)
                request.events.append(partial(wake, arn))
            return answer

        return told

    replace(Queue, "add_message", telling(_traced(Queue.add_message), lambda queue: queue.queue_arn))
    for change in ("put_record", "split_shard", "merge_shards"):
        replace(Stream, change, telling(getattr(Stream, change), lambda stream: stream.arn))
    replace(StreamShard, "add", telling(StreamShard.add, _stream_arn))
