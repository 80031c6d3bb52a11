"""Lambda's operations: each reads its parameters, asks the lab, and gives the members of its output."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from lablambda.api.layers_api import (
    get_layer_version,
    list_layer_versions,
    list_layers,
    publish_layer_version,
)
from lablambda.api.shapes import Parameters
from lablambda.lab.house import House
from lablambda.model.errors import (
    InvalidParameterValue,
    InvalidRequestContent,
    PreconditionFailed,
    RequestTooLarge,
    ResourceConflict,
    ResourceNotFound,
)
from lablambda.model.function import LATEST, Function, Version
from lablambda.model.invocation import Invocation, new_request_id
from lablambda.rules import platform_log
from lablambda.rules.limits import (
    ASYNC_PAYLOAD_BYTES,
    CLIENT_CONTEXT_BYTES,
    LOG_TAIL_BYTES,
    SYNC_PAYLOAD_BYTES,
)
from lablambda.rules.names import FunctionReference, function_arn, parse_reference

Result = Mapping[str, Any]
_PAGE = 50
# Members of CreateFunction and UpdateFunctionConfiguration that are not settings of the function.
_NOT_CONFIGURATION = {"FunctionName", "Code", "Publish", "PublishTo", "Tags", "Layers", "RevisionId"}


def _reference(parameters: Parameters) -> FunctionReference:
    return parse_reference(parameters["FunctionName"], parameters.get("Qualifier"))


# ------------------------------------------------------------------------------------ configuration


def configuration(version: Version, *, arn: str | None = None) -> dict[str, Any]:
    """AWS's FunctionConfiguration, in the state that the lab is always in: Active and Successful."""
    settings = version.configuration
    described = {
        **settings,
        "FunctionName": version.name,
        "FunctionArn": arn or version.arn,
        "CodeSize": version.package.size,
        "CodeSha256": version.package.sha256,
        "LastModified": version.last_modified,
        "Version": version.number,
        "RevisionId": version.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off", **settings.get("SnapStart", {})},
        "RuntimeVersionConfig": {"RuntimeVersionArn": platform_log.runtime_version_arn(version.runtime)},
    }
    if version.layers:
        described["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.package.size} for layer in version.layers]
    return described


async def create_function(house: House, p: Parameters) -> Result:
    reference = parse_reference(p["FunctionName"])
    for member in ("Runtime", "Handler"):
        if not p.get(member) and p.get("PackageType", "Zip") == "Zip":
            raise InvalidParameterValue(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
    version = await house.deployer.create(
        reference.name,
        _settings(p),
        code=_code(p["Code"]),
        layers=p.get("Layers", []),
        tags=p.get("Tags", {}),
    )
    described = configuration(version)
    # The answer tells of the moment of the request; by the next one the function is Active.
    del described["LastUpdateStatus"]
    return described | {
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }


async def update_function_code(house: House, p: Parameters) -> Result:
    if p.get("DryRun"):
        return configuration(house.catalog.function(_reference(p)).latest)
    return _updating(await house.deployer.change_code(_reference(p), _code(p), p.get("RevisionId")))


async def update_function_configuration(house: House, p: Parameters) -> Result:
    version = await house.deployer.change_configuration(
        _reference(p), _settings(p), layers=p.get("Layers"), revision=p.get("RevisionId")
    )
    return _updating(version)


def _updating(version: Version) -> dict[str, Any]:
    return configuration(version) | {
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }


def _settings(p: Parameters) -> dict[str, Any]:
    return {name: value for name, value in p.items() if name not in _NOT_CONFIGURATION}


def _code(code: Mapping[str, Any]) -> bytes:
    data = code.get("ZipFile")
    if isinstance(data, bytes):
        return data
    if data is not None:
        raise InvalidRequestContent("ZipFile isn't valid base64.")
    if "S3Bucket" in code:
        raise InvalidParameterValue("Code from S3Bucket/S3Key is not implemented here yet; send ZipFile.")
    raise InvalidParameterValue("Please provide a source for function code.")


# ------------------------------------------------------------------------------------------- reading


async def get_function(house: House, p: Parameters) -> Result:
    reference = _reference(p)
    function = house.catalog.function(reference)
    answer: dict[str, Any] = {
        "Configuration": configuration(function.latest, arn=reference.arn),
        "Code": {
            "RepositoryType": "S3",
            "Location": house.store.zip_path(function.latest.package).as_uri(),
        },
    }
    if function.tags and reference.qualifier is None:
        answer["Tags"] = function.tags
    return answer


async def get_function_configuration(house: House, p: Parameters) -> Result:
    reference = _reference(p)
    return configuration(house.catalog.function(reference).latest, arn=reference.arn)


async def list_functions(house: House, p: Parameters) -> Result:
    functions = house.catalog.functions()
    page, marker = paginate([function.name for function in functions], p)
    described = [
        configuration(
            function.latest,
            arn=function_arn(function.name, LATEST) if p.get("FunctionVersion") == "ALL" else None,
        )
        for function in functions
        if function.name in page
    ]
    return {"Functions": described, "NextMarker": marker}


def paginate(names: list[str], p: Parameters) -> tuple[set[str], str | None]:
    """The names of the page that starts after Marker, and the next page's marker."""
    after = ""
    if p.get("Marker"):
        try:
            after = base64.urlsafe_b64decode(p["Marker"]).decode()
        except (binascii.Error, ValueError):
            raise InvalidParameterValue("Invalid pagination token") from None
    rest = [name for name in names if name > after]
    page = rest[: min(p.get("MaxItems", _PAGE), _PAGE)]
    more = len(page) < len(rest)
    return set(page), base64.urlsafe_b64encode(page[-1].encode()).decode() if more else None


async def delete_function(house: House, p: Parameters) -> Result:
    reference = _reference(p)
    if reference.qualifier == LATEST:
        raise InvalidParameterValue("$LATEST version cannot be deleted without deleting the function.")
    await house.deployer.delete(reference)
    return {"_status": 204}


# ------------------------------------------------------------------------------------------ invoking


async def invoke(house: House, p: Parameters) -> Result:
    kind = p.get("InvocationType", "RequestResponse")
    reference = _reference(p)
    version = house.catalog.version(reference)
    payload = _payload(p.get("Payload", b""), SYNC_PAYLOAD_BYTES if kind != "Event" else ASYNC_PAYLOAD_BYTES)
    invocation = Invocation(
        function=reference.name,
        qualifier=reference.qualifier,
        payload=payload,
        arn=reference.arn,
        request_id=new_request_id(),
        client_context=_client_context(p.get("ClientContext")) if kind == "RequestResponse" else None,
    )
    if kind == "DryRun":
        return {"_status": 204}
    if kind == "Event":
        await house.queue.put(invocation)
        return {"_status": 202, "_headers": [("x-amzn-RequestId", invocation.request_id)]}
    outcome = await house.invoker.invoke(invocation)
    return {
        "_headers": [("x-amzn-RequestId", invocation.request_id)],
        "FunctionError": outcome.function_error,
        "LogResult": base64.b64encode(outcome.log_tail(LOG_TAIL_BYTES)).decode()
        if p.get("LogType") == "Tail"
        else None,
        "Payload": outcome.payload,
        "ExecutedVersion": version.number,
    }


def _payload(body: bytes, most: int) -> bytes:
    if len(body) > most:
        raise RequestTooLarge(f"Request must be smaller than {most} bytes for the InvokeFunction operation")
    if not body:
        return b"{}"
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContent(
            f"Could not parse request body into json: Could not parse payload into json: {error}"
        ) from None
    return body


def _client_context(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > CLIENT_CONTEXT_BYTES:
        raise RequestTooLarge(f"Client context must be no more than {CLIENT_CONTEXT_BYTES} bytes.")
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidRequestContent("Client context must be a valid Base64-encoded JSON object.") from None


# -------------------------------------------------------------------------------------- permissions


async def add_permission(house: House, p: Parameters) -> Result:
    reference = _reference(p)
    if reference.qualifier == LATEST:
        raise InvalidParameterValue("We currently do not support adding policies for $LATEST.")
    function = house.catalog.function(reference)
    _check_policy_revision(function, p)
    sid = p["StatementId"]
    if sid in function.statements:
        raise ResourceConflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement."
        )
    statement = _statement(reference, p)
    await _save_statements(house, function, {**function.statements, sid: statement})
    return {"Statement": json.dumps(statement)}


async def remove_permission(house: House, p: Parameters) -> Result:
    function = house.catalog.function(_reference(p))
    if not function.statements:
        raise ResourceNotFound("No policy is associated with the given resource.")
    _check_policy_revision(function, p)
    if p["StatementId"] not in function.statements:
        raise ResourceNotFound(f"Statement {p['StatementId']} is not found in resource policy.")
    kept = {sid: body for sid, body in function.statements.items() if sid != p["StatementId"]}
    await _save_statements(house, function, kept)
    return {"_status": 204}


async def get_policy(house: House, p: Parameters) -> Result:
    function = house.catalog.function(_reference(p))
    if not function.statements:
        raise ResourceNotFound("The resource you requested does not exist.")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": list(function.statements.values())}
    return {"Policy": json.dumps(document), "RevisionId": function.policy_revision}


def _statement(reference: FunctionReference, p: Parameters) -> dict[str, Any]:
    conditions: dict[str, dict[str, str]] = {}
    if "SourceAccount" in p:
        conditions.setdefault("StringEquals", {})["AWS:SourceAccount"] = p["SourceAccount"]
    if "SourceArn" in p:
        conditions.setdefault("ArnLike", {})["AWS:SourceArn"] = p["SourceArn"]
    for member, operator, key in (
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
        ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ):
        if member in p:
            value = p[member]
            conditions.setdefault(operator, {})[key] = value if isinstance(value, str) else str(value).lower()
    statement: dict[str, Any] = {
        "Sid": p["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(p["Principal"]),
        "Action": p["Action"],
        "Resource": reference.arn,
    }
    return statement | ({"Condition": conditions} if conditions else {})


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if re.fullmatch(r"\d{12}", text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if text.startswith("arn:"):
        return {"AWS": text}
    return {"Service": text}


def _check_policy_revision(function: Function, p: Parameters) -> None:
    if p.get("RevisionId") not in (None, function.policy_revision):
        raise PreconditionFailed(
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve "
            "the latest Revision Id"
        )


async def _save_statements(house: House, function: Function, statements: Mapping[str, Any]) -> None:
    await house.catalog.save(replace(function, statements=statements, policy_revision=str(uuid.uuid4())))


Handler = Callable[[House, Parameters], Awaitable[Result]]
# Every operation of Lambda that this lab has; the others answer that they are not implemented.
LAMBDA: dict[str, Handler] = {
    "AddPermission": add_permission,
    "CreateFunction": create_function,
    "DeleteFunction": delete_function,
    "GetFunction": get_function,
    "GetFunctionConfiguration": get_function_configuration,
    "GetLayerVersion": get_layer_version,
    "GetPolicy": get_policy,
    "Invoke": invoke,
    "ListFunctions": list_functions,
    "ListLayerVersions": list_layer_versions,
    "ListLayers": list_layers,
    "PublishLayerVersion": publish_layer_version,
    "RemovePermission": remove_permission,
    "UpdateFunctionCode": update_function_code,
    "UpdateFunctionConfiguration": update_function_configuration,
}
