"""Making deployment packages, and unpacking those that others made without trusting them."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from lablambda.model.errors import InvalidParameterValue
from lablambda.rules.limits import UNZIPPED_BYTES

_CHUNK = 1 << 20
# All that zipfile and zlib raise for broken, encrypted or exotic archives, and the disk for odd names.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)
_EPOCH = (1980, 1, 1, 0, 0, 0)


class BadZip(InvalidParameterValue):
    """The package isn't a zip that Lambda would take."""

    def __init__(self) -> None:
        super().__init__("Could not unzip uploaded file. Please check your file, then try to upload again.")


class EmptyZip(InvalidParameterValue):
    """There is nothing in the package."""

    def __init__(self) -> None:
        super().__init__("Uploaded file must be a non-empty zip")


class TooLargeUnzipped(InvalidParameterValue):
    """The package's content is over the limit, said or found."""

    def __init__(self) -> None:
        super().__init__(f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes")


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files` (path to content), the same bytes each time for the same files; scripts, which say
    on their first line what runs them, are executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in sorted(files.items()):
            mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.writestr(_entry(path, mode), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def zip_folder(folder: Path) -> bytes:
    """A zip of all files below `folder`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
                entry = _entry(path.relative_to(folder).as_posix(), mode)
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
    return buffer.getvalue()


def _entry(path: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _EPOCH)
    entry.external_attr = (stat.S_IFREG | mode) << 16
    entry.create_system = 3  # Unix, so that the mode counts
    return entry


def unzipped_size(data: bytes) -> int:
    """The bytes of the zip's files, as it states them. Raises BadZip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except _UNREADABLE as error:
        raise BadZip from error


def unzip(data: bytes, folder: Path) -> None:
    """Unpack into the empty `folder`.

    Raises BadZip for what isn't a zip or holds a name or link that leads outside, TooLargeUnzipped
    for more content than Lambda allows. Files become read-only for all; execute bits are kept.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if unzipped_size(data) > UNZIPPED_BYTES:
                raise TooLargeUnzipped
            _unpack(archive, folder)
    except _UNREADABLE as error:
        raise BadZip from error


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    left = UNZIPPED_BYTES
    links: list[tuple[Path, str]] = []
    for entry in archive.infolist():
        target = folder / _safe(entry.filename)
        mode = entry.external_attr >> 16
        if entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif stat.S_ISLNK(mode):
            links.append((target, archive.read(entry).decode()))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            left = _write(target, _chunks(archive, entry), left)
            target.chmod(0o444 | (0o111 if mode & 0o111 else 0))
    # Last, so that no entry is ever written through a link.
    for target, aim in links:
        _link(folder, target, aim)


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadZip
    return path


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _write(target: Path, chunks: Iterator[bytes], left: int) -> int:
    """Write and count what really comes: the sizes that a zip states may be wrong."""
    target.unlink(missing_ok=True)
    with target.open("wb") as file:
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise TooLargeUnzipped
            file.write(chunk)
    return left


def _link(folder: Path, target: Path, aim: str) -> None:
    inside = (target.parent / aim).resolve()
    if not inside.is_relative_to(folder.resolve()):
        raise BadZip
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(aim)
