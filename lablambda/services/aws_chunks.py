"""Bodies in `aws-chunked` form: chunks that may carry signatures, and a trailer that may carry checksums.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html"""

from __future__ import annotations

_CHECKSUM = "x-amz-checksum-"


class NotChunks(Exception):
    """A body isn't in that form."""


def plain(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The content, and the checksums that the trailer gives of it. Raises NotChunks."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            raise NotChunks("it ends too early")
        start, size = end + 2, _size(body[at:end].partition(b";")[0])
        if size == 0:
            return b"".join(parts), _checksums(body[start:])
        at = start + size + 2
        if body[at - 2 : at] != b"\r\n":
            raise NotChunks("a chunk isn't as long as it says")
        parts.append(body[start : at - 2])


def _size(text: bytes) -> int:
    if not text or text.strip(b"0123456789abcdefABCDEF"):
        raise NotChunks("a chunk has no size")
    return int(text, 16)


def _checksums(trailer: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in trailer.decode("latin-1").splitlines())
    return {name: value.strip() for name, _, value in lines if name.startswith(_CHECKSUM)}
