"""Every operation of Lambda, and what this lab makes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lablambda.api.lambda_api import (
    account,
    aliases,
    code_signing,
    concurrency,
    event_invoke,
    functions,
    invoking,
    layers,
    mappings,
    policies,
    settings,
    tags,
    urls,
    versions,
)
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House

Handler = Callable[[House, Parameters], Awaitable[Mapping[str, Any]]]


class Level(StrEnum):
    """How much of an operation there is."""

    WORKS = "works"
    STORED = "stored"  # checked, kept and shown; nothing here acts on it
    REFUSED = "refused"  # answers that it isn't implemented


@dataclass(frozen=True, slots=True)
class Entry:
    level: Level
    handler: Handler | None
    note: str = ""


def _works(handler: Handler, note: str = "") -> Entry:
    return Entry(Level.WORKS, handler, note)


def _stored(handler: Handler, note: str) -> Entry:
    return Entry(Level.STORED, handler, note)


def _refused(note: str) -> Entry:
    return Entry(Level.REFUSED, None, note)


_OWN_RUNTIME = "kept and shown; the machine's own runtimes run"
_NO_INSTANCES = "kept and shown; there are no managed instances"
_DURABLE, _PROVIDERS, _SIGNING = "durable functions", "capacity providers", "code signing"
_NO_SIGNING = "there is none to read: says so"

LAMBDA: dict[str, Entry] = {
    "AddLayerVersionPermission": _works(layers.add_layer_version_permission),
    "AddPermission": _works(policies.add_permission),
    "CheckpointDurableExecution": _refused(_DURABLE),
    "CreateAlias": _works(aliases.create_alias),
    "CreateCapacityProvider": _refused(_PROVIDERS),
    "CreateCodeSigningConfig": _refused(_SIGNING),
    "CreateEventSourceMapping": _works(mappings.create_event_source_mapping),
    "CreateFunction": _works(functions.create_function),
    "CreateFunctionUrlConfig": _works(urls.create_function_url_config),
    "DeleteAlias": _works(aliases.delete_alias),
    "DeleteCapacityProvider": _refused(_PROVIDERS),
    "DeleteCodeSigningConfig": _refused(_SIGNING),
    "DeleteDurableExecution": _refused(_DURABLE),
    "DeleteEventSourceMapping": _works(mappings.delete_event_source_mapping),
    "DeleteFunction": _works(functions.delete_function),
    "DeleteFunctionCodeSigningConfig": _refused(_SIGNING),
    "DeleteFunctionConcurrency": _works(concurrency.delete_function_concurrency),
    "DeleteFunctionEventInvokeConfig": _works(event_invoke.delete_function_event_invoke_config),
    "DeleteFunctionUrlConfig": _works(urls.delete_function_url_config),
    "DeleteLayerVersion": _works(layers.delete_layer_version),
    "DeleteProvisionedConcurrencyConfig": _works(concurrency.delete_provisioned_concurrency_config),
    "DeleteResourcePolicy": _works(policies.delete_resource_policy),
    "GetAccountSettings": _works(account.get_account_settings),
    "GetAlias": _works(aliases.get_alias),
    "GetCapacityProvider": _refused(_PROVIDERS),
    "GetCodeSigningConfig": _works(code_signing.get_code_signing_config, _NO_SIGNING),
    "GetDurableExecution": _refused(_DURABLE),
    "GetDurableExecutionHistory": _refused(_DURABLE),
    "GetDurableExecutionState": _refused(_DURABLE),
    "GetEventSourceMapping": _works(mappings.get_event_source_mapping),
    "GetFunction": _works(functions.get_function),
    "GetFunctionCodeSigningConfig": _works(code_signing.get_function_code_signing_config, _NO_SIGNING),
    "GetFunctionConcurrency": _works(concurrency.get_function_concurrency),
    "GetFunctionConfiguration": _works(functions.get_function_configuration),
    "GetFunctionEventInvokeConfig": _works(event_invoke.get_function_event_invoke_config),
    "GetFunctionRecursionConfig": _works(settings.get_function_recursion_config),
    "GetFunctionScalingConfig": _works(settings.get_function_scaling_config),
    "GetFunctionUrlConfig": _works(urls.get_function_url_config),
    "GetLayerVersion": _works(layers.get_layer_version),
    "GetLayerVersionByArn": _works(layers.get_layer_version_by_arn),
    "GetLayerVersionPolicy": _works(layers.get_layer_version_policy),
    "GetPolicy": _works(policies.get_policy),
    "GetProvisionedConcurrencyConfig": _works(concurrency.get_provisioned_concurrency_config),
    "GetResourcePolicy": _works(policies.get_resource_policy),
    "GetRuntimeManagementConfig": _works(settings.get_runtime_management_config),
    "Invoke": _works(invoking.invoke),
    "InvokeAsync": _works(invoking.invoke_async),
    "InvokeWithResponseStream": _works(invoking.invoke_with_response_stream),
    "ListAliases": _works(aliases.list_aliases),
    "ListCapacityProviders": _refused(_PROVIDERS),
    "ListCodeSigningConfigs": _works(code_signing.list_code_signing_configs, _NO_SIGNING),
    "ListDurableExecutionsByFunction": _refused(_DURABLE),
    "ListEventSourceMappings": _works(mappings.list_event_source_mappings),
    "ListFunctionEventInvokeConfigs": _works(event_invoke.list_function_event_invoke_configs),
    "ListFunctionUrlConfigs": _works(urls.list_function_url_configs),
    "ListFunctionVersionsByCapacityProvider": _refused(_PROVIDERS),
    "ListFunctions": _works(functions.list_functions),
    "ListFunctionsByCodeSigningConfig": _works(code_signing.get_code_signing_config, _NO_SIGNING),
    "ListLayerVersions": _works(layers.list_layer_versions),
    "ListLayers": _works(layers.list_layers),
    "ListProvisionedConcurrencyConfigs": _works(concurrency.list_provisioned_concurrency_configs),
    "ListTags": _works(tags.list_tags),
    "ListVersionsByFunction": _works(versions.list_versions_by_function),
    "PauseDurableExecution": _refused(_DURABLE),
    "PublishLayerVersion": _works(layers.publish_layer_version),
    "PublishVersion": _works(versions.publish_version),
    "PutFunctionCodeSigningConfig": _refused(_SIGNING),
    "PutFunctionConcurrency": _works(concurrency.put_function_concurrency),
    "PutFunctionEventInvokeConfig": _works(event_invoke.put_function_event_invoke_config),
    "PutFunctionRecursionConfig": _works(settings.put_function_recursion_config),
    "PutFunctionScalingConfig": _stored(settings.put_function_scaling_config, _NO_INSTANCES),
    "PutProvisionedConcurrencyConfig": _works(concurrency.put_provisioned_concurrency_config),
    "PutResourcePolicy": _works(policies.put_resource_policy),
    "PutRuntimeManagementConfig": _stored(settings.put_runtime_management_config, _OWN_RUNTIME),
    "RemoveLayerVersionPermission": _works(layers.remove_layer_version_permission),
    "RemovePermission": _works(policies.remove_permission),
    "ResumeDurableExecution": _refused(_DURABLE),
    "SendDurableExecutionCallbackFailure": _refused(_DURABLE),
    "SendDurableExecutionCallbackHeartbeat": _refused(_DURABLE),
    "SendDurableExecutionCallbackSuccess": _refused(_DURABLE),
    "StopDurableExecution": _refused(_DURABLE),
    "TagResource": _works(tags.tag_resource),
    "UntagResource": _works(tags.untag_resource),
    "UpdateAlias": _works(aliases.update_alias),
    "UpdateCapacityProvider": _refused(_PROVIDERS),
    "UpdateCodeSigningConfig": _refused(_SIGNING),
    "UpdateEventSourceMapping": _works(mappings.update_event_source_mapping),
    "UpdateFunctionCode": _works(functions.update_function_code),
    "UpdateFunctionConfiguration": _works(functions.update_function_configuration),
    "UpdateFunctionEventInvokeConfig": _works(event_invoke.update_function_event_invoke_config),
    "UpdateFunctionUrlConfig": _works(urls.update_function_url_config),
}
