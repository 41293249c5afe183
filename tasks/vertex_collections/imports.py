"""Data objects imported from the bucket: one long-running operation that reads a folder of import files.

The metadata of an import does not say what it imports into, so an import that a killed run began is found by the count that
it leaves behind; and since an import of the same files brings the same data objects, repeating it does no harm.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from google.api_core import exceptions as google
from google.cloud import vectorsearch_v1 as v1
from google.cloud.storage import Blob

from tasks.calls import ServiceUnwell
from tasks.errors import PermanentError
from tasks.interruption import WhenInterrupted
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.clients import connect as connect_storage
from tasks.vertex.connection.errors import calling
from tasks.vertex.imports.buckets import STORAGE_CALL
from tasks.vertex.imports.storage import files_root, import_uri
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.collections import collection_of
from tasks.vertex_collections.operations import IMPORT, Operation, follow, follow_earlier, list_unfinished
from tasks.waiting import Deadline

SHOWN = 5
"""Errors of an import that a message shows."""
_MOST_SHOWN = 300
"""Characters of one of them."""


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    operation: str
    data_objects: int


class ImportFailed(PermanentError):
    """An import left data objects out, or ended with an error."""

    def __init__(self, name: str, *, operation: Operation, errors: list[str], uri: str) -> None:
        self.name, self.operation, self.errors, self.uri = name, operation.name, errors, uri
        said = f" {operation.said}" if operation.said else ""
        shown = "".join(f"\n  {error}" for error in errors)
        super().__init__(
            f"The import into collection {name} took {operation.imported:,} data objects and left out {operation.failed:,}."
            f"{said} Its errors are under {uri}{':' if errors else '.'}{shown}"
        )


def files_of(name: str) -> str:
    """The name of a collection's import files in the bucket: an index of the same name has files of its own there."""
    return f"collection.{name}"


def error_uri(settings: VertexSettings, name: str) -> str:
    """The folder that an import writes its errors into."""
    return f"gs://{settings.bucket_name}/{_errors(settings, name)}"


@step("follow imports that an earlier run may have begun into {name}")
def wait_for_imports(settings: VertexSettings, name: str, deadline: Deadline) -> int:
    """Follow every import that still runs in the location to its end. Returns how many there were.

    An earlier run was interrupted while it loaded, and whose an import is cannot be seen.

    Raises:
        DeadlinePassed: one still runs.
    """
    running = [each for each in list_unfinished(settings) if each.verb == IMPORT]
    for operation in running:
        follow_earlier(settings, operation, f"an import, maybe into collection {name},", deadline)
    return len(running)


@step("import data objects into collection {name}")
def apply_import(
    settings: VertexSettings,
    name: str,
    folder: str,
    rows: int,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Imported:
    """Import a folder of import files and follow the operation to its end. What is there already is overwritten.

    Args:
        settings: the target.
        name: of the collection.
        folder: of the import files of `files_of(name)`, by the content's hash.
        rows: how many data objects are in them.
        deadline: for the operation.
        when_interrupted: on Ctrl-C or a cancelled run, leave it running or ask the service to cancel it.

    Raises:
        ImportFailed: data objects were left out; the first errors are shown.
        DeadlinePassed: it still runs.
    """
    what = f"import data objects into collection {name}"
    _remove_errors(settings, name)
    begun = {each.name for each in list_unfinished(settings)}
    request = v1.ImportDataObjectsRequest(
        name=collection_of(settings, name),
        gcs_import=v1.ImportDataObjectsRequest.GcsImportConfig(
            contents_uri=import_uri(settings, files_of(name), folder), error_uri=error_uri(settings, name)
        ),
    )
    try:
        with calling(what):
            operation = (
                connect(settings)
                .collections.import_data_objects(request, timeout=CALL_SECONDS, retry=None)
                .operation.name
            )
    except ServiceUnwell:
        # The call may have been taken: what has begun since then ends before it is tried again, or it could end much later.
        for each in list_unfinished(settings):
            if each.verb == IMPORT and each.name not in begun:
                follow_earlier(settings, each, what, deadline)
        raise
    ended = follow(settings, operation, what, deadline, total=rows, when_interrupted=when_interrupted)
    if ended.code or ended.failed:
        errors = read_import_errors(settings, name)
        raise ImportFailed(name, operation=ended, errors=errors, uri=error_uri(settings, name))
    say(f"{counted(ended.imported, 'data object')} imported into collection {name}.")
    return Imported(operation, ended.imported)


def read_import_errors(settings: VertexSettings, name: str) -> list[str]:
    """The first lines of what an import wrote into its folder of errors."""
    lines = list[str]()
    for blob in _error_files(settings, name):
        if not blob.size:
            continue
        with calling(f"read {blob.name}"):
            # A few lines are shown, and a file of errors may be as large as the data.
            text = blob.download_as_bytes(end=2**20, **STORAGE_CALL).decode(errors="replace")
        for line in filter(None, map(str.strip, text.splitlines())):
            lines.append(line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}...")
            if len(lines) == SHOWN:
                return lines
    return lines


@step("remove errors of imports into {name}")
def remove_import_errors(settings: VertexSettings, name: str) -> tuple[str, ...]:
    """Remove what earlier imports wrote into their folder of errors. Returns the names of the files that went."""
    return _remove_errors(settings, name)


def _remove_errors(settings: VertexSettings, name: str) -> tuple[str, ...]:
    files = _error_files(settings, name)
    for blob in files:
        with calling(f"remove {blob.name}"), suppress(google.NotFound):
            blob.delete(**STORAGE_CALL)
    return tuple(str(blob.name) for blob in files)


def _error_files(settings: VertexSettings, name: str) -> list[Blob]:
    with calling(f"list {error_uri(settings, name)}"):
        try:
            return list(
                connect_storage(settings).storage.list_blobs(
                    settings.bucket_name,
                    prefix=_errors(settings, name),
                    fields="items(name,size),nextPageToken",
                    **STORAGE_CALL,
                )
            )
        except google.NotFound:  # there is no bucket
            return []


def _errors(settings: VertexSettings, name: str) -> str:
    return f"{files_root(settings, files_of(name))}errors/"
