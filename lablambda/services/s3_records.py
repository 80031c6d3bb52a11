"""S3's event record, as AWS writes it.

Source: Event message structure, https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

_CREATED_OR_REMOVED = ("ObjectCreated:", "ObjectRemoved:")
_sequence = itertools.count(1)


@dataclass(frozen=True, slots=True)
class S3Object:
    """The object that something happened to; `version` is None in an unversioned bucket."""

    key: str
    size: int
    etag: str
    version: str | None = None


def record(
    event: str, *, bucket: str, region: str, account: str, configuration: str, thing: S3Object, now: float
) -> dict[str, Any]:
    """One record. `event` has no `s3:` prefix; `now` is seconds since 1970."""
    described: dict[str, Any] = {"key": quote_plus(thing.key, safe="/")}
    if not event.startswith("ObjectRemoved:"):
        described |= {"size": thing.size, "eTag": thing.etag}
    if thing.version is not None:
        described["versionId"] = thing.version
    if event.startswith(_CREATED_OR_REMOVED):
        described["sequencer"] = _sequencer(now)
    milliseconds = int(now * 1000) % 1000
    return {
        "eventVersion": "2.1" if event.startswith(_CREATED_OR_REMOVED) else "2.3",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{milliseconds:03d}Z",
        "eventName": event,
        "userIdentity": {"principalId": f"AWS:{account}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": uuid.uuid4().hex[:16].upper(),
            "x-amz-id-2": uuid.uuid4().hex,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": account},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": described,
        },
    }


def _sequencer(now: float) -> str:
    """Hex that grows from event to event, also across a restart of the backend."""
    return f"{int(now * 1000):012X}{next(_sequence):06X}"


# What a bus hears of S3: the kind of event, by how the name of the notification begins, and the reason by its end.
_KINDS = {
    "ObjectCreated:": "Object Created",
    "ObjectRemoved:": "Object Deleted",
    "LifecycleExpiration:": "Object Deleted",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectAcl:": "Object ACL Updated",
}
_REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
    "Delete": "DeleteObject",
    "DeleteMarkerCreated": "DeleteObject",
}


def bus_entry(event: str, *, bucket: str, account: str, thing: S3Object, now: float) -> dict[str, Any] | None:
    """An entry of EventBridge's PutEvents; None for events that buses don't hear of.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    kind = next((kind for begin, kind in _KINDS.items() if event.startswith(begin)), None)
    if kind is None:
        return None
    described: dict[str, Any] = {"key": thing.key}
    if kind != "Object Deleted":
        described |= {"size": thing.size, "etag": thing.etag}
    if thing.version is not None:
        described["version-id"] = thing.version
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": described | {"sequencer": _sequencer(now)},
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": account,
        "source-ip-address": "127.0.0.1",
    }
    if kind in ("Object Created", "Object Deleted"):
        detail["reason"] = _REASONS.get(event.partition(":")[2], "Lifecycle Expiration")
    if kind == "Object Deleted":
        marked = event.endswith("DeleteMarkerCreated")
        detail["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
    return {
        "Source": "aws.s3",
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "Resources": [f"arn:aws:s3:::{bucket}"],
        "Time": now,
    }
