"""Where a function's events come from, as `--on`, `--url` and `--route` name it."""

from __future__ import annotations

from dataclasses import dataclass

# The HTTP API in which the notebook's routes are.
SHARED_API = "lablambda"


@dataclass(frozen=True, slots=True)
class S3Source:
    """Objects created in a bucket, by prefix and suffix of their keys."""

    bucket: str
    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        pattern = f"/{self.prefix}*{self.suffix}" if self.prefix or self.suffix else ""
        return f"s3:{self.bucket}{pattern}"


@dataclass(frozen=True, slots=True)
class QueueSource:
    """An SQS queue, by its name."""

    queue: str

    def __str__(self) -> str:
        return f"sqs:{self.queue}"


@dataclass(frozen=True, slots=True)
class TableSource:
    """A DynamoDB table, by its name: the changes of its items."""

    table: str

    def __str__(self) -> str:
        return f"dynamodb:{self.table}"


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A Kinesis stream, by its name."""

    stream: str

    def __str__(self) -> str:
        return f"kinesis:{self.stream}"


@dataclass(frozen=True, slots=True)
class TopicSource:
    """An SNS topic, by its name."""

    topic: str

    def __str__(self) -> str:
        return f"sns:{self.topic}"


@dataclass(frozen=True, slots=True)
class ScheduleSource:
    """Times, as EventBridge writes them: rate(5 minutes), cron(0 3 * * ? *)."""

    expression: str

    def __str__(self) -> str:
        return f"schedule:{self.expression}"


@dataclass(frozen=True, slots=True)
class PatternSource:
    """Events of the default event bus that fit a pattern, which is JSON without spaces."""

    pattern: str

    def __str__(self) -> str:
        return f"events:{self.pattern}"


@dataclass(frozen=True, slots=True)
class UrlSource:
    """The function's own URL, open to everybody."""

    def __str__(self) -> str:
        return "url"


@dataclass(frozen=True, slots=True)
class RouteSource:
    """A route of an API, as API Gateway writes it: `GET /users/{id}`; `api` is the API's name."""

    route: str
    api: str = SHARED_API

    def __str__(self) -> str:
        return self.route if self.api == SHARED_API else f"{self.route} of {self.api}"


MappedSource = QueueSource | TableSource | StreamSource
RuleSource = ScheduleSource | PatternSource
EndpointSource = UrlSource | RouteSource
Source = S3Source | MappedSource | TopicSource | RuleSource | EndpointSource
