"""What an index holds: overwritten as a whole by import files, or changed by those of a delta.

Content and labels cannot change in one call, so marks are set before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.cloud.aiplatform_v1 import Index

from tasks.errors import PermanentError
from tasks.interruption import WhenInterrupted
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.imports.storage import content_of, import_uri, read_import_files
from tasks.vertex.marks import labels_renewed
from tasks.vertex.operations.operations import Operation, follow, follow_earlier, list_operations, unfinished
from tasks.vertex.resources.indexes import (
    INDEXES,
    USUAL_CREATE_SECONDS,
    IndexState,
    begin_update,
    metadata_value,
    read_again,
)
from tasks.vertex.resources.served import OverwriteUnfinished
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import IndexSpec
from tasks.waiting import Deadline, Look, attempt_until


class ImportFilesGone(PermanentError):
    """An import that was left half done cannot be finished."""

    def __init__(self, name: str, delta: str, *, uri: str) -> None:
        self.name, self.delta, self.uri = name, delta, uri
        super().__init__(
            f"An earlier import into {name} ({delta}) was not seen to its end, and its files are gone from {uri}. Nothing was imported. "
            f"Run that import again first, which uploads them again: `{command('vertex import', name=name, data='FILE.hdf5')}`. Or replace "
            f"all content of the index by other data than it was built from, which change nothing: `{command('vertex build', name=name, data='FILE.hdf5', update_method='BATCH_UPDATE')}`."
        )


@step("overwrite the contents of index {spec.name}")
def apply_index_contents(
    settings: VertexSettings,
    spec: IndexSpec,
    index: IndexState,
    *,
    contents_uri: str,
    content: str,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> IndexState:
    """Replace all content of an index by import files; nothing happens if it carries the mark of that content already.

    A complete overwrite is the one batch update that a streaming index takes too. Content and labels cannot change in
    one call, so the mark `content` is replaced by `coming` before and set after: a crash in between cannot leave the
    mark of data that is gone. An unfinished overwrite with the same data is followed; one that ended unseen, or whose
    operation does not show that it imported, is repeated once.
    """
    what = f"overwrite the contents of index {spec.name}"
    ended = _end_earlier_updates(settings, spec.name, index.resource, deadline)
    there = read_again(settings, index.resource)
    if there.content == content:
        return there
    if ended is None or there.coming != content:
        if there.coming != content:
            _mark(settings, spec, index.resource, deadline, coming=content)
        overwrite = Index(
            name=index.resource,
            metadata=metadata_value({"contentsDeltaUri": contents_uri, "isCompleteOverwrite": True}),
        )
        ended = follow(
            settings,
            begin_update(settings, overwrite, "metadata", what),
            what,
            deadline,
            usual=USUAL_CREATE_SECONDS,
            when_interrupted=when_interrupted,
        )
    _mark(settings, spec, index.resource, deadline, content=content, overwritten=str(ended.updated))
    return read_again(settings, index.resource)


@step("import into index {name}")
def apply_delta(
    settings: VertexSettings,
    name: str,
    resource: str,
    folder: str,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Ensured[IndexState]:
    """Add, overwrite and delete datapoints of a batch index by a folder of import files; nothing if it was the last one imported.

    What an earlier run began is ended first, so that imports take effect in the order in which they were begun: the mark
    `importing` says that the folder is complete in the bucket. It becomes `imported` after the import. A crash in between
    repeats the import once, which changes nothing: whole datapoints are written, and what is deleted stays deleted.

    Args:
        settings: the target.
        name: the name that the user gave.
        resource: the index.
        folder: the folder's name, which begins with the hash of the delta.
        deadline: for all of it.
        when_interrupted: what happens to the running operation.

    Raises:
        OverwriteUnfinished: a complete overwrite was begun, which would lose it.
        ImportFilesGone: an earlier import was left half done, and can neither be finished nor left.
        OperationFailed: with every invalid record that the service reported; nothing was imported.
    """
    ended = _end_earlier_updates(settings, name, resource, deadline)
    there = read_again(settings, resource)
    if there.coming:
        raise OverwriteUnfinished(name, doing="imported")
    if there.importing and content_of(there.importing) != content_of(folder):
        there = _end_earlier_import(settings, name, there, ended, deadline)
        ended = None
    if there.importing:
        folder = there.importing  # the same delta, in the format in which it was begun
    elif there.imported == content_of(folder):
        return Ensured(there)
    else:
        ended = None  # whose import that was, we do not know
    did = "created" if ended is None else "adopted"
    return Ensured(_import(settings, name, there, folder, ended, deadline, when_interrupted), did)


def _end_earlier_import(
    settings: VertexSettings, name: str, there: IndexState, ended: Operation | None, deadline: Deadline
) -> IndexState:
    """Finish the import that an earlier run left half done, or leave it if the service refused it or was asked to cancel it."""
    folder = there.importing
    updates = list_operations(settings, there.resource, kinds={"UpdateIndex"})
    last = max(updates, key=lambda one: one.created, default=None)
    if ended is None and last is not None and last.code:
        say(
            f"The import {content_of(folder)} of an earlier run has failed or was cancelled: {last.said}. It is not repeated."
        )
        _mark_import(settings, name, there.resource, deadline, importing="")
        return read_again(settings, there.resource)
    if ended is None and not read_import_files.fn(settings, name, folder):
        raise ImportFilesGone(name, content_of(folder), uri=import_uri(settings, name, folder))
    say(f"Finishing the import {content_of(folder)} that an earlier run began.")
    return _import(settings, name, there, folder, ended, deadline, "leave-running")


def _import(
    settings: VertexSettings,
    name: str,
    there: IndexState,
    folder: str,
    ended: Operation | None,
    deadline: Deadline,
    when_interrupted: WhenInterrupted,
) -> IndexState:
    what, resource = f"import into index {name}", there.resource
    if ended is None:
        if there.importing != folder:
            _mark_import(settings, name, resource, deadline, importing=folder)
        delta = Index(
            name=resource, metadata=metadata_value({"contentsDeltaUri": import_uri(settings, name, folder)})
        )
        try:
            ended = follow(
                settings,
                begin_update(settings, delta, "metadata", what),
                what,
                deadline,
                usual=USUAL_CREATE_SECONDS,
                when_interrupted=when_interrupted,
            )
        except OperationFailed:
            _mark_import(settings, name, resource, deadline, importing="")
            raise
    marks = {"imported": content_of(folder), "overwritten": str(ended.updated)}
    _mark_import(settings, name, resource, deadline, importing="", **marks)
    return read_again(settings, resource)


def _mark_import(
    settings: VertexSettings, name: str, resource: str, deadline: Deadline, **labels: str
) -> None:
    """Set these labels beside all others; an empty one goes."""

    def marked(there: Mapping[str, str]) -> dict[str, str]:
        return {key: value for key, value in {**there, **labels}.items() if value or key not in labels}

    _relabel(settings, name, resource, f"mark the imports of index {name}", deadline, marked)


def _end_earlier_updates(
    settings: VertexSettings, name: str, resource: str, deadline: Deadline
) -> Operation | None:
    """Follow what earlier runs began to its end. Returns the last import among it that succeeded, or None.

    An update of labels has the same kind of operation: only its counts of import files tell it from an import.
    """
    what = f"the update of index {name}"
    ended = [
        follow_earlier(settings, operation, what, deadline, usual=USUAL_CREATE_SECONDS)
        for operation in unfinished(settings, resource, kinds={"UpdateIndex"})
    ]
    imports = [operation for operation in ended if operation is not None and operation.imported]
    return max(imports, key=lambda operation: operation.updated, default=None)


def _mark(
    settings: VertexSettings, spec: IndexSpec, resource: str, deadline: Deadline, **labels: str
) -> None:
    def marked(there: Mapping[str, str]) -> dict[str, str]:
        return labels_renewed(there, spec, **labels)

    _relabel(settings, spec.name, resource, f"mark the contents of index {spec.name}", deadline, marked)


def _relabel(
    settings: VertexSettings,
    name: str,
    resource: str,
    doing: str,
    deadline: Deadline,
    marked: Callable[[Mapping[str, str]], dict[str, str]],
) -> None:
    """Replace the labels of an index: an update replaces all, and some belong to other people, such as cost centers and owners.

    The etag refuses an update if the labels have changed meanwhile, and an earlier one that is carried out too late.
    A call that fails for now is repeated here: a retry of the whole step would overwrite or import again, for an hour and for money.
    """
    is_again = False

    def attempt() -> Look[bool]:
        nonlocal is_again
        if is_again:  # the call may have been taken
            _end_earlier_updates(settings, name, resource, deadline)
        is_again = True
        there = INDEXES.get(settings, resource)
        if (labels := marked(dict(there.labels))) != dict(there.labels):
            update = Index(name=resource, etag=there.etag, labels=labels)
            follow(settings, begin_update(settings, update, "labels", doing), doing, deadline)
        return Look(seen="marked", value=True, done=True)

    attempt_until(doing, attempt, deadline)
