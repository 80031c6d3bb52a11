"""An answer that a function streams: what its prelude says, then the rest as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from lablambda.lab.streamed_answer import StreamedAnswer
from lablambda.model.http import HttpResponse
from lablambda.rules.http_result import Malformed, prelude

_WITH_PRELUDE = "application/vnd.awslambda.http-integration-response"
_END = b"\x00" * 8
_MOST_PRELUDE_BYTES = 16 * 1024


async def streamed(answer: StreamedAnswer, *, with_prelude: bool = False) -> HttpResponse:
    """Status and headers as soon as they are known; `with_prelude` is whether there must be some. Raises Malformed, and
    what keeps the function from running; `FunctionFailed` if it fails before it has given anything."""
    beginning = await answer.beginning()
    parts = answer.parts()
    if with_prelude or beginning.content_type == _WITH_PRELUDE:
        head, rest = await _split(parts)
        status, headers = prelude(head)
        if not any(name == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
        return HttpResponse(status, headers=headers, parts=_joined(rest, parts))
    kind = beginning.content_type or ("application/octet-stream" if beginning.streams else "application/json")
    first = await anext(parts, b"")
    if not beginning.streams and (await answer.outcome()).function_error is not None:
        raise FunctionFailed
    return HttpResponse(200, headers=[("content-type", kind)], parts=_joined(first, parts))


class FunctionFailed(Exception):
    """The function failed, and gave nothing."""


async def _split(parts: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    """What is before the eight zeros, and what has come after them."""
    data = b""
    async for part in parts:
        data += part
        head, end, rest = data.partition(_END)
        if end:
            return head, rest
        if len(data) > _MOST_PRELUDE_BYTES:
            break
    raise Malformed("the streamed answer has no prelude")


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for part in rest:
        yield part
