"""The package store: each package unpacked once, by digest, and shared by all who run it."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from lablambda.model.package import Layer, Package
from lablambda.packaging.zips import EmptyZip, unzip, unzipped_size


class PackageStore:
    """A folder of unpacked packages. Calls touch the disk: use a thread from asyncio."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, data: bytes) -> Package:
        """Keep a zip and unpack it, unless it is here already. Raises BadZip, EmptyZip, TooLargeUnzipped."""
        if not data:
            raise EmptyZip
        hashed = hashlib.sha256(data)
        package = Package(
            digest=hashed.hexdigest(),
            sha256=base64.b64encode(hashed.digest()).decode(),
            size=len(data),
            unzipped=unzipped_size(data),
        )
        if not self.folder(package).exists():
            self._unpack(data, package)
        return package

    def folder(self, package: Package) -> Path:
        """Where the package's files are."""
        return self._folder / package.digest / "content"

    def zip_path(self, package: Package) -> Path:
        """Where the package's zip is, as it was given."""
        return self._folder / package.digest / "package.zip"

    def merged(self, layers: Iterable[Layer]) -> Path | None:
        """The folder that stands for /opt; `merge` made it."""
        layers = tuple(layers)
        if not layers:
            return None
        if len(layers) == 1:
            return self.folder(layers[0].package)
        names = "\n".join(layer.package.digest for layer in layers)
        return self._folder / f"opt-{hashlib.sha256(names.encode()).hexdigest()}"

    def merge(self, layers: Iterable[Layer]) -> None:
        """Lay several layers over each other, later ones winning; files are hard links, not copies."""
        layers = tuple(layers)
        target = self.merged(layers)
        if target is None or target.exists():
            return
        draft = self._draft()
        for layer in layers:
            shutil.copytree(
                self.folder(layer.package), draft, copy_function=_link_over, symlinks=True, dirs_exist_ok=True
            )
        _put_in_place(draft, target)

    def keep_only(self, packages: Iterable[Package], layer_sets: Iterable[Iterable[Layer]]) -> None:
        """Drop what nobody refers to any more, and what an interrupted unpacking left."""
        wanted = {package.digest for package in packages}
        wanted |= {folder.name for layers in layer_sets if (folder := self.merged(layers))}
        for folder in self._folder.iterdir():
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)

    def _unpack(self, data: bytes, package: Package) -> None:
        draft = self._draft()
        try:
            (draft / "content").mkdir(parents=True)
            unzip(data, draft / "content")
            (draft / "package.zip").write_bytes(data)
            _put_in_place(draft, self._folder / package.digest)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def _draft(self) -> Path:
        return self._folder / f"draft-{uuid.uuid4().hex}"


def _put_in_place(draft: Path, target: Path) -> None:
    """Appear whole or not at all; if another was faster, its copy is as good."""
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise


def _link_over(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)
