"""Downloads a data file from Cloud Storage to this machine."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import google_crc32c
from google.api_core import exceptions as google
from google.cloud.storage.exceptions import DataCorruption

from tasks.calls import ServiceUnwell
from tasks.errors import InvalidInput
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import SERVICE, calling
from tasks.vertex.imports.buckets import STORAGE_SECONDS
from tasks.vertex.settings import VertexSettings

NEW_SECONDS = 60
"""How old an empty part is before it counts as a leftover."""


def fetch(settings: VertexSettings, uri: str, folder: Path) -> Path:
    """Bring a data file of Cloud Storage into a local folder; one with the same checksum is not fetched again.

    Args:
        settings: the target.
        uri: gs://BUCKET/OBJECT.
        folder: made when absent. The file is named by the URI's hash and its own name, so that no two collide.

    Raises:
        InvalidInput: no such URI, or no such object.
    """
    parts = urlsplit(uri)
    key = parts.path.lstrip("/")
    if parts.scheme != "gs" or not parts.netloc or not key or key.endswith("/"):
        raise InvalidInput(
            "Not the address of a file in Cloud Storage", value=uri, accepted="gs://BUCKET/OBJECT"
        )
    local = folder / f"{hashlib.blake2s(uri.encode(), digest_size=4).hexdigest()}-{Path(key).name}"
    with calling(f"fetch {uri}"):
        blob = connect(settings).storage.bucket(parts.netloc).get_blob(key, timeout=STORAGE_SECONDS)
        if blob is None:
            raise InvalidInput("There is no such file in Cloud Storage", value=uri)
        if local.exists() and crc32c_of(local) == blob.crc32c:
            return local
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        try:
            with _arriving(local) as part:
                blob.download_to_file(
                    part, if_generation_match=blob.generation, checksum="crc32c", timeout=STORAGE_SECONDS
                )
        except (DataCorruption, google.PreconditionFailed) as error:
            raise ServiceUnwell(
                f"fetch {uri}", service=SERVICE, status=type(error).__name__, said=str(error)
            ) from error
    return local


@contextmanager
def _arriving(local: Path) -> Generator[BinaryIO]:
    """A part of our own that gets its final name when all went well.

    It is locked while it arrives: the kernel ends the lock with the process, however that ends.
    """
    part = local.with_name(f"{local.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            part.replace(local)
    finally:
        part.unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove the parts of downloads whose process is gone."""
    for part in folder.glob("*.part"):
        with suppress(OSError), part.open("rb") as file:  # gone meanwhile, or still arriving: BlockingIOError
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A part of zero bytes may be one that another run has just made and not locked yet.
            if part.stat().st_size or time.time() - part.stat().st_mtime > NEW_SECONDS:
                part.unlink()


def crc32c_of(path: Path) -> str:
    """A file's checksum as Cloud Storage writes it."""
    checksum = google_crc32c.Checksum()
    with path.open("rb") as file:
        for _ in checksum.consume(file, 1 << 20):
            pass
    return base64.b64encode(checksum.digest()).decode()
