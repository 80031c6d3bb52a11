"""Which runtime runs which function."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lablambda.execution.reserve import Mold
from lablambda.execution.sandbox import Sandbox
from lablambda.model.errors import ServiceFault
from lablambda.runtimes.kit import Kit
from lablambda.runtimes.python.runtime import OWN
from lablambda.runtimes.registry import Runtimes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def runtimes(tmp_path: Path) -> AsyncIterator[Runtimes]:
    found = Runtimes(tmp_path)
    found.start()
    yield found
    await found.close()


async def test_the_labs_own_python_is_there_at_once(tmp_path: Path) -> None:
    runtimes = Runtimes(tmp_path)
    found = await runtimes.find(OWN)
    assert found is not None
    assert found.name == OWN
    await runtimes.close()


async def test_what_is_absent_runs_on_the_nearest(runtimes: Runtimes) -> None:
    here = await runtimes.all()
    for wanted in ("python3.10", "python3.14", "provided.al2"):
        found = await runtimes.find(wanted)
        assert found is not None
        assert found.name in here
    assert await runtimes.find("dotnet8") is None


async def test_unless_the_lab_is_strict(tmp_path: Path) -> None:
    runtimes = Runtimes(tmp_path, strict=True)
    runtimes.start()
    missing = [f"python3.{n}" for n in range(10, 15) if f"python3.{n}" not in await runtimes.all()]
    for name in missing:
        assert await runtimes.find(name) is None
    assert (await runtimes.find(OWN)) is not None
    await runtimes.close()


async def test_an_interpreter_that_has_gone_is_told(tmp_path: Path) -> None:
    kit = Kit(tmp_path, {}, Sandbox.none())
    with pytest.raises(
        ServiceFault, match=r"node can't be run \(No such file or directory\)\. .*restart the lab"
    ):
        await kit.reserves["nodejs"].take(Mold((str(tmp_path / "node"),)))
    await kit.close()


async def test_every_runtime_knows_its_version(runtimes: Runtimes) -> None:
    for name, runtime in (await runtimes.all()).items():
        assert runtime.name == name
        assert runtime.version
    assert runtimes.reserved() == {"nodejs": [], "java": [], "ruby": []}
