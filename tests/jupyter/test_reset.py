"""An emptied lab."""

from __future__ import annotations

import pytest

from lablambda.client import Lab
from lablambda.config import NAME_VARIABLE
from lablambda.reset import KINDS, find_all
from tests.api_clients import code
from tests.jupyter.conftest import Notebook

EVERYTHING = """%%lambda busy --on s3:busy-bucket --on sqs:busy-queue --on dynamodb:busy-table --on kinesis:busy-stream \
--on sns:busy-topic --on schedule:rate(5 minutes) --route "GET /busy" --alias live
def handler(event, context): ...
"""


@pytest.fixture
def own_lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    lab = Lab.private()
    monkeypatch.setenv(NAME_VARIABLE, lab.reference)
    return lab


def test_all_that_a_lab_has_is_told_and_then_deleted(shell: object, own_lab: Lab) -> None:
    notebook = Notebook(shell)
    with own_lab as lab:
        notebook.run("%load_ext lablambda")
        notebook.run(EVERYTHING)
        _by_hand(lab)
        lab.function("busy").invoke()
        before = find_all(lab)
        assert {found.kind.word for found in before} == {kind.word for kind in KINDS}
        told = notebook.text("%lambda reset")
        assert [line for line in map(str, before) if line not in told] == []
        assert "%lambda reset --yes" in told
        assert [*map(str, find_all(lab))] == [*map(str, before)]
        assert "function busy" in notebook.text("%lambda reset --yes")
        assert find_all(lab) == []
        assert notebook.text("%lambda reset") == f"lab {lab.name} has nothing"


def _by_hand(lab: Lab) -> None:
    """What cells don't make."""
    lab.client("s3").put_bucket_versioning(
        Bucket="busy-bucket", VersioningConfiguration={"Status": "Enabled"}
    )
    for body in (b"1", b"2"):
        lab.client("s3").put_object(Bucket="busy-bucket", Key="k", Body=body)
    lab.client("s3").delete_object(Bucket="busy-bucket", Key="k")
    lab.client("lambda").publish_layer_version(LayerName="l", Content={"ZipFile": code("")})
    lab.client("apigateway").create_rest_api(name="rest")
    lab.client("events").create_event_bus(Name="own-bus")
    lab.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": lab.function("busy").configuration()["FunctionArn"],
            "RoleArn": "arn:aws:iam::000000000000:role/r",
        },
    )
