"""How many environments are kept ready for which version."""

from __future__ import annotations

import pytest

from lablambda.model.errors import InvalidParameterValue, ResourceConflict
from lablambda.model.function import Function, Setting
from lablambda.rules import provisioning
from tests.nouns import function


def provisioned(*, reserved: int | None = None, **counts: int) -> Function:
    """A function with two versions; `live` (version 1) or `v2` get what is given."""
    made = function(published=2, reserved=reserved)
    for qualifier, count in counts.items():
        members = {provisioning.REQUESTED: count}
        made = made.with_setting(Setting.PROVISIONED, qualifier.lstrip("v"), members)
    return made


def test_an_alias_provisions_the_version_it_points_to() -> None:
    found = provisioned(live=3, v2=2)
    assert [provisioning.of_version(found, number) for number in ("1", "2", "$LATEST")] == [3, 2, 0]
    assert provisioning.total(found) == 5


def test_what_is_taken_out_of_the_accounts_pool() -> None:
    assert provisioning.set_aside(function()) == 0
    assert provisioning.set_aside(provisioned(live=3)) == 3
    assert provisioning.set_aside(provisioned(live=3, reserved=10)) == 10


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (provisioned(live=5, reserved=4), "should not be greater than the reservedConcurrentExecution"),
        (provisioned(live=1001), "is greater than account's unreserved concurrency [1000]"),
        (provisioned(live=901), "below its minimum value of [100]"),
    ],
)
def test_what_cannot_be_provisioned(after: Function, message: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        provisioning.check(function(), after, limit=1000, set_aside=0)
    assert message in str(caught.value)


def test_a_version_is_provisioned_once() -> None:
    with pytest.raises(ResourceConflict, match="already Provisioned version"):
        provisioning.check_single(provisioned(v1=1), "live")
    with pytest.raises(ResourceConflict, match="pointed by a Provisioned Concurrency alias"):
        provisioning.check_single(provisioned(live=1), "1")
    provisioning.check_single(provisioned(live=1), "2")
    provisioning.check_single(provisioned(live=1), "live")
