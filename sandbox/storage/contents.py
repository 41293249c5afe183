"""The bytes of objects, one file each under a random name. Written in pieces, never held in memory as a whole.

A file is never changed once its object exists, so a copy is a second link to it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from sandbox import private

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Content:
    """A finished file."""

    id: str
    size: int
    crc32c: str
    """Base64 of the big-endian checksum, as the service writes it."""
    md5: str | None
    """Base64 too; None if the object was composed."""


class Writing:
    """A file that is being written."""

    def __init__(self, id_: str, path: Path) -> None:
        self.id = id_
        self.size = 0
        self._path = path
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = google_crc32c.Checksum()
        if path.exists():  # the rest of an upload that an earlier process began
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    self._count(block)
        self._file: BinaryIO | None = None

    def write(self, piece: bytes) -> None:
        """Append; afterwards the bytes survive the death of this process."""
        self._file = self._file or self._path.open("ab")
        self._file.write(piece)
        self._file.flush()
        self._count(piece)

    def finish(self) -> Content:
        """Close the file; its size and checksums."""
        self.pause()
        self._path.touch()
        crc32c, md5 = (
            base64.b64encode(each).decode() for each in (self._crc32c.digest(), self._md5.digest())
        )
        return Content(self.id, self.size, crc32c, md5)

    def pause(self) -> None:
        """Close the file until the next piece comes."""
        if self._file:
            self._file.close()
        self._file = None

    def discard(self) -> None:
        """Remove the file."""
        self.pause()
        self._path.unlink(missing_ok=True)

    def _count(self, piece: bytes) -> None:
        self._md5.update(piece)
        self._crc32c.update(piece)
        self.size += len(piece)


class Contents:
    """The folder of the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        private.make_folder(folder)

    def begin(self) -> Writing:
        """A new file."""
        return self.resume(secrets.token_hex(16))

    def resume(self, id_: str) -> Writing:
        """Go on with a file."""
        return Writing(id_, self._folder / id_)

    def open(self, id_: str) -> BinaryIO:
        """Read a file. It stays readable when it is removed meanwhile."""
        return (self._folder / id_).open("rb")

    def link(self, id_: str) -> str:
        """A second file with the same bytes."""
        return self._linked(self._folder / id_)

    def adopt(self, file: Path) -> Content:
        """Take a file over from elsewhere, which must not be written again."""
        return self.resume(self._linked(file)).finish()

    def joined(self, ids: Iterable[str]) -> Content:
        """A new file of all these, one after the other; without an MD5, as composed objects have none."""
        writing = self.begin()
        try:
            for id_ in ids:
                with self.open(id_) as file:
                    while block := file.read(_BLOCK):
                        writing.write(block)
        except BaseException:
            writing.discard()
            raise
        found = writing.finish()
        return Content(found.id, found.size, found.crc32c, None)

    def remove(self, *ids: str | None) -> None:
        """Remove files; one that is gone is none of our business."""
        for id_ in ids:
            if id_:
                (self._folder / id_).unlink(missing_ok=True)

    def keep_only(self, ids: Collection[str]) -> None:
        """Remove what a killed process began and nothing refers to."""
        for path in self._folder.iterdir():
            if path.name not in ids:
                path.unlink()

    def _linked(self, file: Path) -> str:
        id_ = secrets.token_hex(16)
        try:
            os.link(file, self._folder / id_)
        except OSError:  # a file system without links, or another one
            shutil.copyfile(file, self._folder / id_)
        return id_
