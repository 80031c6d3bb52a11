"""Access logs of stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lablambda.lab.house import House
from lablambda.model.api import Members
from lablambda.rules.access_log import access_line

_LOG_STREAM = "apigateway"


def write_access(
    house: House, destination: str | None, form: str | None, values: Callable[[], Mapping[str, object]]
) -> None:
    """Write a line of these `$context` variables to the log group of that ARN, if a stage has its accesses logged."""
    if destination and form:
        group = destination.partition(":log-group:")[2].removesuffix(":*")
        house.write_log(group, _LOG_STREAM, access_line(form, values()))


def write_route_access(house: House, stage: Members, values: Callable[[], Mapping[str, object]]) -> None:
    """The same for a stage of an HTTP or WebSocket API."""
    settings = stage.get("AccessLogSettings") or {}
    write_access(house, settings.get("DestinationArn"), settings.get("Format"), values)
