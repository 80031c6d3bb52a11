"""Carrying steps out, one by one, with what earlier ones answered put into later ones."""

from __future__ import annotations

from typing import Any

from lablambda.asking import Client
from lablambda.rules.step import AnswerOf, LayerOf, Step, StreamOf
from lablambda.settling import Unsettled, wait_until_settled


class DeploymentError(Exception):
    """A deployment stopped at a step; the message names it, the reason and what to do."""


def apply(steps: list[Step], layers: dict[str, str], client: Client) -> dict[str, Any]:
    """Do the steps in order, each until it is settled; `layers` are ARNs by name. Gives the answers by operation.

    Raises DeploymentError.
    """
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError

    answers: dict[str, Any] = {}
    for step in steps:
        call = getattr(client(step.service), xform_name(step.operation))
        advice = f"\n{step.advice}" if step.advice else ""
        try:
            answer = call(**_filled(step.parameters, layers, answers, client))
        except (ClientError, BotoCoreError) as error:
            raise DeploymentError(f"Couldn't {step.text}: {in_words(error)}{advice}") from None
        answers[step.operation] = answer
        if step.operation == "PublishLayerVersion":
            layers[step.parameters["LayerName"]] = answer["LayerVersionArn"]
        try:
            wait_until_settled(client(step.service), step, answer)
        except Unsettled as error:
            raise DeploymentError(f"Couldn't {step.text}: {error}{advice}") from None
    return answers


def _filled(
    parameters: Any, layers: dict[str, str], answers: dict[str, Any], client: Client
) -> dict[str, Any]:
    """The parameters, with what earlier steps have made put where it is stood for."""
    filled = {
        name: f"{item.before}{answers[item.operation][item.member]}{item.after}"
        if isinstance(item, AnswerOf)
        else item
        for name, item in parameters.items()
    }
    if "Layers" in filled:
        filled["Layers"] = [
            layers[item.name] if isinstance(item, LayerOf) else item for item in filled["Layers"]
        ]
    if isinstance(source := filled.get("EventSourceArn"), StreamOf):
        table = client("dynamodb").describe_table(TableName=source.table)["Table"]
        filled["EventSourceArn"] = table["LatestStreamArn"]
    return filled


def in_words(error: Exception) -> str:
    """AWS's code and message, or what kept it from answering."""
    response = getattr(error, "response", None)
    if response is None:
        return str(error)
    return f"{response['Error']['Code']}: {response['Error']['Message']}"
