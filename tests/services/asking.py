"""Requests to the backend as the door hands them on: moto checks no signature, only whose it is."""

from __future__ import annotations

from lablambda.services.backend import ServiceRequest

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


def to_s3(method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> ServiceRequest:
    """A request to S3; `x_amz_meta_a` among the headers is `x-amz-meta-a`."""
    signed = (
        "AWS4-HMAC-SHA256 Credential=a/20261101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ServiceRequest(method, path, query, {"host": "127.0.0.1", "authorization": signed, **named}, body)


def notification(*events: str, function: str = FUNCTION) -> bytes:
    """The body of PUT ?notification."""
    wanted = "".join(
        f"<Event>{event}</Event>" for event in events or ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
    )
    return (
        '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration>'
        f"<Id>mine</Id><CloudFunction>{function}</CloudFunction>{wanted}"
        "</CloudFunctionConfiguration></NotificationConfiguration>"
    ).encode()
