"""`GET /metrics`: the lab's totals in Prometheus' exposition format.

A scraper can't sign its requests, so it shows the lab's access key and secret as user and password (HTTP
basic authentication); a request signed for the service `lablambda` is answered too, by `lab_api`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lablambda.httpserver import Request, Response
from lablambda.lab.house import House
from lablambda.model.errors import AccessDenied
from lablambda.model.events import QueueMove
from lablambda.telemetry.tallies import BOUNDS_S, Histogram

if TYPE_CHECKING:
    from prometheus_client import Metric

PATH = "/metrics"
_BY_FUNCTION = ("function",)
_BY_VERSION = ("function", "version")
_REFUSED = (
    b"This page is for the lab's owner. Let the scraper authenticate (basic_auth) with the lab's access key as "
    b"user name and its secret key as password; 'lablambda env' prints both.\n"
)


def is_asked_for(request: Request) -> bool:
    """Whether this asks for the page, if it isn't signed: signed for S3, it is about a bucket `metrics`."""
    return request.path == PATH and request.method == "GET"


def respond(house: House, request: Request) -> Response:
    """The page for who proves to be the owner, when signatures are checked; 401 and what to do for others."""
    if house.verify and not _is_owner(house, request.headers.get("authorization", "")):
        challenge = ("www-authenticate", 'Basic realm="lablambda", charset="UTF-8"')
        return Response(401, _REFUSED, [("content-type", "text/plain; charset=utf-8"), challenge])
    return page(house)


def respond_signed(house: House, request: Request) -> Response:
    """The page for a signed request. Raises AccessDenied if a function's role signed it."""
    if "x-amz-security-token" in request.headers or "X-Amz-Security-Token=" in request.query:
        raise AccessDenied(
            "This page is for the lab's owner: sign with the lab's own key, not with a role's."
        )
    return page(house)


def _is_owner(house: House, authorization: str) -> bool:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, _, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return house.keys.is_owner(user, password)


def page(house: House) -> Response:
    """Every family, in the text format that all versions of Prometheus read."""
    # Loaded for whoever first asks: a lab's start doesn't wait for it.
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(house))
    text = generate_latest(registry)
    return Response(200, text, [("content-type", "text/plain; version=0.0.4; charset=utf-8")])


class _Collector:
    """Makes the families of one lab, each time anew."""

    def __init__(self, house: House) -> None:
        self._house = house

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _counters(self._house)
        yield from _histograms(self._house)
        yield from _gauges(self._house)


def _counters(house: House) -> Iterator[Metric]:
    versions = house.tallies.versions
    invocations = [(key, float(tally.invocations)) for key, tally in versions.items()]
    errors = [(key, float(tally.errors)) for key, tally in versions.items()]
    moves = house.tallies.moves
    costs = [((name,), dollars) for name, dollars in house.tallies.costs().items()]
    yield _counter("invocations", "Invocations that ran.", _BY_VERSION, invocations)
    yield _counter("errors", "Invocations that failed.", _BY_VERSION, errors)
    yield _counter(
        "throttles", "Invocations refused before they ran.", _BY_FUNCTION, _rows(house.tallies.throttles)
    )
    yield _counter(
        "async_events_received",
        "Asynchronous events accepted.",
        _BY_FUNCTION,
        _rows(moves[QueueMove.RECEIVED]),
    )
    yield _counter(
        "async_events_dropped", "Asynchronous events given up.", _BY_FUNCTION, _rows(moves[QueueMove.DROPPED])
    )
    yield _counter("cost_dollars", "Price on AWS before free tier.", _BY_FUNCTION, costs)


def _rows(counts: Mapping[str, int]) -> list[tuple[Sequence[str], float]]:
    return [((name,), float(count)) for name, count in counts.items()]


def _counter(
    name: str, meaning: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(f"lablambda_{name}", meaning, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family


def _histograms(house: House) -> Iterator[Metric]:
    versions = house.tallies.versions
    durations = {key: tally.duration for key, tally in versions.items()}
    inits = {key: tally.init for key, tally in versions.items()}
    yield _histogram("duration_seconds", "How long handlers ran, without init.", durations)
    yield _histogram("init_duration_seconds", "How long cold starts took to initialize.", inits)


def _histogram(name: str, meaning: str, values: Mapping[tuple[str, str], Histogram]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"lablambda_{name}", meaning, labels=_BY_VERSION)
    for key, histogram in values.items():
        family.add_metric(key, _buckets(histogram), histogram.total_ms / 1000)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Prometheus' buckets are cumulative: each holds all that is under its bound."""
    bounds = [*(str(float(bound)) for bound in BOUNDS_S), "+Inf"]
    sums = [sum(histogram.counts[: place + 1]) for place in range(len(bounds))]
    return [(bound, float(count)) for bound, count in zip(bounds, sums, strict=True)]


def _gauges(house: House) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    count = house.host.count()
    states = GaugeMetricFamily("lablambda_environments", "Execution environments.", labels=["state"])
    states.add_metric(["busy"], count["busy"])
    states.add_metric(["idle"], count["total"] - count["busy"])
    yield states
    waiting = house.queue.counts()["waiting"]
    yield GaugeMetricFamily("lablambda_running", "Invocations running now.", value=house.invoker.running)
    yield GaugeMetricFamily(
        "lablambda_async_events_waiting", "Asynchronous events not yet handled.", value=waiting
    )
