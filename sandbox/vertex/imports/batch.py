"""One import: the files behind a contentsDeltaUri, listed, read, checked, and staged as datapoints.

One batch is all files under the URI, `delete/` included. Nothing of a batch with an invalid record is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import PurePath
from typing import Any, BinaryIO

import orjson
from google.cloud import aiplatform_v1 as v1

from sandbox.storage.reader import Reader, StorageError
from sandbox.vertex import errors
from sandbox.vertex.data.contents import Change, RemoveRequest
from sandbox.vertex.data.datapoints import UpsertRequest
from sandbox.vertex.imports.avro_file import avro_records
from sandbox.vertex.imports.lines import csv_records, json_records
from sandbox.vertex.imports.records import ErrorType, RecordError, datapoint

Details = v1.NearestNeighborSearchOperationMetadata.pb()
Stage = Callable[[Change, Sequence[bytes]], None]
FORMATS: Mapping[str, Callable[[Any], Iterator[tuple[Any, Any]]]] = {
    ".json": json_records,
    ".csv": csv_records,
    ".avro": avro_records,
}
MOST_FILES = 5000
MOST_ERRORS = 50
_ROWS_A_CHANGE = 1000
_NAMED = 3
_SPARSE_ERRORS = (ErrorType.INVALID_SPARSE_EMBEDDING, ErrorType.INVALID_SPARSE_DIMENSIONS)


class _Counted:
    """A file that counts the bytes that were read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self.count += len(line)
            yield line

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data

    def close(self) -> None:
        self._file.close()


class Batch:
    """One import: reads the files and passes their datapoints to `stage`, in batches."""

    def __init__(
        self, reader: Reader, uri: str, dimensions: int, stage: Stage, *, deletes: Change = "remove"
    ) -> None:
        self.details = Details()
        self.changed = 0
        """Datapoints written and ids under `delete/`, once everything is read."""
        self._deletes: Change = deletes
        self._reader = reader
        self._uri = uri
        self._dimensions = dimensions
        self._stage = stage
        self._ids: set[str] = set()

    def run(self, operation: str) -> None:
        """Read and stage everything; afterwards `details` has the counts of each file.

        Raises:
            Refusal: unreadable files, or invalid records, with the documented text.
        """
        bucket, data, delete = self._files()
        removed = {name for file in delete for name in self._ids_in(bucket, file)}
        if removed:
            self._stage(self._deletes, [RemoveRequest(datapoint_ids=sorted(removed)).SerializeToString()])
        invalid = [f"gs://{bucket}/{file}" for file in data if not self._read(bucket, file)]
        if invalid:
            raise errors.INVALID_RECORDS.refusal(files=", ".join(invalid), operation=operation)
        self.changed = len(removed) + len(self._ids)
        if both := sorted(removed & self._ids):
            raise errors.DATA_AND_DELETE.refusal(ids=", ".join(both[:_NAMED]))

    def _files(self) -> tuple[str, list[str], list[str]]:
        """The bucket, the data files and the files of ids to delete; all other files and folders are ignored."""
        if not self._uri.startswith("gs://") or not self._uri[5:].strip("/"):
            raise errors.NO_BUCKET.refusal(uri=self._uri, problem="it is not of the form gs://BUCKET/FOLDER")
        bucket, _, folder = self._uri[5:].strip("/").partition("/")
        prefix = f"{folder}/" if folder else ""
        try:
            names = self._reader.list_objects(bucket, prefix)
        except StorageError as error:
            raise errors.NO_BUCKET.refusal(uri=self._uri, problem=str(error)) from error
        inside = {name: name.removeprefix(prefix) for name in names if not name.endswith("/")}
        direct = [name for name, path in inside.items() if "/" not in path]
        if len(direct) > MOST_FILES:
            raise errors.TOO_MANY_FILES.refusal(count=len(direct), uri=self._uri)
        data = [name for name in direct if name.endswith(tuple(FORMATS))]
        delete = [
            name for name, path in inside.items() if path.startswith("delete/") and path.count("/") == 1
        ]
        if not data and not delete:
            raise errors.NO_FILES.refusal(uri=self._uri)
        return bucket, data, delete

    def _open(self, bucket: str, name: str) -> _Counted:
        try:
            return _Counted(self._reader.open(bucket, name))
        except StorageError as error:
            raise errors.NO_BUCKET.refusal(uri=self._uri, problem=f"{name}: {error}") from error

    def _ids_in(self, bucket: str, name: str) -> Iterator[str]:
        with closing(self._open(bucket, name)) as file:
            for line in file:
                if found := line.decode(errors="replace").strip():
                    yield found

    def _read(self, bucket: str, name: str) -> bool:
        """Read one file; True if all its records are valid."""
        stats = self.details.content_validation_stats.add(source_gcs_uri=f"gs://{bucket}/{name}")
        piece = UpsertRequest()
        with closing(self._open(bucket, name)) as file:
            for raw, parsed in FORMATS[PurePath(name).suffix](file):
                try:
                    made = self._made(parsed, stats)
                except RecordError as error:
                    _note(stats, raw, error)
                    continue
                piece.datapoints.append(made)
                if len(piece.datapoints) == _ROWS_A_CHANGE:
                    self._stage("upsert", [piece.SerializeToString()])
                    piece = UpsertRequest()
            self.details.data_bytes_count += file.count
        if piece.datapoints:
            self._stage("upsert", [piece.SerializeToString()])
        return not stats.invalid_record_count and not stats.invalid_sparse_record_count

    def _made(self, parsed: dict[str, Any] | RecordError, stats: Any) -> Any:
        """The datapoint of a record, counted for each vector that it holds.

        Raises:
            RecordError: the record is invalid.
        """
        if isinstance(parsed, RecordError):
            raise parsed
        made = datapoint(parsed, self._dimensions)
        stats.valid_record_count += bool(made.feature_vector)
        stats.valid_sparse_record_count += bool(made.sparse_embedding.values)
        self._ids.add(made.datapoint_id)
        return made


def _note(stats: Any, raw: bytes | dict[str, Any], error: RecordError) -> None:
    """Count an invalid record, and describe it while there are few."""
    if error.type in _SPARSE_ERRORS:
        stats.invalid_sparse_record_count += 1
    else:
        stats.invalid_record_count += 1
    if len(stats.partial_errors) < MOST_ERRORS:
        text = raw if isinstance(raw, bytes) else orjson.dumps(raw, default=str)
        stats.partial_errors.add(
            error_type=int(error.type),
            error_message=error.text,
            source_gcs_uri=stats.source_gcs_uri,
            embedding_id=error.id,
            raw_record=text.decode(errors="replace"),
        )
