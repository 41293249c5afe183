"""Downloads a data file from Cloud Storage to this machine."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import google_crc32c
from google.api_core import exceptions as google
from google.cloud.storage.exceptions import DataCorruption

from tasks.calls import ServiceUnwell
from tasks.errors import InvalidInput
from tasks.files import whole_file
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import SERVICE, calling
from tasks.vertex.imports.buckets import STORAGE_CALL
from tasks.vertex.settings import VertexSettings


def fetch(settings: VertexSettings, uri: str, folder: Path) -> Path:
    """Bring a data file of Cloud Storage into a local folder; one with the same checksum is not fetched again.

    Args:
        settings: the target.
        uri: gs://BUCKET/OBJECT.
        folder: made when absent. The file is named by the URI's hash and its own name, so that no two collide.

    Raises:
        InvalidInput: no such URI, or no such object.
    """
    # Not as a URL: the name of an object may have a # or a ?.
    scheme, _, place = uri.partition("://")
    bucket, _, key = place.partition("/")
    if scheme != "gs" or not bucket or not key or key.endswith("/"):
        raise InvalidInput(
            "Not the address of a file in Cloud Storage", value=uri, accepted="gs://BUCKET/OBJECT"
        )
    local = folder / f"{hashlib.blake2s(uri.encode(), digest_size=4).hexdigest()}-{Path(key).name}"
    with calling(f"fetch {uri}"):
        blob = connect(settings).storage.bucket(bucket).get_blob(key, **STORAGE_CALL)
        if blob is None:
            raise InvalidInput("There is no such file in Cloud Storage", value=uri)
        if local.exists() and crc32c_of(local) == blob.crc32c:
            return local
        try:
            with whole_file(local) as part:
                blob.download_to_file(
                    part, if_generation_match=blob.generation, checksum="crc32c", **STORAGE_CALL
                )
        except (DataCorruption, google.PreconditionFailed) as error:
            raise ServiceUnwell(
                f"fetch {uri}", service=SERVICE, status=type(error).__name__, said=str(error)
            ) from error
    return local


def crc32c_of(path: Path) -> str:
    """A file's checksum as Cloud Storage writes it."""
    checksum = google_crc32c.Checksum()
    with path.open("rb") as file:
        for _ in checksum.consume(file, 1 << 20):
            pass
    return base64.b64encode(checksum.digest()).decode()
