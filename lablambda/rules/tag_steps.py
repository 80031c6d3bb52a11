"""Tags by which a function tells what of its versions and concurrency is its cell's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lablambda.model.release import Release, Released
from lablambda.rules.concurrency_steps import PROVISIONED_TAG, RESERVED_TAG
from lablambda.rules.release_steps import ALIAS_TAG
from lablambda.rules.step import Step, Target

RELEASE_TAGS = (ALIAS_TAG, RESERVED_TAG, PROVISIONED_TAG)


def tag_steps(released: Released, wanted: Release, target: Target) -> Iterator[Step]:
    """The steps by which the function's tags say what the cell now has: last, as an interrupted run is repeated."""
    due = {tag: value for tag, value in _tags(wanted).items() if released.tags.get(tag) != value}
    if due:
        text = f"tag {target.name}: {_listed(due)} are its cell's"
        yield Step(text, "lambda", "TagResource", {"Resource": target.arn, "Tags": due})
    stale = [tag for tag in RELEASE_TAGS if tag in released.tags and tag not in _tags(wanted)]
    if stale:
        text = f"untag {target.name}: its cell says nothing more of {_listed(stale)}"
        yield Step(text, "lambda", "UntagResource", {"Resource": target.arn, "TagKeys": stale})


def _tags(wanted: Release) -> dict[str, str]:
    alias = wanted.alias or ""
    said: Mapping[str, tuple[object, str]] = {
        ALIAS_TAG: (wanted.alias, alias),
        RESERVED_TAG: (wanted.reserved, "cell"),
        PROVISIONED_TAG: (wanted.provisioned, alias),
    }
    return {tag: value for tag, (what, value) in said.items() if what is not None}


def _listed(tags: Mapping[str, str] | list[str]) -> str:
    return ", ".join(tag.partition(":")[2] for tag in tags)
