"""Import files in the bucket: one folder for every content of every name in its project and region.

    gs://BUCKET/vector-search-ops/PROJECT-LOCATION/NAME/CONTENT/datapoints-00000.json
    gs://BUCKET/vector-search-ops/PROJECT-LOCATION/NAME/CONTENT-avro/datapoints-00000.avro
    gs://BUCKET/vector-search-ops/PROJECT-LOCATION/NAME/DELTA/delete/ids-00000.txt

An index is created from such a folder, so a folder is written once and never changed: other data has another content
hash, and another format of the same content another folder, since an import of the first may be running. Nothing but files named like these is touched, wherever it lies.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from google.api_core import exceptions as google
from google.cloud.storage import Blob
from google.cloud.storage.exceptions import DataCorruption

from tasks.calls import ServiceRefused, ServiceUnwell
from tasks.errors import InvalidInput, PermanentError, TransientError
from tasks.plurals import counted
from tasks.progress import Progress, say
from tasks.steps import step
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import SERVICE, calling
from tasks.vertex.data.import_files import ImportFile
from tasks.vertex.data.import_formats import SUFFIXES, ImportFormat
from tasks.vertex.imports.buckets import STORAGE_CALL
from tasks.vertex.settings import VertexSettings

ROOT = "vector-search-ops"
"""Everything of ours in a bucket is below this."""
_OURS = re.compile(rf"{ROOT}/[^/]+/[^/]+/[^/]+/(datapoints-\d{{5}}\.(json|avro)|delete/ids-\d{{5}}\.txt)")
UPLOADS_AT_ONCE = 4
"""Two cores cannot hash and encrypt more, and fewer fill a network."""


@dataclass(frozen=True)
class StoredFile:
    """An object in the bucket."""

    name: str
    """Its whole name, `vector-search-ops/PROJECT-LOCATION/NAME/CONTENT/datapoints-00000.json`."""
    size: int
    crc32c: str
    generation: int
    """Changes with every write: the same generation was not written again."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What one upload did."""

    uri: str
    """The folder that an index is created from."""
    uploaded: int
    """Files sent."""
    unchanged: int
    """Files that were there already with the same size and checksum."""
    removed: int
    """Files of the folder that did not belong to the content."""
    bytes_sent: int


class ChecksumDisagrees(TransientError):
    """What arrived is not what was sent."""

    def __init__(self, file: str, *, sent: str, arrived: str) -> None:
        self.file, self.sent, self.arrived = file, sent, arrived
        super().__init__(f"{file} arrived with crc32c {arrived}, but {sent} was sent. It is sent again.")


class ForeignFiles(PermanentError):
    """The folder of an import holds files that this project did not write; an import would read them too."""

    def __init__(self, folder: str, *, files: Sequence[str]) -> None:
        self.folder, self.files = folder, tuple(files)
        more = f" and {len(files) - 3} more" if len(files) > 3 else ""
        super().__init__(
            f"The folder {folder} holds {counted(len(files), 'file')} that this project did not write: {', '.join(files[:3])}{more}. "
            "An import of the folder would read them too, and nothing of others is removed. Move them elsewhere, and run it again."
        )


def import_folder(content: str, import_format: ImportFormat) -> str:
    """The name of the folder of one content, or one delta, in one format."""
    return content if import_format == "jsonl" else f"{content}-{import_format}"


def content_of(folder: str) -> str:
    """The content, or the delta, of a folder with that name."""
    return folder.partition("-")[0]


def files_root(settings: VertexSettings, name: str) -> str:
    """What the names of all files of a name begin with; two projects may share a bucket."""
    return f"{ROOT}/{settings.where}/{_one_part('name', name)}/"


def import_uri(settings: VertexSettings, name: str, folder: str) -> str:
    """The folder of one content, as an index's `contentsDeltaUri` wants it."""
    return f"gs://{settings.bucket_name}/{_prefix(settings, name, folder)}"


@step("read import files of {name}")
def read_import_files(settings: VertexSettings, name: str, content: str) -> tuple[StoredFile, ...]:
    """The files that the bucket holds for one content, by name. A bucket that is not there holds none."""
    return tuple(_stored(blob) for blob in _list(settings, _prefix(settings, name, content)))


def list_import_files(settings: VertexSettings, name: str) -> tuple[StoredFile, ...]:
    """The files of every content of a name that are named as ours are; what others put beside them is not touched."""
    return tuple(
        _stored(blob)
        for blob in _list(settings, files_root(settings, name))
        if _OURS.fullmatch(str(blob.name))
    )


def list_foreign_files(settings: VertexSettings, name: str) -> tuple[str, ...]:
    """The names of what others put beside them."""
    return tuple(
        str(blob.name)
        for blob in _list(settings, files_root(settings, name))
        if not _OURS.fullmatch(str(blob.name))
    )


@step("upload import files of {name}")
def apply_import_files(
    settings: VertexSettings, name: str, content: str, files: Sequence[ImportFile], folder: Path
) -> Upload:
    """Make the bucket's folder of one content hold exactly these files, which lie in a local folder.

    A file that is there with the same size and checksum is left as it is. A new one is written only if nobody wrote
    it meanwhile (`if_generation_match`), so that two runs cannot mix their files.

    Raises:
        ChecksumDisagrees: transient.
        ForeignFiles: the folder holds other people's files.
        InvalidInput: a local file is gone.
    """
    prefix = _prefix(settings, name, content)
    there = {str(blob.name): _stored(blob) for blob in _list(settings, prefix)}
    if foreign := [key for key in there if not _OURS.fullmatch(key)]:
        raise ForeignFiles(import_uri(settings, name, content), files=foreign)
    wanted = {prefix + file.name: file for file in files}
    missing = {
        key: file
        for key, file in wanted.items()
        if key not in there or (there[key].size, there[key].crc32c) != (file.size, file.crc32c)
    }
    sent = _upload_all(settings, missing, there, folder)
    removed = len(_remove(settings, [file for key, file in there.items() if key not in wanted]))
    unchanged = len(wanted) - len(missing)
    say(f"Import files of {name}: {len(missing)} uploaded, {unchanged} unchanged, {removed} removed")
    return Upload(
        uri=import_uri(settings, name, content),
        uploaded=len(missing),
        unchanged=unchanged,
        removed=removed,
        bytes_sent=sent,
    )


@step("remove import files of {name}")
def remove_import_files(
    settings: VertexSettings, name: str, keep_contents: Collection[str] = ()
) -> tuple[str, ...]:
    """Remove the import files of a name, but those of the contents that are kept, in whatever format.

    Returns:
        The names of those that went.
    """
    kept = tuple(
        _prefix(settings, name, import_folder(content, each))
        for content in keep_contents
        for each in SUFFIXES
    )
    files = list_import_files(settings, name)
    return _remove(settings, (file for file in files if not file.name.startswith(kept)))


def _list(settings: VertexSettings, prefix: str) -> list[Blob]:
    fields = "items(name,size,crc32c,generation),nextPageToken"
    with calling(f"list gs://{settings.bucket_name}/{prefix}"):
        try:
            storage = connect(settings).storage
            return list(
                storage.list_blobs(settings.bucket_name, prefix=prefix, fields=fields, **STORAGE_CALL)
            )
        except google.NotFound:
            return []


def _stored(blob: Blob) -> StoredFile:
    return StoredFile(str(blob.name), int(blob.size or 0), str(blob.crc32c), int(blob.generation or 0))


def _upload_all(
    settings: VertexSettings, files: Mapping[str, ImportFile], there: Mapping[str, StoredFile], folder: Path
) -> int:
    """Upload files. Every upload is tried before the first failure is raised, so that a retry finds the others there."""
    total, sent = sum(file.size for file in files.values()), 0
    failed: list[BaseException] = []
    pool = ThreadPoolExecutor(UPLOADS_AT_ONCE)
    with Progress(f"upload import files to {settings.bucket_name}") as progress:
        try:
            uploads = {
                pool.submit(_upload, settings, key, file, folder / file.name, there.get(key)): file
                for key, file in files.items()
            }
            for upload in as_completed(uploads):
                if (error := upload.exception()) is not None:
                    failed.append(error)
                    continue
                sent += uploads[upload].size
                progress.count(sent, total, "bytes")
        finally:
            pool.shutdown(cancel_futures=True)  # Interrupted, only the uploads under way are finished.
        if failed:
            raise failed[0]
    return sent


def _upload(
    settings: VertexSettings, key: str, file: ImportFile, local: Path, replaced: StoredFile | None
) -> None:
    blob = connect(settings).storage.bucket(settings.bucket_name).blob(key)
    try:
        with calling(f"upload {key}"):
            blob.upload_from_filename(
                str(local),
                content_type="application/json",
                if_generation_match=replaced.generation if replaced else 0,
                crc32c_checksum_value=file.crc32c,
                checksum="crc32c",
                **STORAGE_CALL,
            )
    except FileNotFoundError as error:
        raise InvalidInput("An import file is gone", value=str(local)) from error
    except DataCorruption as error:
        raise ChecksumDisagrees(key, sent=file.crc32c, arrived=str(blob.crc32c)) from error
    except ServiceRefused as error:
        if not isinstance(error.__cause__, google.PreconditionFailed):
            raise
        _accept_other_writer(settings, key, file)
        return
    if (blob.size, blob.crc32c) != (file.size, file.crc32c):
        raise ChecksumDisagrees(key, sent=file.crc32c, arrived=str(blob.crc32c))


def _accept_other_writer(settings: VertexSettings, key: str, file: ImportFile) -> None:
    # Another run, or our own upload whose reply was lost: the same content is as good as ours.
    with calling(f"read {key}"):
        there = connect(settings).storage.bucket(settings.bucket_name).get_blob(key, **STORAGE_CALL)
    if there is None or (there.size, there.crc32c) != (file.size, file.crc32c):
        raise ServiceUnwell(
            f"upload {key}",
            service=SERVICE,
            status="PreconditionFailed",
            said="somebody else is writing to it",
        )


def _remove(settings: VertexSettings, files: Iterable[StoredFile]) -> tuple[str, ...]:
    removed: list[str] = []
    bucket = connect(settings).storage.bucket(settings.bucket_name)
    for file in files:
        with calling(f"remove {file.name}"):
            try:
                bucket.blob(file.name).delete(if_generation_match=file.generation, **STORAGE_CALL)
            except google.NotFound:
                continue
        removed.append(file.name)
    return tuple(removed)


def _prefix(settings: VertexSettings, name: str, content: str) -> str:
    return f"{files_root(settings, name)}{_one_part('content', content)}/"


def _one_part(what: str, part: str) -> str:
    # An empty part or one with a slash would widen the prefix to somebody else's files.
    if not part or "/" in part:
        raise InvalidInput(
            f"Not usable as the {what} of import files", value=part, accepted="one part of a path"
        )
    return part
