"""What an index holds: overwritten as a whole by import files.

Content and labels cannot change in one call, so marks are set before and after.
"""

from __future__ import annotations

from google.cloud.aiplatform_v1 import Index
from google.protobuf import field_mask_pb2

from tasks.interruption import WhenInterrupted
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.marks import labels_renewed
from tasks.vertex.operations.operations import Operation, follow, follow_earlier, unfinished
from tasks.vertex.resources.indexes import (
    INDEXES,
    USUAL_CREATE_SECONDS,
    IndexState,
    metadata_value,
    read_again,
)
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import IndexSpec
from tasks.waiting import Deadline


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
    ended = _end_earlier_updates(settings, spec, index.resource, deadline)
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
            _update(settings, overwrite, "metadata", what),
            what,
            deadline,
            usual=USUAL_CREATE_SECONDS,
            when_interrupted=when_interrupted,
        )
    _mark(settings, spec, index.resource, deadline, content=content, overwritten=str(ended.updated))
    return read_again(settings, index.resource)


def _end_earlier_updates(
    settings: VertexSettings, spec: IndexSpec, resource: str, deadline: Deadline
) -> Operation | None:
    """Follow what earlier runs began to its end. Returns the last import among it that succeeded, or None.

    An update of labels has the same kind of operation: only its counts of import files tell it from an import.
    """
    what = f"the update of index {spec.name}"
    ended = [
        follow_earlier(settings, operation, what, deadline, usual=USUAL_CREATE_SECONDS)
        for operation in unfinished(settings, resource, kinds={"UpdateIndex"})
    ]
    imports = [operation for operation in ended if operation is not None and operation.imported]
    return max(imports, key=lambda operation: operation.updated, default=None)


def _mark(
    settings: VertexSettings, spec: IndexSpec, resource: str, deadline: Deadline, **labels: str
) -> None:
    doing = f"mark the contents of index {spec.name}"
    # An update replaces all labels, and some belong to other people: cost centers, owners.
    marked = Index(
        name=resource, labels=labels_renewed(INDEXES.get(settings, resource).labels, spec, **labels)
    )
    follow(settings, _update(settings, marked, "labels", doing), doing, deadline)


def _update(settings: VertexSettings, index: Index, field: str, doing: str) -> str:
    mask = field_mask_pb2.FieldMask(paths=[field])
    with calling(doing):
        update = connect(settings).indexes.update_index(
            index=index, update_mask=mask, timeout=CALL_SECONDS, retry=None
        )
    return update.operation.name
