"""Packages from strangers."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from lablambda.packaging import zips
from lablambda.packaging.zips import BadZip, TooLargeUnzipped, unzip, zip_files, zip_folder


def archive(*entries: tuple[str, bytes, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.create_system = 3
            file.writestr(info, content)
    return buffer.getvalue()


def test_round_trip(tmp_path: Path) -> None:
    files = {"f.py": b"x = 1\n", "pkg/data.bin": bytes(range(256))}
    unzip(zip_files(files), tmp_path)
    assert {
        p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()
    } == files


def test_the_same_files_are_the_same_bytes() -> None:
    assert zip_files({"b": b"2", "a": b"1"}) == zip_files({"a": b"1", "b": b"2"})


def test_files_are_read_only_and_keep_their_execute_bit(tmp_path: Path) -> None:
    unzip(archive(("run", b"#!", stat.S_IFREG | 0o755), ("data", b"", stat.S_IFREG | 0o600)), tmp_path)
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o555
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o444


def test_scripts_can_be_run(tmp_path: Path) -> None:
    unzip(zip_files({"bootstrap": b"#!/bin/sh\n", "index.js": b"1"}), tmp_path)
    assert os.access(tmp_path / "bootstrap", os.X_OK)
    assert not stat.S_IMODE((tmp_path / "index.js").stat().st_mode) & 0o111


def test_a_folder_becomes_a_layer(tmp_path: Path) -> None:
    (tmp_path / "src" / "python" / "pkg").mkdir(parents=True)
    (tmp_path / "src" / "python" / "pkg" / "m.py").write_text("y = 2\n")
    unzip(zip_folder(tmp_path / "src"), tmp_path / "out")
    assert (tmp_path / "out" / "python" / "pkg" / "m.py").read_text() == "y = 2\n"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "a\\..\\..\\evil"])
def test_names_that_lead_outside(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    with pytest.raises(BadZip):
        unzip(archive((name, b"x", stat.S_IFREG | 0o644)), inside)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("aim", ["/etc/passwd", "../outside", "a/../../outside"])
def test_links_that_lead_outside(tmp_path: Path, aim: str) -> None:
    with pytest.raises(BadZip):
        unzip(archive(("link", aim.encode(), stat.S_IFLNK | 0o777)), tmp_path)
    assert not (tmp_path / "link").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    data = archive(
        ("d", b"../out", stat.S_IFLNK | 0o777),
        ("d/evil", b"x", stat.S_IFREG | 0o644),
    )
    with pytest.raises(BadZip):
        unzip(data, tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_a_link_inside_is_kept(tmp_path: Path) -> None:
    unzip(archive(("a", b"1", stat.S_IFREG | 0o644), ("b", b"a", stat.S_IFLNK | 0o777)), tmp_path)
    assert (tmp_path / "b").read_bytes() == b"1"


def test_too_much_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "UNZIPPED_BYTES", 1000)
    with pytest.raises(TooLargeUnzipped):
        unzip(zip_files({"zeros": bytes(1001)}), tmp_path)


def test_a_zip_that_lies_about_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "UNZIPPED_BYTES", 100_000)
    data = bytearray(zip_files({"zeros": bytes(1_000_000)}))
    stated = (1_000_000).to_bytes(4, "little")
    data = data.replace(stated, (10).to_bytes(4, "little"))
    with pytest.raises((TooLargeUnzipped, BadZip)):
        unzip(bytes(data), tmp_path)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) <= 100_000


@pytest.mark.parametrize(
    "data", [b"", b"not a zip", b"PK\x03\x04" + bytes(100), zip_files({"a": b"1" * 999})[:-30]]
)
def test_what_is_no_zip(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadZip, match="Could not unzip uploaded file"):
        unzip(data, tmp_path)
