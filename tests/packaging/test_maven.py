"""Libraries from Maven Central; those of the runtime itself come from the user's cache if they are there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lablambda.packaging import maven
from lablambda.packaging.failure import RequirementsError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(maven, "cache_dir", lambda: tmp_path)
    return tmp_path


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every request fail at once, as it does without a network."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


def test_a_library_comes_with_what_it_needs() -> None:
    names = [jar.name for jar in maven.jars(maven.RUNTIME)]
    assert names[0] == "aws-lambda-java-runtime-interface-client-2.9.0.jar"
    assert {"aws-lambda-java-core-1.4.0.jar", "aws-lambda-java-serialization-1.2.0.jar"} < set(names)
    assert len(names) == len(set(names))
    assert all(zipfile.is_zipfile(jar) for jar in maven.jars(maven.RUNTIME))


def test_what_is_in_the_cache_needs_no_network_and_no_resolver() -> None:
    maven.jars((maven.EVENTS,))
    program = (
        "import sys; from lablambda.packaging import maven; maven.jars((maven.EVENTS,));"
        "sys.exit(any(name.split('.')[0] == 'jgo' for name in sys.modules))"
    )
    proxy = {"https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **proxy}, timeout=30, check=False
    )
    assert done.returncode == 0


def test_a_jar_that_was_deleted_is_fetched_again(cache: Path) -> None:
    (jar,) = maven.jars((maven.CORE,))
    jar.unlink()
    assert maven.jars((maven.CORE,)) == (jar,)
    assert zipfile.is_zipfile(jar)


def test_two_at_once_fetch_one_after_the_other(tmp_path: Path) -> None:
    """Each in a process of its own, into an empty cache: a lab and a notebook, or two labs."""
    program = (
        "import pathlib, sys; from lablambda.packaging import maven;"
        "maven.cache_dir = lambda: pathlib.Path(sys.argv[1]); maven.jars((maven.EVENTS,))"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(timeout=100) for process in both] == [0, 0]


def test_the_newest_release_if_no_version_is_named(cache: Path) -> None:
    (jar,) = maven.jars(("com.amazonaws:aws-lambda-java-core",))
    assert jar.name.startswith("aws-lambda-java-core-1.")


def test_a_layer_has_its_jars_where_lambda_looks(tmp_path: Path) -> None:
    maven.install((maven.CORE,), tmp_path / "layer")
    assert [jar.name for jar in (tmp_path / "layer" / "java" / "lib").iterdir()] == [
        "aws-lambda-java-core-1.4.0.jar"
    ]


@pytest.mark.parametrize("coordinate", ["nonsense", "a:b:c:d:e", "a::1", ""])
def test_what_are_no_coordinates(cache: Path, coordinate: str) -> None:
    with pytest.raises(RequirementsError, match="isn't of the form group:artifact:version"):
        maven.jars((coordinate,))


def test_what_there_is_none_of(cache: Path) -> None:
    with pytest.raises(RequirementsError, match=r"aws-lambda-java-core:0\.0\.999"):
        maven.jars(("com.amazonaws:aws-lambda-java-core:0.0.999",))
    assert not list(cache.glob("maven/*.jars"))


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(monkeypatch)
    with pytest.raises(RequirementsError, match="Maven Central couldn't give") as caught:
        maven.jars((maven.CORE,))
    assert len(str(caught.value)) < 1000
