"""The promise that nothing accepted is lost, while things are killed under load: every event is accounted for."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lablambda.client import Lab
from lablambda.config import NoLab
from lablambda.connection import ApiError
from lablambda.packaging.zips import zip_files
from tests.book import WRITER, Book
from tests.processes import Home, family, gone

RUNTIME = f"python3.{sys.version_info.minor}"
ACCOUNT = "us-east-1:000000000000"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:book"
# S3 and SNS take moto 10 to 20 ms each, so as many of theirs take minutes: with LABLAMBDA_TEST_EVENTS=5000.
MANY, SOME = 5_000, int(os.environ.get("LABLAMBDA_TEST_EVENTS", 200))
BATCH = 100
# Of each kind of words, every so many-th is poisoned: asynchronous, queue, Kinesis, DynamoDB, events, S3, SNS.
POISONED = {"a": 1_000, "q": 1_000, "k": 1_000, "d": 1_000, "e": 1_000, "s": 50, "n": 50}
# Every word that it gets it writes into a book, but for the poisoned ones: those it fails on, always. It hangs on some
# when it first gets them, if it is told to.
BOOK = f"""
import base64, json, time
{WRITER}
def hangs(word, book): return 'HANGS' in os.environ and int(word[1:]) % 100 == 50 and book.first(word)
def words(event):
    for r in event.get('Records', [event]):
        if 'word' in r: yield r['word'], None
        elif 'detail' in r: yield r['detail']['word'], None
        elif 'Sns' in r: yield r['Sns']['Message'], None
        elif 's3' in r: yield r['s3']['object']['key'], None
        elif 'body' in r: yield r['body'], r['messageId']
        elif 'kinesis' in r: yield base64.b64decode(r['kinesis']['data']).decode(), r['kinesis']['sequenceNumber']
        else: yield r['dynamodb']['NewImage']['word']['S'], r['dynamodb']['SequenceNumber']
def handler(event, context):
    if event.get('Event') == 's3:TestEvent': return
    with Book() as book: return handle(event, book)
def handle(event, book):
    failed = []
    for word, name in words(event):
        if hangs(word, book): time.sleep(60)
        poisoned = {POISONED}[word[0]]
        if int(word[1:]) % poisoned == poisoned - 1:
            failed.append(name)
            if name is None: raise ValueError(word)
            if word[0] != 'q': break  # of a stream, what comes after a failure comes again anyway
        else:
            book.write(word)
    return {{'batchItemFailures': [{{'itemIdentifier': name}} for name in failed]}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.end()


class Standing:
    """The lab that is up at the moment. Who finds it gone waits for the next one."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._news = threading.Condition()
        self.lab = home.up()

    def kill(self) -> None:
        os.kill(self.lab.descriptor.pid, signal.SIGKILL)
        assert gone([self.lab.descriptor.pid])
        with self._news:
            self.lab = self._home.up()
            self._news.notify_all()

    def do(self, call: Callable[[Lab], Any]) -> int:
        """Make a call of the lab, again if it is killed meanwhile; gives how often it was made."""
        for attempt in range(1, 20):
            lab = self.lab
            try:
                call(lab)
            except (BotoCoreError, ClientError, ApiError, NoLab, OSError):
                with self._news:
                    assert self._news.wait_for(lambda former=lab: self.lab is not former, 60)  # type: ignore[misc]
            else:
                return attempt
        raise AssertionError("the lab doesn't stay up")


def client(lab: Lab, service: str) -> Any:
    return lab.client(service, config=Config(retries={"max_attempts": 0}, read_timeout=30))


def prepare(lab: Lab, book: Book, **variables: str) -> None:
    """The function, and a source of every kind that leads to it; what is given up goes to the queue `dead`."""
    functions, sqs, kinesis = lab.client("lambda"), lab.client("sqs"), lab.client("kinesis")
    dead = f"arn:aws:sqs:{ACCOUNT}:dead"
    sqs.create_queue(QueueName="dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "30"})
    kinesis.create_stream(StreamName="k", ShardCount=1)
    table = lab.client("dynamodb").create_table(
        TableName="d",
        KeySchema=[{"AttributeName": "word", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "word", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    functions.create_function(
        FunctionName="book",
        Runtime=RUNTIME,
        Role="arn:aws:iam::000000000000:role/r",
        Handler="f.handler",
        Code={"ZipFile": zip_files({"f.py": BOOK.encode()})},
        Environment={"Variables": {"BOOK": str(book.port), **variables}},
        DeadLetterConfig={"TargetArn": dead},
        Timeout=2,
    )
    reports = {"FunctionName": "book", "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    functions.create_event_source_mapping(EventSourceArn=f"arn:aws:sqs:{ACCOUNT}:q", **reports)
    for arn in (f"arn:aws:kinesis:{ACCOUNT}:stream/k", table["LatestStreamArn"]):
        functions.create_event_source_mapping(
            EventSourceArn=arn,
            StartingPosition="TRIM_HORIZON",
            BatchSize=BATCH,
            MaximumRetryAttempts=2,
            BisectBatchOnFunctionError=True,  # or what follows a poisoned record is given up with it
            DestinationConfig={"OnFailure": {"Destination": dead}},
            **reports,
        )
    push(lab)


def push(lab: Lab) -> None:
    """A bucket, a topic and the event bus, which call the function."""
    functions, s3, sns, bus = (lab.client(name) for name in ("lambda", "s3", "sns", "events"))
    for service in ("s3", "sns", "events"):
        functions.add_permission(
            FunctionName="book",
            StatementId=service,
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
        )
    s3.create_bucket(Bucket="uploads")
    wanted = [{"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"LambdaFunctionConfigurations": wanted}
    )
    topic = sns.create_topic(Name="n")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=FUNCTION)
    bus.put_rule(Name="all", EventPattern='{"source": ["words"]}')
    bus.put_targets(Rule="all", Targets=[{"Id": "book", "Arn": FUNCTION}])


# How a batch of words is sent, by their kind.


def send_async(lab: Lab, words: list[str]) -> None:
    for word in words:
        lab.function("book").send({"word": word})


def send_messages(lab: Lab, words: list[str]) -> None:
    url = f"{lab.endpoint}/000000000000/q"
    entries = [{"Id": word, "MessageBody": word} for word in words]
    assert not client(lab, "sqs").send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def send_records(lab: Lab, words: list[str]) -> None:
    records = [{"Data": word.encode(), "PartitionKey": "same"} for word in words]
    client(lab, "kinesis").put_records(StreamName="k", Records=records)


def send_items(lab: Lab, words: list[str]) -> None:
    puts = [{"PutRequest": {"Item": {"word": {"S": word}}}} for word in words]
    client(lab, "dynamodb").batch_write_item(RequestItems={"d": puts})


def send_objects(lab: Lab, words: list[str]) -> None:
    for word in words:
        client(lab, "s3").put_object(Bucket="uploads", Key=word, Body=b"")


def send_events(lab: Lab, words: list[str]) -> None:
    entries = [
        {"Source": "words", "DetailType": "word", "Detail": json.dumps({"word": word})} for word in words
    ]
    assert not client(lab, "events").put_events(Entries=entries)["FailedEntryCount"]


def send_notices(lab: Lab, words: list[str]) -> None:
    for word in words:
        client(lab, "sns").publish(TopicArn=f"arn:aws:sns:{ACCOUNT}:n", Message=word)


# kind: how many events, how many at once, and how they are sent
KINDS: dict[str, tuple[int, int, Callable[[Lab, list[str]], None]]] = {
    "a": (MANY, 25, send_async),
    "q": (MANY, 10, send_messages),
    "k": (MANY, 100, send_records),
    "d": (MANY, 25, send_items),
    "e": (MANY, 10, send_events),
    "s": (SOME, 1, send_objects),
    "n": (SOME, 1, send_notices),
}


class Sender(threading.Thread):
    """Sends all words of a kind, in their order. `again` are those that it may have sent more than once."""

    def __init__(self, standing: Standing, kind: str) -> None:
        super().__init__()
        self.again: set[str] = set()
        self.failed: BaseException | None = None
        self._standing, self._kind = standing, kind

    def run(self) -> None:
        count, at_once, send = KINDS[self._kind]
        try:
            for start in range(0, count, at_once):
                words = [f"{self._kind}{n}" for n in range(start, start + at_once)]
                if self._standing.do(lambda lab, some=words: send(lab, some)) > 1:  # type: ignore[misc]
                    self.again.update(words)
        except BaseException as error:
            self.failed = error


def dead_letters(lab: Lab) -> list[dict[str, Any]]:
    sqs, url = lab.client("sqs"), f"{lab.endpoint}/000000000000/dead"
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += messages
    return found


def given_up(letters: list[dict[str, Any]]) -> set[str]:
    """Kind and number of each word that has ended in the dead-letter queue; of a stream's, its place in its shard."""
    words = set()
    for letter in letters:
        body = letter["Body"]
        told = json.loads(body) if body.startswith("{") else body
        match told:
            case str():
                words.add(told)
            case {"word": word} | {"detail": {"word": word}}:
                words.add(word)
            case {"Records": [{"Sns": {"Message": word}}]}:
                words.add(word)
            case {"Records": [{"s3": {"object": {"key": word}}}]}:
                words.add(word)
            case {"KinesisBatchInfo": info} | {"DDBStreamBatchInfo": info}:
                assert info["batchSize"] >= 1
                words.add(f"{'k' if 'KinesisBatchInfo' in told else 'd'}:{info['startSequenceNumber']}")
    return words


def _records_told_of(letters: list[dict[str, Any]], kind: str) -> int:
    """How many records of a stream's the dead letters are for."""
    name = {"k": "KinesisBatchInfo", "d": "DDBStreamBatchInfo"}[kind]
    bodies = [json.loads(letter["Body"]) for letter in letters if letter["Body"].startswith("{")]
    return sum(body[name]["batchSize"] for body in bodies if name in body)


def wait_until_quiet(lab: Lab) -> None:
    """Through all retries: of the queue's messages by their visibility, of asynchronous events after 1 and 2 minutes."""
    for _ in range(8):
        lab.settle(timeout=240)
        lab.clock.advance(61)
    lab.settle(timeout=240)


@pytest.mark.timeout(400)
def test_every_event_is_accounted_for_across_kill_9(home: Home, book: Book) -> None:
    seed = int(os.environ.get("LABLAMBDA_TEST_SEED", time.time_ns()))
    chance = random.Random(seed)
    print(f"LABLAMBDA_TEST_SEED={seed}")
    standing = Standing(home)
    prepare(standing.lab, book)
    senders = {kind: Sender(standing, kind) for kind in KINDS}
    for sender in senders.values():
        sender.start()
    kills = 0
    while any(sender.is_alive() for sender in senders.values()) or kills < 4:
        time.sleep(chance.uniform(0.2, 5.0))  # the fault's moment, not something that is waited for
        standing.kill()
        kills += 1
        if kills >= 6:
            break
    for sender in senders.values():
        sender.join()
        assert sender.failed is None, sender.failed
    wait_until_quiet(standing.lab)

    written = Counter(book.words)
    letters = given_up(dead_letters(standing.lab))
    for kind, (count, _, _) in KINDS.items():
        poisoned = {f"{kind}{n}" for n in range(POISONED[kind] - 1, count, POISONED[kind])}
        wanted = {f"{kind}{n}" for n in range(count)} - poisoned
        got = {word for word in written if word[0] == kind}
        assert got == wanted, (kind, sorted(wanted - got)[:20], sorted(got - wanted)[:20])
        assert poisoned
        if kind in "kd":  # told of by their places; who was sent again has two
            told = len([letter for letter in letters if letter.startswith(f"{kind}:")])
            assert len(poisoned) <= told <= len(poisoned) + len(poisoned & senders[kind].again), kind
        else:
            assert {letter for letter in letters if letter[0] == kind} == poisoned, kind
        # Twice is what was under way at a kill, or was sent twice.
        twice = sum(written[word] - 1 for word in got - senders[kind].again)
        print(
            f"{kind}: {count} events, {twice} runs more than once, {len(senders[kind].again)} perhaps sent again"
        )
        assert twice <= kills * BATCH, kind
    check_order(book.words, senders["k"].again)


def check_order(words: list[str], again: set[str]) -> None:
    """A shard's records come in order; after a kill it goes back by no more than what was under way."""
    numbers = [int(word[1:]) for word in words if word[0] == "k" and word not in again]
    first = list(dict.fromkeys(numbers))
    assert first == sorted(first)
    back = [before - after for before, after in itertools.pairwise(numbers) if after <= before]
    assert max(back, default=0) <= BATCH


@pytest.mark.timeout(120)
def test_every_event_is_accounted_for_when_environments_are_killed(home: Home, book: Book) -> None:
    """By SIGKILL, while they work."""
    count = 400
    lab = home.up()
    prepare(lab, book)
    lab.client("lambda").put_function_concurrency(FunctionName="book", ReservedConcurrentExecutions=20)

    sending = [threading.Thread(target=_send_all, args=(lab, kind, count)) for kind in "aqkd"]
    chance = random.Random(count)
    for thread in sending:
        thread.start()
    killed = 0
    while any(thread.is_alive() for thread in sending):
        environments = [pid for pid in family(lab.descriptor.pid) if _is_environment(pid)]
        if environments:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(environments), signal.SIGKILL)
                killed += 1
        time.sleep(chance.uniform(0.01, 0.2))  # the fault's moment
    for thread in sending:
        thread.join()
    assert killed
    print(f"{killed} environments killed")
    wait_until_quiet(lab)
    written = set(book.words)
    letters = dead_letters(lab)
    missing = {f"{kind}{n}" for kind in "aqkd" for n in range(count)} - written
    # An asynchronous event, or a record, whose three tries were all killed is given up: then it is told of.
    told = given_up(letters)
    assert {word for word in missing if word[0] in "aq"} <= told
    for kind in "kd":
        assert len([word for word in missing if word[0] == kind]) <= _records_told_of(letters, kind)


@pytest.mark.timeout(120)
def test_every_event_is_accounted_for_when_handlers_time_out(home: Home, book: Book) -> None:
    """What a handler was at when its time was up comes again, with the rest of its batch."""
    count = 400
    lab = home.up()
    prepare(lab, book, HANGS="1")
    sending = [threading.Thread(target=_send_all, args=(lab, kind, count)) for kind in "aqkde"]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join()
    wait_until_quiet(lab)
    assert book.asked == {f"{k}{n}" for k in "aqkde" for n in range(50, count, 100)}
    written = set(book.words)
    assert written == {f"{kind}{n}" for kind in "aqkde" for n in range(count)}
    assert dead_letters(lab) == []


def _send_all(lab: Lab, kind: str, count: int) -> None:
    for n in range(0, count, 10):
        KINDS[kind][2](lab, [f"{kind}{n + i}" for i in range(10)])


def _is_environment(pid: int) -> bool:
    """Of Python: they are forked from the zygote."""
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid).parent()
        return parent is not None and any(word.endswith("zygote.py") for word in parent.cmdline())
    return False


def test_services_that_are_killed_take_only_what_was_in_them(home: Home, book: Book) -> None:
    """Asynchronous events are the lab's own; a queue that is made again is polled again."""
    count = 100
    lab = home.up()
    prepare(lab, book)
    send_async(lab, [f"a{n}" for n in range(count)])
    for pid in family(lab.descriptor.pid):
        with contextlib.suppress(psutil.Error):
            if "lablambda.services.moto_server" in psutil.Process(pid).cmdline():
                os.kill(pid, signal.SIGKILL)
                assert gone([pid])
    send_async(lab, [f"a{n}" for n in range(count, 2 * count)])
    while True:  # the first request tells what was lost
        with contextlib.suppress(ClientError):
            client(lab, "sqs").create_queue(QueueName="q")
            break
    send_messages(lab, [f"q{n}" for n in range(10)])
    wait_until_quiet(lab)
    written = Counter(book.words)
    assert written == Counter([f"a{n}" for n in range(2 * count)] + [f"q{n}" for n in range(10)])


def test_a_full_disk_loses_nothing(home: Home, book: Book) -> None:
    """What can't be written down isn't accepted, and nothing that was is passed over."""
    lab = home.up()
    prepare(lab, book)
    send_async(lab, [f"a{n}" for n in range(50)])
    process = psutil.Process(lab.descriptor.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (0, before[1]))  # no file of the lab's can grow
    with pytest.raises(ApiError, match="Is the disk full"):
        send_async(lab, [f"a{n}" for n in range(50, 900)])  # what was reserved is used up at some time
    poisoned = POISONED["k"] - 1
    send_records(lab, [f"k{n}" for n in range(poisoned, poisoned + 50)])
    send_items(lab, [f"d{n}" for n in range(25)])
    send_messages(lab, [f"q{n}" for n in range(10)])
    while len([word for word in book.words if word[0] in "dq"]) < 35:
        lab.clock.advance(1)
    process.rlimit(psutil.RLIMIT_FSIZE, before)
    wait_until_quiet(lab)
    written = set(book.words)
    wanted = {f"a{k}" for k in range(50)} | {f"k{k}" for k in range(poisoned + 1, poisoned + 50)}
    assert wanted <= written
    assert [letter for letter in given_up(dead_letters(lab)) if letter.startswith("k:")]
