from __future__ import annotations

import pytest

from lablambda.model.errors import InvalidParameterValue
from lablambda.model.source import (
    PatternSource,
    QueueSource,
    S3Source,
    ScheduleSource,
    Source,
    StreamSource,
    TableSource,
    TopicSource,
)
from lablambda.rules.sources import parse_source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3:photos", S3Source("photos")),
        ("s3:photos/*.jpg", S3Source("photos", "", ".jpg")),
        ("s3:photos/in/*", S3Source("photos", "in/")),
        ("s3:photos/in/*.tar.gz", S3Source("photos", "in/", ".tar.gz")),
        ("s3:photos/in/", S3Source("photos", "in/")),
    ],
)
def test_s3(text: str, expected: S3Source) -> None:
    assert parse_source(text) == expected


def test_a_source_reads_as_it_is_written() -> None:
    assert str(parse_source("s3:photos/in/*.jpg")) == "s3:photos/in/*.jpg"
    assert str(parse_source("s3:photos")) == "s3:photos"


@pytest.mark.parametrize(
    "text",
    [
        *("", "photos", "s3:", "s3:Photos", "s3:photos/*a*b", "ftp:x", "sqs:", "sqs:a b", "sqs:a.fifo.b"),
        *("dynamodb:", "dynamodb:ab", "dynamodb:a table", "kinesis:a/b", "sns:steps.fifo", "events:"),
        *("schedule:5 minutes", "schedule:rate(5)", "events:{", "events:[]", 'events:{"source": "x"}'),
    ],
)
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(InvalidParameterValue):
        parse_source(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dynamodb:users", TableSource("users")),
        ("kinesis:clicks", StreamSource("clicks")),
        ("sns:orders", TopicSource("orders")),
        ("schedule:rate(5 minutes)", ScheduleSource("rate(5 minutes)")),
        ("schedule:cron(0 3 * * ? *)", ScheduleSource("cron(0 3 * * ? *)")),
        ('events:{"source":["shop"]}', PatternSource('{"source":["shop"]}')),
    ],
)
def test_other_kinds(text: str, expected: Source) -> None:
    assert parse_source(text) == expected
    assert str(expected) == text


def test_a_pattern_is_known_however_it_is_spaced() -> None:
    assert parse_source('events:{"source": [ "shop" ]}') == PatternSource('{"source":["shop"]}')


@pytest.mark.parametrize("name", ["orders", "Orders_1-b", "steps.fifo"])
def test_queues(name: str) -> None:
    source = parse_source(f"sqs:{name}")
    assert source == QueueSource(name)
    assert str(source) == f"sqs:{name}"
