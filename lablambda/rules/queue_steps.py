"""SQS queues as sources: Lambda polls them for the function, by an event source mapping."""

from __future__ import annotations

from collections.abc import Iterator

from lablambda.model.deployment import Deployment, QueueSource
from lablambda.rules.step import OURS, Current, Step

# AWS's advice for queues that functions read, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBLE_AFTER_TIMEOUTS = 6
_FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


def queue_arn(name: str, function_arn: str) -> str:
    """A queue's ARN, in the account and region of the function."""
    region, account = function_arn.split(":")[3:5]
    return f"arn:aws:sqs:{region}:{account}:{name}"


def queue_steps(current: Current, wanted: Deployment, arn: str) -> Iterator[Step]:
    """The steps by which the wanted queues are polled for the function, and none that an earlier plan wanted."""
    queues = {queue_arn(s.queue, arn): s.queue for s in wanted.sources if isinstance(s, QueueSource)}
    for source, queue in queues.items():
        if queue not in current.queues:
            yield _queue_step(queue, wanted.timeout_s)
        if source not in current.mappings:
            yield _mapping_step(source, wanted.name)
    for source, mapping in current.mappings.items():
        if mapping.ours and source not in queues:
            queue = source.rpartition(":")[2]
            text = f"no longer poll queue {queue} for {wanted.name}"
            yield Step(text, "lambda", "DeleteEventSourceMapping", {"UUID": mapping.uuid})


def _queue_step(queue: str, timeout_s: int) -> Step:
    attributes = {"VisibilityTimeout": str(_VISIBLE_AFTER_TIMEOUTS * timeout_s)}
    attributes |= _FIFO if queue.endswith(".fifo") else {}
    return Step(f"create queue {queue}", "sqs", "CreateQueue", {"QueueName": queue, "Attributes": attributes})


def _mapping_step(source: str, function: str) -> Step:
    return Step(
        f"poll queue {source.rpartition(':')[2]} for {function}",
        "lambda",
        "CreateEventSourceMapping",
        {"FunctionName": function, "EventSourceArn": source, "Tags": {OURS: "on"}},
    )
