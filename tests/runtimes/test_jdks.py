"""Finding the Java installations of a machine, by folders made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lablambda.runtimes.java import jdks


def install(home: Path, release: str, *, modules: str = "java.base", table: bool = False) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "lib").mkdir()
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="Any"\n{release}\nMODULES="{modules}"\n')
    if table:
        (home / "lib" / "ct.sym").touch()
    return home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home folder, on a machine that has no Java elsewhere."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(jdks, "_SYSTEM", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    return tmp_path


def test_none(home: Path) -> None:
    assert jdks.find() == []


@pytest.mark.parametrize("folder", [".sdkman/candidates/java/21", ".jdks/21", ".asdf/installs/java/21"])
def test_those_of_version_managers(home: Path, folder: str) -> None:
    where = install(home / folder, 'JAVA_VERSION="21.0.2"')
    assert jdks.find() == [jdks.Jdk(21, "21.0.2", where, compiles=False)]


def test_the_one_that_java_home_names_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(home / ".jdks/a", 'JAVA_VERSION="21.0.2"')
    named = install(home / "named", 'JAVA_VERSION="21.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert [jdk.home for jdk in jdks.find()] == [named]


def test_the_one_on_the_path_is_found_through_links(home: Path) -> None:
    where = install(home / "opt/somewhere", 'JAVA_VERSION="25"')
    (home / "bin").mkdir()
    (home / "bin" / "java").symlink_to(where / "bin" / "java")
    assert [(jdk.major, jdk.java) for jdk in jdks.find()] == [(25, str(where / "bin" / "java"))]


def test_a_compiler_needs_its_table_of_older_releases(home: Path) -> None:
    install(home / ".jdks/17", 'JAVA_VERSION="17"', modules="java.base jdk.compiler", table=True)
    install(home / ".jdks/21", 'JAVA_VERSION="21"', modules="java.base jdk.compiler")
    assert [(jdk.major, jdk.compiles) for jdk in jdks.find()] == [(17, True), (21, False)]


@pytest.mark.parametrize("release", ['JAVA_VERSION="1.8.0_392"', 'JAVA_VERSION="11.0.2"', "nothing of use"])
def test_too_old_or_unknown(home: Path, release: str) -> None:
    install(home / ".jdks/a", release)
    assert jdks.find() == []


def test_a_folder_without_a_program_is_none(home: Path) -> None:
    install(home / ".jdks/a", 'JAVA_VERSION="21"').joinpath("bin", "java").unlink()
    assert jdks.find() == []
