"""Functions: create, read, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lablambda.api.lambda_api.described import configuration, listed_configuration
from lablambda.api.lambda_api.references import reference, whole
from lablambda.api.pages import page
from lablambda.api.shapes import Parameters
from lablambda.lab.deploy import check_revision
from lablambda.lab.house import House
from lablambda.model.errors import InvalidParameterValue, NotImplementedHere
from lablambda.model.function import LATEST, version_order
from lablambda.rules.limits import FUNCTION_NAME
from lablambda.rules.names import FunctionReference, function_arn, parse_reference
from lablambda.rules.runtimes import check_runtime

Result = Mapping[str, Any]
# Members of CreateFunction and UpdateFunctionConfiguration that are not settings of the function.
_NOT_CONFIGURATION = {
    "FunctionName",
    "Code",
    "CodeSigningConfigArn",
    "Publish",
    "PublishTo",
    "Tags",
    "Layers",
    "RevisionId",
}
_NOT_BUILT = {
    "CapacityProviderConfig": "Capacity providers are",
    "CodeSigningConfigArn": "Code signing is",
    "DurableConfig": "Durable functions are",
    "TenancyConfig": "Tenant isolation is",
}


async def create_function(house: House, p: Parameters) -> Result:
    name = parse_reference(p["FunctionName"]).name
    _check_name(name)
    if p.get("PackageType", "Zip") == "Zip" and not (p.get("Runtime") and p.get("Handler")):
        raise InvalidParameterValue(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    version = await house.deployer.create(
        name,
        _settings(p),
        await house.code.take(p["Code"]),
        layers=p.get("Layers", []),
        tags=p.get("Tags", {}),
        publish=p.get("Publish", False),
    )
    return configuration(version, arn=function_arn(name))  # unqualified even if it was published


def _check_name(name: str) -> None:
    """The model's limit is that of ARNs; a name's own comes as another error."""
    if len(name) > FUNCTION_NAME:
        raise InvalidParameterValue(
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must "
            f"have length less than or equal to {FUNCTION_NAME}"
        )


async def update_function_code(house: House, p: Parameters) -> Result:
    named = whole(p, latest=True)
    function = house.catalog.function(named)
    check_revision(function.latest, p.get("RevisionId"))
    if p.get("ImageUri"):
        raise InvalidParameterValue(
            "Please don't provide ImageUri when updating a function with packageType Zip."
        )
    package = await house.code.take(p)
    if p.get("DryRun"):
        return configuration(function.latest) | {
            "CodeSha256": package.sha256,
            "CodeSize": package.size,
        }
    version = await house.deployer.change(
        named,
        package=package,
        members={"Architectures": p["Architectures"]} if "Architectures" in p else None,
        revision=p.get("RevisionId"),
        publish=p.get("Publish", False),
    )
    return configuration(version)


async def update_function_configuration(house: House, p: Parameters) -> Result:
    version = await house.deployer.change(
        whole(p, latest=True), members=_settings(p), layers=p.get("Layers"), revision=p.get("RevisionId")
    )
    return configuration(version)


def _settings(p: Parameters) -> dict[str, Any]:
    for member, what in _NOT_BUILT.items():
        if p.get(member):
            raise NotImplementedHere(f"{what} not implemented here; leave {member} out.")
    if p.get("PackageType") == "Image":
        raise NotImplementedHere("Functions from container images are not implemented here; use a zip.")
    if "Runtime" in p:
        check_runtime(p["Runtime"])
    return {name: value for name, value in p.items() if name not in _NOT_CONFIGURATION}


async def get_function(house: House, p: Parameters) -> Result:
    named = reference(p)
    function, version = house.catalog.function(named), house.catalog.version(named)
    answer: dict[str, Any] = {
        "Configuration": configuration(version, arn=named.arn),
        "Code": {"RepositoryType": "S3", "Location": house.location(version.package)},
    }
    if named.qualifier is None:
        answer["Tags"] = dict(function.tags) or None
        if function.reserved is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return answer


async def get_function_configuration(house: House, p: Parameters) -> Result:
    named = reference(p)
    house.catalog.function(named)  # misses a function by the name it was given, unlike `version`
    return configuration(house.catalog.version(named), arn=named.arn)


async def list_functions(house: House, p: Parameters) -> Result:
    functions = house.catalog.functions()
    if p.get("FunctionVersion") == "ALL":
        versions = [v for function in functions for v in function.every_version()]
    else:
        versions = [function.latest for function in functions]
    chosen, marker = page(versions, p, lambda version: f"{version.name}:{version.number}", order=_order)
    qualified = p.get("FunctionVersion") == "ALL"
    return {
        "Functions": [listed_configuration(version, qualified=qualified) for version in chosen],
        "NextMarker": marker,
    }


def _order(name: str) -> tuple[str, int]:
    function, _, number = name.partition(":")
    return function, version_order(number)


async def delete_function(house: House, p: Parameters) -> Result:
    named = reference(p)
    if named.qualifier == LATEST:
        raise InvalidParameterValue("$LATEST version cannot be deleted without deleting the function.")
    if named.qualifier is None:
        await house.deployer.delete(named)
        house.past.forget(named.name)
    elif not named.qualifier.isdigit():
        raise InvalidParameterValue("Deletion of aliases is not currently supported.")
    else:
        house.catalog.function(FunctionReference(named.name))
        await house.deployer.delete_version(named)
    return {"_status": 204}
