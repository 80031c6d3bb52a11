"""AWS's event stream encoding: messages with headers and checksums, one after another.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html and
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
import zlib

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7  # the only type of header that events of Lambda and CloudWatch Logs have


def event(kind: str, content_type: str, payload: bytes) -> bytes:
    """One message of type `event`."""
    headers = {":event-type": kind, ":content-type": content_type, ":message-type": "event"}
    packed = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", _STRING, len(value)) + value
