"""Small files beside an index: what Vertex AI does not hold of passages, in the bucket, one folder for each version of a knowledge base.

    gs://BUCKET/vector-search-ops-passages/PROJECT-LOCATION/NAME/VERSION/texts-00000.jsonl

Only files that are named as ours are listed and removed; what others put beside them stays.
"""

from __future__ import annotations

import re

from google.api_core import exceptions as google

from tasks.steps import step
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.imports.buckets import STORAGE_CALL
from tasks.vertex.settings import VertexSettings

ROOT = "vector-search-ops-passages"
DESCRIPTION = "description.json"
"""Written last: a version without it is not whole."""
_OURS = re.compile(r"[0-9a-f]{12}/(description\.json|texts-\d{5}\.jsonl|vectors-[0-9a-f]{32}\.json)")


def write_file(settings: VertexSettings, name: str, path: str, content: bytes) -> None:
    """Store a file, whole: `path` is VERSION/FILE. One that is there with other content is replaced."""
    key = _root(settings, name) + path
    with calling(f"write {key}"):
        blob = connect(settings).storage.bucket(settings.bucket_name).blob(key)
        blob.upload_from_string(content, content_type="application/json", checksum="crc32c", **STORAGE_CALL)


def read_file(settings: VertexSettings, name: str, path: str) -> bytes | None:
    """The content of a file, or None."""
    key = _root(settings, name) + path
    with calling(f"read {key}"):
        try:
            blob = connect(settings).storage.bucket(settings.bucket_name).blob(key)
            return blob.download_as_bytes(checksum="crc32c", **STORAGE_CALL)
        except google.NotFound:
            return None


def list_files(settings: VertexSettings, name: str, folder: str = "") -> list[str]:
    """The paths of the files of a name, `VERSION/FILE`, perhaps of one version alone. A bucket that is not there holds none."""
    root = _root(settings, name)
    prefix = f"{root}{folder}/" if folder else root
    with calling(f"list gs://{settings.bucket_name}/{prefix}"):
        try:
            storage = connect(settings).storage
            found = storage.list_blobs(
                settings.bucket_name, prefix=prefix, fields="items(name),nextPageToken", **STORAGE_CALL
            )
            paths = sorted(str(blob.name).removeprefix(root) for blob in found)
        except google.NotFound:
            return []
    return [path for path in paths if _OURS.fullmatch(path)]


@step("remove the passages of {name} from the bucket")
def remove_passage_files(settings: VertexSettings, name: str, folder: str = "") -> tuple[str, ...]:
    """Delete the files of a name, perhaps of one version alone. Returns what went.

    The description goes first: without it the rest stands for nothing.
    """
    paths = sorted(list_files(settings, name, folder), key=lambda path: not path.endswith(DESCRIPTION))
    bucket = connect(settings).storage.bucket(settings.bucket_name)
    for path in paths:
        key = _root(settings, name) + path
        with calling(f"remove {key}"):
            try:
                bucket.blob(key).delete(**STORAGE_CALL)
            except google.NotFound:
                continue
    return tuple(paths)


def _root(settings: VertexSettings, name: str) -> str:
    return f"{ROOT}/{settings.where}/{name}/"
