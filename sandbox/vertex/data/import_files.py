"""The import files behind a contentsDeltaUri: listed, read, checked, and staged as datapoints.

One batch is all files under the URI, `delete/` included. Nothing of a batch with an invalid record is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.cloud import aiplatform_v1 as v1

from sandbox.storage.reader import Reader, StorageError
from sandbox.vertex import errors
from sandbox.vertex.data.contents import Change, RemoveRequest
from sandbox.vertex.data.datapoints import UpsertRequest
from sandbox.vertex.data.import_records import RecordError, parse

Details = v1.NearestNeighborSearchOperationMetadata.pb()
Stage = Callable[[Change, Sequence[bytes]], None]
MOST_FILES = 5000
MOST_ERRORS = 50
_ROWS_A_CHANGE = 1000
_NAMED = 3


class Batch:
    """One import: reads the files and passes their datapoints to `stage`, in batches."""

    def __init__(self, reader: Reader, uri: str, dimensions: int, stage: Stage) -> None:
        self.details = Details()
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
        removed = {
            name
            for file in delete
            for line in self._lines(bucket, file)
            if (name := line.decode(errors="replace").strip())
        }
        if removed:
            self._stage("remove", [RemoveRequest(datapoint_ids=sorted(removed)).SerializeToString()])
        invalid = [f"gs://{bucket}/{file}" for file in data if not self._read(bucket, file)]
        if invalid:
            raise errors.INVALID_RECORDS.refusal(files=", ".join(invalid), operation=operation)
        if both := sorted(removed & self._ids):
            raise errors.DATA_AND_DELETE.refusal(ids=", ".join(both[:_NAMED]))

    def _files(self) -> tuple[str, list[str], list[str]]:
        if not self._uri.startswith("gs://") or not self._uri[5:].strip("/"):
            raise errors.NO_BUCKET.refusal(uri=self._uri, problem="it is not of the form gs://BUCKET/FOLDER")
        bucket, _, folder = self._uri[5:].strip("/").partition("/")
        prefix = f"{folder}/" if folder else ""
        try:
            names = [name for name in self._reader.list_objects(bucket, prefix) if not name.endswith("/")]
        except StorageError as error:
            raise errors.NO_BUCKET.refusal(uri=self._uri, problem=str(error)) from error
        if len(names) > MOST_FILES:
            raise errors.TOO_MANY_FILES.refusal(count=len(names), uri=self._uri)
        data, delete = [], []
        for name in names:
            inside = name.removeprefix(prefix)
            if inside.startswith("delete/") and inside.count("/") == 1:
                delete.append(name)
            elif inside.endswith((".csv", ".avro")):
                raise errors.NOT_IMITATED.refusal(what="CSV and Avro import files")
            elif "/" in inside or not inside.endswith(".json"):
                raise errors.FILE_FORMAT.refusal(file=f"gs://{bucket}/{name}")
            else:
                data.append(name)
        if not data and not delete:
            raise errors.NO_FILES.refusal(uri=self._uri)
        return bucket, data, delete

    def _lines(self, bucket: str, name: str) -> Any:
        try:
            yield from self._reader.lines(bucket, name)
        except StorageError as error:
            raise errors.NO_BUCKET.refusal(uri=self._uri, problem=f"{name}: {error}") from error

    def _read(self, bucket: str, name: str) -> bool:
        """Read one file; True if all its records are valid."""
        stats = self.details.content_validation_stats.add(source_gcs_uri=f"gs://{bucket}/{name}")
        piece = UpsertRequest()
        for line in self._lines(bucket, name):
            self.details.data_bytes_count += len(line) + 1
            try:
                datapoint = parse(line, self._dimensions)
            except RecordError as error:
                stats.invalid_record_count += 1
                if len(stats.partial_errors) < MOST_ERRORS:
                    stats.partial_errors.add(
                        error_type=int(error.type),
                        error_message=error.text,
                        source_gcs_uri=stats.source_gcs_uri,
                        embedding_id=error.id,
                        raw_record=line.decode(errors="replace"),
                    )
                continue
            stats.valid_record_count += 1
            self._ids.add(datapoint.datapoint_id)
            piece.datapoints.append(datapoint)
            if len(piece.datapoints) == _ROWS_A_CHANGE:
                self._stage("upsert", [piece.SerializeToString()])
                piece = UpsertRequest()
        if piece.datapoints:
            self._stage("upsert", [piece.SerializeToString()])
        return not stats.invalid_record_count
