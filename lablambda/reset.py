"""Emptying a lab: every resource of the kinds that notebooks make is found and deleted by AWS's own API.

Only what the lab itself holds: a service that another endpoint answers for (`--services URL`) is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from lablambda.asking import Client, or_none
from lablambda.client import Lab

_BY_THE_LAB = {"lambda", "logs", "events", "scheduler", "apigateway", "apigatewayv2"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. `find` lists what is there; `name` is the member of each, or empty if each is its name, by
    which people know it; `delete` deletes one."""

    word: str
    service: str
    find: Callable[[Any], list[Any]]
    name: str
    delete: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One resource that is there."""

    kind: Kind
    resource: Any

    def __str__(self) -> str:
        named = self.resource[self.kind.name] if self.kind.name else self.resource
        return f"{self.kind.word} {named}"


def find_all(lab: Lab) -> list[Found]:
    """What the lab has, in an order in which it can be deleted."""
    services = lab.status()["services"]
    mine = [kind for kind in KINDS if _is_the_labs(kind.service, services)]
    return [Found(kind, resource) for kind in mine for resource in kind.find(lab.client(kind.service))]


def delete_all(found: list[Found], client: Client) -> None:
    """Delete these; one that is gone by now is no error."""
    for one in found:
        or_none(partial(one.kind.delete, client(one.kind.service), one.resource))


def _is_the_labs(service: str, services: dict[str, str]) -> bool:
    return service in _BY_THE_LAB or services.get(service, services["backend"]) == "moto"


# ------------------------------------------------------------------------------------------------ kinds


def _listed(operation: str, member: str, **parameters: Any) -> Callable[[Any], list[Any]]:
    """Every item of a listing, page by page where it has pages."""

    def find(service: Any) -> list[Any]:
        if service.can_paginate(operation):
            pages = service.get_paginator(operation).paginate(**parameters)
            return list(pages.build_full_result().get(member, []))
        return list(getattr(service, operation)(**parameters).get(member, []))

    return find


def _deleted(operation: str, **parameters: str) -> Callable[[Any, Any], Any]:
    """Deleting by one call; `parameters` name the members of the resource that each takes (empty: all of it)."""

    def delete(service: Any, resource: Any) -> Any:
        taken = {
            parameter: resource[member] if member else resource for parameter, member in parameters.items()
        }
        return getattr(service, operation)(**taken)

    return delete


def _layer_versions(functions: Any) -> list[Any]:
    layers = _listed("list_layers", "Layers")(functions)
    return [
        {"LayerName": layer["LayerName"], "Version": version["Version"], "Arn": version["LayerVersionArn"]}
        for layer in layers
        for version in _listed("list_layer_versions", "LayerVersions", LayerName=layer["LayerName"])(
            functions
        )
    ]


def _rules(events: Any) -> Iterator[Any]:
    for bus in _listed("list_event_buses", "EventBuses")(events):
        for rule in _listed("list_rules", "Rules", EventBusName=bus["Name"])(events):
            yield {"Name": rule["Name"], "EventBusName": bus["Name"]}


def _delete_rule(events: Any, rule: Any) -> None:
    where = {"Rule": rule["Name"], "EventBusName": rule["EventBusName"]}
    targets = [target["Id"] for target in _listed("list_targets_by_rule", "Targets", **where)(events)]
    if targets:
        events.remove_targets(**where, Ids=targets)
    events.delete_rule(**rule)


def _own_buses(events: Any) -> list[Any]:
    return [bus for bus in _listed("list_event_buses", "EventBuses")(events) if bus["Name"] != "default"]


def _delete_bucket(s3: Any, bucket: Any) -> None:
    name = bucket["Name"]
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        if objects:
            s3.delete_objects(Bucket=name, Delete={"Objects": objects})
    s3.delete_bucket(Bucket=name)


KINDS = (
    Kind(
        "REST API",
        "apigateway",
        _listed("get_rest_apis", "items"),
        "name",
        _deleted("delete_rest_api", restApiId="id"),
    ),
    Kind("API", "apigatewayv2", _listed("get_apis", "Items"), "Name", _deleted("delete_api", ApiId="ApiId")),
    Kind(
        "schedule",
        "scheduler",
        _listed("list_schedules", "Schedules"),
        "Name",
        _deleted("delete_schedule", Name="Name", GroupName="GroupName"),
    ),
    Kind("rule", "events", lambda events: [*_rules(events)], "Name", _delete_rule),
    Kind("event bus", "events", _own_buses, "Name", _deleted("delete_event_bus", Name="Name")),
    Kind(
        "event source mapping",
        "lambda",
        _listed("list_event_source_mappings", "EventSourceMappings"),
        "EventSourceArn",
        _deleted("delete_event_source_mapping", UUID="UUID"),
    ),
    Kind(
        "function",
        "lambda",
        _listed("list_functions", "Functions"),
        "FunctionName",
        _deleted("delete_function", FunctionName="FunctionName"),
    ),
    Kind(
        "layer",
        "lambda",
        _layer_versions,
        "Arn",
        _deleted("delete_layer_version", LayerName="LayerName", VersionNumber="Version"),
    ),
    Kind(
        "log group",
        "logs",
        _listed("describe_log_groups", "logGroups"),
        "logGroupName",
        _deleted("delete_log_group", logGroupName="logGroupName"),
    ),
    Kind("bucket", "s3", _listed("list_buckets", "Buckets"), "Name", _delete_bucket),
    Kind("queue", "sqs", _listed("list_queues", "QueueUrls"), "", _deleted("delete_queue", QueueUrl="")),
    Kind(
        "topic",
        "sns",
        _listed("list_topics", "Topics"),
        "TopicArn",
        _deleted("delete_topic", TopicArn="TopicArn"),
    ),
    Kind(
        "table", "dynamodb", _listed("list_tables", "TableNames"), "", _deleted("delete_table", TableName="")
    ),
    Kind(
        "stream",
        "kinesis",
        _listed("list_streams", "StreamNames"),
        "",
        _deleted("delete_stream", StreamName=""),
    ),
)
