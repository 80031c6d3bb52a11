"""What moto's FIFO queues lack: messages of a group that come back do so together, in their order."""

from __future__ import annotations

from typing import Any

from lablambda.services.patching import replace


def install() -> None:
    """Put it right. Raises AttributeError if moto has moved what this holds on to."""
    from moto.sqs.models import Queue

    look: Any = Queue.messages

    def groups(queue: Any) -> set[str]:
        """The groups that have messages under way: one that can be seen again is not."""
        return {
            message.group_id
            for message in list(queue.pending_messages)
            if message.group_id is not None and not message.visible
        }

    def messages(queue: Any) -> list[Any]:
        found: list[Any] = look.fget(queue)
        queue.pending_messages.difference_update(found)
        return found

    replace(Queue, "pending_message_groups", property(groups))
    replace(Queue, "messages", property(messages))
