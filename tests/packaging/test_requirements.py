"""Layers of requirements, with the real installer; the package comes from a folder, not the network."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest

from lablambda.packaging import requirements
from lablambda.packaging.failure import RequirementsError
from lablambda.packaging.requirements import layer_name, layer_zip

RUNTIME = f"python3.{sys.version_info.minor}"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(requirements, "cache_dir", lambda: tmp_path / "cache")
    path = tmp_path / "greeter-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("greeter.py", "def greet(): return 'hello'\n")
        file.writestr(
            "greeter-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n"
        )
        file.writestr(
            "greeter-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(
            "greeter-1.0.dist-info/RECORD",
            "greeter.py,,\ngreeter-1.0.dist-info/METADATA,,\ngreeter-1.0.dist-info/WHEEL,,\n"
            "greeter-1.0.dist-info/RECORD,,\n",
        )
    return path


def test_a_layer_holds_the_package_and_its_bytecode(wheel: Path) -> None:
    names = zipfile.ZipFile(io.BytesIO(layer_zip([str(wheel)], RUNTIME, sys.executable))).namelist()
    assert "python/greeter.py" in names
    assert any(name.startswith("python/__pycache__/greeter.") for name in names)


def test_a_set_is_built_once(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = layer_zip([str(wheel)], RUNTIME, sys.executable)
    monkeypatch.setattr(requirements, "_install", lambda *_: pytest.fail("installed again"))
    assert layer_zip([str(wheel)], RUNTIME, sys.executable) == first


def test_the_order_of_a_set_does_not_matter_but_the_runtime_does() -> None:
    assert layer_name(["a", "b"], RUNTIME) == layer_name(["b", "a"], RUNTIME)
    assert layer_name(["a"], "python3.12") != layer_name(["a"], "python3.13")


def test_what_cannot_be_installed_says_why(wheel: Path) -> None:
    with pytest.raises(RequirementsError, match="nowhere"):
        layer_zip([str(wheel.with_name("nowhere-1.0-py3-none-any.whl"))], RUNTIME, sys.executable)


def test_an_option_is_no_requirement(wheel: Path) -> None:
    with pytest.raises(RequirementsError):
        layer_zip(["--index-url=http://127.0.0.1:1/"], RUNTIME, sys.executable)
