"""A lab as notebooks, tests and the shell see it.

lab = lablambda.connect()
out = lab.function("hello").invoke({"name": "Ada"})
out.payload, out.error, out.logs, out.report, out.cold
lab.client("s3").put_object(...)
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from lablambda.config import CA_CERTIFICATE, Descriptor, authority_dir
from lablambda.connection import ApiError, Connection
from lablambda.endpoints import Endpoints, find_endpoints
from lablambda.model.compilation import Compiled, Problem
from lablambda.model.invocation import Report
from lablambda.results import Figures, LogEvent, LogEvents, Record, Records, Result, Timing, Timings
from lablambda.rules import durations, platform_log, platform_log_json

if TYPE_CHECKING:
    from types import TracebackType

    import boto3

    from lablambda.launch import Lease
    from lablambda.load.offering import Progress
    from lablambda.simulation.course import Course
    from lablambda.simulation.profiles import Profile


class Function:
    """One function of a lab."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name

    def __repr__(self) -> str:
        return f"<function {self.name} in lab {self.lab.name}>"

    def invoke(self, event: Any = None, *, qualifier: str | None = None) -> Result:
        """Invoke and wait. A failing function gives a result with `error`; ApiError means it never ran."""
        return self._invoke(json.dumps({} if event is None else event).encode(), qualifier)

    async def ainvoke(self, event: Any = None, *, qualifier: str | None = None) -> Result:
        """`invoke` for asyncio: many may wait at once."""
        return await asyncio.to_thread(self.invoke, event, qualifier=qualifier)

    def send(self, event: Any = None, *, qualifier: str | None = None) -> str:
        """Invoke asynchronously: returns the request id once the event is safely queued."""
        answer = self.lab.connection.request(
            "lambda",
            "POST",
            f"{self._path}/invocations",
            query=_query(Qualifier=qualifier),
            headers={"x-amz-invocation-type": "Event"},
            body=json.dumps({} if event is None else event).encode(),
        )
        return str(answer.headers["x-amzn-requestid"])

    def replay(self, request_id: str | None = None) -> Result:
        """Invoke the function as it is now with an event that it had: that of a request, or the last one. The lab
        keeps a hundred or so of each function since its start. Raises ApiError if it hasn't that one."""
        path = f"/lablambda/functions/{quote(self.name)}/events"
        past = self.lab.connection.request("lablambda", "GET", path, query=_query(request=request_id))
        return self._invoke(past.body, None)

    def configuration(self) -> dict[str, Any]:
        """AWS's FunctionConfiguration."""
        answer = self.lab.connection.request("lambda", "GET", f"{self._path}/configuration")
        configuration: dict[str, Any] = answer.json()
        return configuration

    def delete(self) -> None:
        """Delete the function with its policy; its logs stay."""
        self.lab.connection.request("lambda", "DELETE", self._path)

    def invocations(self, limit: int = 50) -> Records:
        """The last invocations, newest first."""
        answer = self.lab.connection.request(
            "lablambda", "GET", f"/lablambda/functions/{quote(self.name)}/invocations", query=f"limit={limit}"
        )
        return Records(self.name, [_record(row) for row in answer.json()["invocations"]])

    def metrics(self, hours: float = 3.0) -> Figures:
        """Counts, durations and cost of the last `hours` (0 to 8760); ApiError if there is no such function."""
        answer = self.lab.connection.request(
            "lablambda", "GET", f"/lablambda/functions/{quote(self.name)}/metrics", query=f"hours={hours}"
        )
        return Figures(**answer.json())

    def timings(self, *, start: float = 0.0, end: float | None = None, limit: int = 1_000) -> Timings:
        """When invocations began and how long they took: the last `limit` (a million at most) that began from
        `start` to `end`, in seconds since 1970."""
        query = _query(start=str(start), end=None if end is None else str(end), limit=str(limit))
        path = f"/lablambda/functions/{quote(self.name)}/timings"
        told = self.lab.connection.request("lablambda", "GET", path, query=query).json()
        return Timings([Timing(*row) for row in told["invocations"]], told["throttles"])

    def load(
        self,
        rate: float = 100.0,
        duration: str | float = "10s",
        *,
        profile: str | Profile = "constant",
        event: Any = None,
        qualifier: str | None = None,
        even: bool = False,
        seed: int = 0,
        progress: Callable[[Progress], None] | None = None,
    ) -> Course:
        """Invoke it `rate` times a second for a `duration` (`10s`, or seconds), whether or not earlier requests were
        answered, and give what became of that. `profile` is the form that the rate has (see
        `lablambda.simulation.profiles`); requests come by chance, by `seed`, or evenly. Ctrl-C ends it."""
        from lablambda.load import of_function

        when = of_function.profile_of(profile, rate, duration)
        body = json.dumps({} if event is None else event).encode()
        return of_function.load(
            self, when, body, qualifier=qualifier, seed=None if even else seed, progress=progress
        )

    def simulate(
        self,
        rate: float = 100.0,
        duration: str | float = "10s",
        *,
        profile: str | Profile = "constant",
        **changes: Any,
    ) -> Course:
        """What Lambda would do with such a load, by its past invocations here. `changes` are members of
        `lablambda.simulation.scenario`'s Workload and Scenario: `account=5_000`, `provisioned=100`,
        `init=Lognormal(0.2, 0.8)`, `even=True`. Raises ValueError if it has not run yet."""
        from lablambda.load import of_function

        return of_function.simulated(self, of_function.profile_of(profile, rate, duration), changes)

    def logs(self, request_id: str | None = None, *, limit: int = 1_000) -> LogEvents:
        """The last log events, oldest first; with `request_id` those of one invocation."""
        if request_id is not None:
            return self._logs_of(request_id)
        group = self.configuration()["LoggingConfig"]["LogGroup"]
        return LogEvents(self.lab.log_events(group, limit=limit))

    def follow_logs(self, *, limit: int = 1_000) -> Iterator[LogEvent]:
        """The last log events, oldest first, then without end those that are new."""
        group = self.configuration()["LoggingConfig"]["LogGroup"]
        return self.lab.follow_log_events(group, limit=limit)

    def _logs_of(self, request_id: str) -> LogEvents:
        for record in self.invocations(limit=1_000):
            if record.request_id == request_id:
                group = self.configuration()["LoggingConfig"]["LogGroup"]
                events = self.lab.log_events(group, stream=record.log_stream)
                return LogEvents(_one_invocation(events, request_id))
        raise LookupError(f"{self.name} has no invocation {request_id} among its last 1000.")

    def _invoke(self, payload: bytes, qualifier: str | None) -> Result:
        answer = self.lab.connection.request(
            "lambda",
            "POST",
            f"{self._path}/invocations",
            query=_query(Qualifier=qualifier),
            headers={"x-amz-log-type": "Tail"},
            body=payload,
        )
        tail = base64.b64decode(answer.headers.get("x-amz-log-result", "")).decode("utf-8", "replace")
        failed = "x-amz-function-error" in answer.headers
        body = json.loads(answer.body) if answer.body else None
        return Result(
            function=self.name,
            payload=None if failed else body,
            error=body if failed else None,
            logs=tail,
            report=_billed_by(_report_in(tail), answer.headers.get("x-lablambda-billed-by")),
            executed_version=answer.headers.get("x-amz-executed-version", ""),
            request_id=answer.headers.get("x-amzn-requestid", ""),
        )

    @property
    def _path(self) -> str:
        return f"/2015-03-31/functions/{quote(self.name, safe='')}"


class Clock:
    """A lab's clock: turn it by hand, or let it go faster."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.now))
        return f"<clock of lab {self._lab.name}: {at} UTC, {self.speed:g} x real time>"

    @property
    def now(self) -> float:
        """Lab time in seconds since 1970."""
        return self._ask("GET", "")["now"]

    @property
    def speed(self) -> float:
        """How many seconds of lab time pass in a real one; 0 if it stands still."""
        return self._ask("GET", "")["speed"]

    @speed.setter
    def speed(self, speed: float) -> None:
        self._ask("POST", f"speed={speed}")

    def advance(self, span: str | float) -> None:
        """Turn it forward by `2m`, `90s`, `1h30m` or a number of seconds, and wait until what has become due
        is handled."""
        self._ask("POST", f"advance_s={durations.seconds(str(span))}")
        self._lab.settle()

    def _ask(self, method: str, query: str) -> dict[str, float]:
        answer = self._lab.connection.request("lablambda", method, "/lablambda/clock", query=query)
        told: dict[str, float] = answer.json()
        return told


class Lab:
    """A running lab. Made by `connect()` or `Lab.private()`, not by hand."""

    def __init__(self, descriptor: Descriptor, lease: Lease | None = None) -> None:
        self.descriptor = descriptor
        self._making_client = threading.Lock()  # boto3 makes clients in one thread at a time
        self.connection = Connection(descriptor)
        self._lease = lease
        self._session: boto3.Session | None = None
        self._clients: dict[str, Any] = {}

    @classmethod
    def private(cls, **options: Any) -> Lab:
        """A fresh lab that ends with its owner, with everything in it.

        Use it as a context manager, or call `close()`. If this process dies, however it dies, the lab
        goes too. `options` are those of `lablambda.launch.start_private`.
        """
        from lablambda.launch import start_private

        descriptor, lease = start_private(**options)
        return cls(descriptor, lease)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<lab {self.name} at {self.endpoint}>"

    @property
    def name(self) -> str:
        return self.descriptor.name

    @property
    def reference(self) -> str:
        """What finds this lab: its name, or the path of a private lab's descriptor."""
        return self.descriptor.note or self.name

    @property
    def endpoint(self) -> str:
        """The address of the AWS-compatible API."""
        return self.descriptor.endpoint

    @property
    def https_endpoint(self) -> str:
        """Where function URLs and APIs are: `https://127.0.0.1:PORT`."""
        return self.descriptor.https_endpoint

    @property
    def ca_certificate(self) -> Path:
        """The certificate that clients of `https_endpoint` must trust: `curl --cacert`, requests' `verify`."""
        return authority_dir() / CA_CERTIFICATE

    def function(self, name: str) -> Function:
        """The function of that name; nothing is asked of the lab yet."""
        return Function(self, name)

    @property
    def clock(self) -> Clock:
        """The lab's clock, by which retries, ages and idleness go."""
        return Clock(self)

    def compile_java(self, source: str, runtime: str, requires: Sequence[str] = ()) -> Compiled:
        """Compile one file for a runtime such as java21, with `group:artifact:version` libraries beside AWS's.
        Raises ApiError if a library can't be had, or there is no Java."""
        body = json.dumps({"source": source, "runtime": runtime, "requires": [*requires]}).encode()
        answer = self.connection.request("lablambda", "POST", "/lablambda/java/compile", body=body).json()
        return Compiled(
            classes={path: base64.b64decode(data) for path, data in answer["classes"].items()},
            problems=tuple(Problem(**problem) for problem in answer["problems"]),
            handlers=tuple(answer["handlers"]),
        )

    def functions(self) -> list[dict[str, Any]]:
        """Every function's AWS FunctionConfiguration, by name."""
        found: list[dict[str, Any]] = []
        marker = None
        while True:
            page = self.connection.request(
                "lambda", "GET", "/2015-03-31/functions", query=_query(Marker=marker)
            ).json()
            found += page["Functions"]
            marker = page.get("NextMarker")
            if not marker:
                return found

    def session(self) -> boto3.Session:
        """A boto3 session with this lab's key; give its clients `endpoint_url=lab.endpoint`."""
        if self._session is None:
            import boto3

            self._session = boto3.Session(
                aws_access_key_id=self.descriptor.access_key,
                aws_secret_access_key=self.descriptor.secret_key,
                region_name=self.descriptor.region,
            )
        return self._session

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this lab; the same one each time when no options are given."""
        with self._making_client:
            if options:
                return self.session().client(service, **{"endpoint_url": self.endpoint, **options})
            if service not in self._clients:
                self._clients[service] = self.session().client(service, endpoint_url=self.endpoint)
            return self._clients[service]

    def routes(self, function: str | None = None) -> Endpoints:
        """Every function URL and every route of an API, or those that lead to one function."""
        return find_endpoints(self.client, self.descriptor, function)

    def url(self, function: str) -> str:
        """The address of the function's URL. Raises LookupError if it has none."""
        for endpoint in self.routes(function):
            if endpoint.is_url and endpoint.function == function:
                return endpoint.address
        raise LookupError(
            f"{function} has no URL. Give it one: %%lambda {function} --url, or %lambda on {function} --url"
        )

    def settle(self, timeout: float = 60.0) -> None:
        """Wait until every asynchronous event that is due has been handled.

        Events that wait for a retry in the future don't count. Raises TimeoutError after `timeout`
        seconds.
        """
        answer = self.connection.request(
            "lablambda", "POST", "/lablambda/settle", query=f"timeout={timeout}", timeout=timeout + 30
        )
        if not answer.json()["settled"]:
            raise TimeoutError(f"Events were still being handled after {timeout:g} s; see lab.status().")

    def status(self) -> dict[str, Any]:
        """What the lab says of itself: version, uptime, runtimes, functions, environments, queue."""
        status: dict[str, Any] = self.connection.request("lablambda", "GET", "/lablambda/status").json()
        return status

    def log_events(self, group: str, *, stream: str | None = None, limit: int = 10_000) -> list[LogEvent]:
        """The last `limit` events of a log group or one of its streams, oldest first; none if there is no
        such group yet."""
        return [_log_event(event) for event in self._last_events(group, stream, limit)]

    def follow_log_events(self, group: str, *, limit: int = 10_000, every: float = 0.5) -> Iterator[LogEvent]:
        """The last `limit` events of a log group, then without end those that are new, asked for every so
        many seconds. The group needn't exist yet."""
        newest: dict[str, Any] = {"eventId": "", "timestamp": 0}
        found: Iterable[dict[str, Any]] = self._last_events(group, None, limit)
        while True:
            for event in found:
                if event["eventId"] > newest["eventId"]:  # these ids grow with the events
                    newest = event
                    yield _log_event(event)
            time.sleep(every)
            found = self._events(group, startTime=newest["timestamp"])

    def _last_events(self, group: str, stream: str | None, limit: int) -> list[dict[str, Any]]:
        where: dict[str, Any] = {"startFromHead": False, "limit": min(limit, 10_000)}
        if stream is not None:
            where["logStreamNames"] = [stream]
        return list(islice(self._events(group, **where), limit))[::-1]

    def _events(self, group: str, **where: Any) -> Iterator[dict[str, Any]]:
        """What FilterLogEvents finds, page by page; nothing if there is no such group or stream."""
        parameters: dict[str, Any] = {"logGroupName": group, **where}
        while True:
            try:
                page = self.connection.aws_json("logs", "Logs_20140328.FilterLogEvents", parameters)
            except ApiError as error:
                if error.code != "ResourceNotFoundException":
                    raise
                return
            yield from page["events"]
            if "nextToken" not in page:
                return
            parameters["nextToken"] = page["nextToken"]

    def shutdown(self) -> None:
        """Ask the lab to end; its state stays on disk."""
        self.connection.request("lablambda", "POST", "/lablambda/shutdown")

    def close(self) -> None:
        """End a private lab; let go of a shared one."""
        self.connection.close()
        if self._lease is not None:
            self._lease.end()
            self._lease = None


def connect(name: str | None = None) -> Lab:
    """The lab named by `name`, else by LABLAMBDA_LAB, else "default"; started if it isn't running."""
    from lablambda.launch import find_or_start

    return Lab(find_or_start(name))


def _query(**parameters: str | None) -> str:
    return urlencode({name: value for name, value in parameters.items() if value is not None})


def _log_event(event: dict[str, Any]) -> LogEvent:
    return LogEvent(event["timestamp"], event["message"], event["logStreamName"])


def _report_in(text: str) -> Report | None:
    for line in reversed(text.splitlines()):
        report = platform_log.parse_report(line) or platform_log_json.parse_report(line)
        if report is not None:
            return report
    return None


def _billed_by(report: Report | None, told: str | None) -> Report | None:
    """The report with the architecture and storage that the lab told, if they aren't the usual ones."""
    if report is None or told is None:
        return report
    architecture, storage_mb = told.split()
    return replace(report, architecture=architecture, storage_mb=int(storage_mb))


def _record(row: dict[str, Any]) -> Record:
    return Record(
        started=row["started"],
        source=row["source"],
        version=row["version"],
        log_stream=row["log_stream"],
        report=Report(**row["report"]),
        error=row["error"],
    )


def _one_invocation(events: list[LogEvent], request_id: str) -> list[LogEvent]:
    """An environment handles one event at a time, so an invocation's lines stand together."""
    first = next(
        (i for i, e in enumerate(events) if e.message.startswith(f"START RequestId: {request_id}")), None
    )
    if first is None:
        return []
    last = first
    for last in range(first, len(events)):
        if events[last].message.startswith(f"REPORT RequestId: {request_id}"):
            break
    return events[first : last + 1]
