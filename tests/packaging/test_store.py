from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lablambda.model.package import Layer
from lablambda.packaging.store import PackageStore
from lablambda.packaging.zips import BadZip, zip_files


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    return PackageStore(tmp_path / "packages")


def layer(store: PackageStore, name: str, files: dict[str, bytes]) -> Layer:
    return Layer(name, f"arn:{name}:1", 1, store.add(zip_files(files)), "", "")


def test_a_package_is_named_by_its_bytes(store: PackageStore) -> None:
    data = zip_files({"f.py": b"x = 1"})
    package = store.add(data)
    assert package.sha256 == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert (package.size, package.unzipped) == (len(data), 5)
    assert (store.folder(package) / "f.py").read_bytes() == b"x = 1"
    assert store.zip_path(package).read_bytes() == data


def test_many_at_once_unpack_once(store: PackageStore, tmp_path: Path) -> None:
    data = zip_files({f"f{i}.py": b"x" * 1000 for i in range(50)})
    with ThreadPoolExecutor(8) as pool:
        packages = list(pool.map(store.add, [data] * 16))
    assert len(set(packages)) == 1
    assert [path.name for path in (tmp_path / "packages").iterdir()] == [packages[0].digest]


def test_a_bad_zip_leaves_nothing(store: PackageStore, tmp_path: Path) -> None:
    with pytest.raises(BadZip):
        store.add(b"nothing")
    assert not list((tmp_path / "packages").iterdir())


def test_layers_are_laid_over_each_other(store: PackageStore) -> None:
    layers = (
        layer(store, "a", {"python/m.py": b"a", "only/a": b"1"}),
        layer(store, "b", {"python/m.py": b"b", "python/n.py": b"n"}),
    )
    store.merge(layers)
    merged = store.merged(layers)
    assert merged is not None
    files = {p.relative_to(merged).as_posix(): p.read_bytes() for p in merged.rglob("*") if p.is_file()}
    assert files == {"python/m.py": b"b", "python/n.py": b"n", "only/a": b"1"}
    assert store.folder(layers[0].package).joinpath("python/m.py").read_bytes() == b"a"


def test_one_layer_needs_no_merging(store: PackageStore) -> None:
    one = layer(store, "a", {"python/m.py": b"a"})
    assert store.merged((one,)) == store.folder(one.package)
    assert store.merged(()) is None


def test_what_nobody_refers_to_is_dropped(store: PackageStore) -> None:
    kept, dropped = store.add(zip_files({"a": b"1"})), store.add(zip_files({"b": b"2"}))
    store.keep_only([kept], [])
    assert store.folder(kept).exists()
    assert not store.folder(dropped).exists()
