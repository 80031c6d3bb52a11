"""The catalog is the same after a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lablambda.config import ConfigError
from lablambda.lab.catalog import SCHEMA, Catalog
from lablambda.model.errors import ResourceNotFound
from lablambda.model.function import Phase, Setting
from lablambda.model.mapping import EventSourceMapping
from lablambda.model.package import LayerSeries, Policy
from lablambda.rules.names import FunctionReference
from lablambda.storage.journal import Journal
from tests.nouns import function, layer

pytestmark = pytest.mark.anyio


async def test_everything_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", SCHEMA, durable=True)
    catalog = Catalog(journal)
    rich = function(
        published=11,
        tags={"a": "1"},
        reserved=5,
        policies={"live": Policy({"s": {"Effect": "Allow"}}, "r")},
    ).with_setting(Setting.EVENT_INVOKE, "live", {"MaximumRetryAttempts": 0})
    rich = replace(rich, latest=replace(rich.latest, phase=Phase.UPDATING, layers=(layer(),)))
    series = LayerSeries("l", 2, (layer(), layer(number=2)), {"1": Policy({}, "r")})
    mapping = EventSourceMapping("u", "f", "live", {"BatchSize": 5}, "Enabled", 1.5, {"t": ""})
    await catalog.save(rich)
    await catalog.save_layers(series)
    await catalog.save_mapping(mapping)
    again = Catalog(journal)
    assert again.functions() == [rich]
    assert list(again.functions()[0].versions) == [str(number) for number in range(1, 12)]
    assert again.all_layers() == [series]
    assert again.mappings() == [mapping]
    assert again.set_aside == catalog.set_aside == 5
    await journal.close()


async def test_what_is_removed_stays_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", SCHEMA, durable=True)
    catalog = Catalog(journal)
    made = function(published=2)
    await catalog.save(made)
    left = replace(made, versions={"1": made.versions["1"]})
    await catalog.save(left)
    assert Catalog(journal).functions() == [left]
    await catalog.remove(left)
    assert Catalog(journal).functions() == []
    await journal.close()


async def test_only_changed_versions_are_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", SCHEMA, durable=True)
    catalog = Catalog(journal)
    made = function(published=50)
    await catalog.save(made)
    await journal.write("DELETE FROM document WHERE kind = ?", [("version",)])
    await catalog.save(replace(made, tags={"a": "1"}))
    assert await journal.read("SELECT COUNT(*) FROM document WHERE kind = 'version'") == [(0,)]
    await journal.close()


async def test_names_lead_to_versions(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", SCHEMA, durable=True)
    catalog = Catalog(journal)
    await catalog.save(function(published=2))
    found = {q: catalog.version(FunctionReference("f", q)).number for q in (None, "$LATEST", "2", "live")}
    assert found == {None: "$LATEST", "$LATEST": "$LATEST", "2": "2", "live": "1"}
    with pytest.raises(ResourceNotFound, match=r"function:f:7$"):
        catalog.version(FunctionReference("f", "7"))
    await journal.close()


async def test_a_folder_of_another_time_is_refused_with_a_next_step(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", SCHEMA, durable=True)
    await journal.write("INSERT INTO document VALUES (?, ?, ?)", [("function", "f", '{"latest": 1}')])
    with pytest.raises(ConfigError, match="--data DIR"):
        Catalog(journal)
    await journal.close()
