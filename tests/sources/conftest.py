"""Every source is tried in the lab's own services, and in such as are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lablambda.client import Lab
from tests.dynamodb_local import dynamodb_local
from tests.sources.guests import Site


@pytest.fixture(scope="session", params=["embedded", "remote"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A lab with services of either kind. The remote ones are those of another lab, which checks signatures as AWS
    does, and DynamoDB Local."""
    if request.param == "embedded":
        with Lab.private() as lab:
            yield Site(lab)
        return
    with dynamodb_local() as tables, Lab.private() as backend, pytest.MonkeyPatch.context() as patch:
        for name, value in backend.descriptor.variables().items():
            patch.setenv(name, value)
        with Lab.private(options=["--services", f"{backend.endpoint},dynamodb={tables}"]) as lab:
            yield Site(lab, backend)


@pytest.fixture(scope="session")
def lab(site: Site) -> Lab:
    return site.lab
