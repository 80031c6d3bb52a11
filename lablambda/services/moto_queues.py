"""What moto's queues lack: messages of a group that come back do so together, in their order; none is lost that comes
while another is deleted; and a queue that holds thousands is no slower than one that holds a few."""

from __future__ import annotations

import contextlib
from typing import Any

from lablambda.services.moto_request import lab_time
from lablambda.services.patching import replace


def install() -> None:
    """Put it right. Raises AttributeError if moto has moved what this holds on to."""
    from moto.sqs.models import Queue, SQSBackend

    replace(Queue, "pending_message_groups", property(_groups))
    replace(Queue, "messages", property(_messages))
    replace(Queue, "approximate_number_of_messages_delayed", property(_delayed))
    replace(Queue, "approximate_number_of_messages_not_visible", property(_not_visible))
    replace(Queue, "delete_message", _delete_message)
    replace(SQSBackend, "is_message_valid_based_on_retention_period", _is_kept)


def _groups(queue: Any) -> set[str]:
    """The groups that have messages under way: one that can be seen again is not."""
    return {
        message.group_id
        for message in list(queue.pending_messages)
        if message.group_id is not None and not message.visible
    }


def _messages(queue: Any) -> list[Any]:
    """Those to be received. moto asks what time it is twice for each; each request may ask for them several times."""
    now = _now()
    found = [m for m in list(queue._messages) if now > m.visible_at and now >= m.delayed_until]
    if queue.fifo_queue:
        queue.pending_messages.difference_update(found)
    return found


def _delayed(queue: Any) -> int:
    now = _now()
    return sum(now < message.delayed_until for message in list(queue._messages))


def _not_visible(queue: Any) -> int:
    now = _now()
    return sum(now <= message.visible_at for message in list(queue._messages))


def _delete_message(queue: Any, receipt_handle: str) -> None:
    """moto makes a new list of all other messages, without those that another thread adds meanwhile."""
    from moto.sqs.exceptions import ReceiptHandleIsInvalid

    if receipt_handle in queue.deleted_messages:
        return
    for message in list(queue._messages):
        if receipt_handle == message.receipt_handle or receipt_handle in message._old_receipt_handles:
            queue.pending_messages.discard(message)
            queue.deleted_messages.update(message.all_receipt_handles)
            with contextlib.suppress(ValueError):  # another thread was faster
                queue._messages.remove(message)
            return
    raise ReceiptHandleIsInvalid


def _is_kept(backend: Any, queue_name: str, message: Any) -> bool:
    """moto counts all messages to find out for how long the queue keeps one."""
    kept_s = backend.get_queue(queue_name).message_retention_period
    return bool(kept_s * 1000 + message.sent_timestamp > _now())


def _now() -> float:
    """Milliseconds since 1970, as moto's messages have them."""
    return lab_time.now() * 1000
