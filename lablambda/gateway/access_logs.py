"""Access logs of stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lablambda.lab.house import House
from lablambda.model.http_api import Members
from lablambda.rules.access_log import access_line

_LOG_STREAM = "apigateway"


def write_access(house: House, stage: Members, values: Callable[[], Mapping[str, object]]) -> None:
    """Write a line of these `$context` variables, if the stage has its accesses logged."""
    settings = stage.get("AccessLogSettings") or {}
    if settings.get("DestinationArn") and settings.get("Format"):
        group = settings["DestinationArn"].partition(":log-group:")[2].removesuffix(":*")
        house.write_log(group, _LOG_STREAM, access_line(settings["Format"], values()))
