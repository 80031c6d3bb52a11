"""Deployment packages on their way in: sent along, or fetched from the lab's S3."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from lablambda.model.errors import InvalidParameterValue, InvalidRequestContent, RequestTooLarge
from lablambda.model.package import Package
from lablambda.packaging.store import PackageStore
from lablambda.rules.limits import ZIP_BYTES
from lablambda.services.backend import ServiceRequest, ServiceResponse

Forward = Callable[[ServiceRequest], Awaitable[ServiceResponse]]
SignS3 = Callable[[str, str, str], Mapping[str, str]]  # method, path, query: the headers to send


class CodeIntake:
    """Turns the code members of a request into a package in the store."""

    def __init__(self, store: PackageStore, forward: Forward, sign: SignS3) -> None:
        self._store = store
        self._forward = forward
        self._sign = sign

    async def take(self, code: Mapping[str, Any]) -> Package:
        """The package that ZipFile (bytes), or S3Bucket, S3Key and S3ObjectVersion, stand for.

        Raises InvalidParameterValue for a bad zip or an object that can't be read, RequestTooLarge
        for a zip sent along that should have gone by S3.
        """
        data = code.get("ZipFile")
        if data is None:
            data = await self._fetch(code)
        elif not isinstance(data, bytes):
            raise InvalidRequestContent("ZipFile isn't valid base64.")
        elif len(data) > ZIP_BYTES:
            raise RequestTooLarge(f"Zipped size must be smaller than {ZIP_BYTES} bytes")
        return await asyncio.to_thread(self._store.add, data)

    async def _fetch(self, code: Mapping[str, Any]) -> bytes:
        if not code.get("S3Bucket") or not code.get("S3Key"):
            raise InvalidParameterValue("Please provide a source for function code.")
        path = f"/{quote(code['S3Bucket'])}/{quote(code['S3Key'])}"
        version = code.get("S3ObjectVersion")
        query = f"versionId={quote(version)}" if version else ""
        headers = self._sign("GET", path, query)
        answer = await self._forward(ServiceRequest("GET", path, query, headers, b"", "s3"))
        if answer.status == 200:
            return answer.body
        text = answer.body.decode(errors="replace")
        raise InvalidParameterValue(
            f"Error occurred while GetObject. S3 Error Code: {_element(text, 'Code')}. "
            f"S3 Error Message: {_element(text, 'Message')}"
        )


def _element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return found[1] if found else "Unknown"
