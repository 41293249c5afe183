"""Collections: ensured, waited for, marked, removed. A collection's id is its name, so there is never a second one.

Its labels are our marks, and what is known of its content:

content   hash of the data that it was loaded with; only once all of it is there
coming    in place of `content`: hash of the data that a load is bringing
replaces  beside `coming`: there was other content before, so that a full count proves nothing
metric    dot_product or cosine_distance, for searches without an index
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.cloud import vectorsearch_v1 as v1
from google.protobuf import field_mask_pb2, json_format

from tasks.calls import NotFound
from tasks.errors import CannotChangeInPlace, InvalidInput, NotOurs, PermanentError
from tasks.interruption import WhenInterrupted
from tasks.marks import is_ours, marks
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import AlreadyExists, OperationFailed, calling
from tasks.vertex.operations.operations import cancel_at
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.operations import follow, settle, unfinished_of
from tasks.vertex_collections.specs import CollectionSpec, DistanceMetric
from tasks.waiting import Deadline

USUAL_CREATE_SECONDS = 60.0
"""From memory."""
_CONTENT = ("content", "coming", "replaces")
REMEDY = "Choose another --name, or tear this one down first."


@dataclass(frozen=True, kw_only=True)
class CollectionState:
    """A collection as it was last read."""

    name: str
    resource: str
    vector_field: str
    dimensions: int
    model: str
    """The embedding model of its field; empty when there is none."""
    task_type: int
    """What that model embeds data objects for (EmbeddingTaskType)."""
    data_fields: tuple[str, ...]
    metric: DistanceMetric
    content: str
    """Hash of the data that it holds; empty until all of it is there."""
    coming: str
    """Hash of the data that a load began to bring."""
    replaces: bool
    """Whether the load that began is not the first."""
    making: str = ""
    """The operation that still creates it, or empty."""


class LoadUnderWay(PermanentError):
    """A build has not brought all data objects of a collection yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"The collection {name!r} is not loaded completely: a build of it runs or was interrupted, and what it still brings could "
            f"overwrite a change. Nothing was changed. Run the build again first (`{command('vertex-collections build', name=name, data='FILE')}`)."
        )


def collection_of(settings: VertexSettings, name: str) -> str:
    """The resource name of a collection."""
    return f"{settings.parent}/collections/{name}"


def find_collection(settings: VertexSettings, name: str) -> v1.Collection | None:
    """The collection of a name, whoever made it, or None."""
    try:
        with calling(f"read collection {name}"):
            return connect(settings).collections.get_collection(
                name=collection_of(settings, name), timeout=CALL_SECONDS, retry=None
            )
    except NotFound:
        return None


@step("read collection {name}")
def read_collection(settings: VertexSettings, name: str) -> CollectionState:
    """A collection that is to be used.

    Raises:
        InvalidInput: there is none that we built.
    """
    there = find_collection(settings, name)
    if there is None or not is_ours(there.labels, name):
        found = "There is no collection of this name" if there is None else "This collection is not ours"
        raise InvalidInput(
            found,
            value=name,
            source=f"name, in {settings.parent}",
            remedy=f"Build it first with `{command('vertex-collections build', name=name, data='FILE')}`.",
        )
    return collection_state(there, name)


@step("read collection {name} before its data objects change")
def read_loaded_collection(settings: VertexSettings, name: str) -> CollectionState:
    """A collection whose data objects are to be changed.

    Raises:
        InvalidInput: there is none that we built.
        LoadUnderWay: a load is not done, and could overwrite the change later.
    """
    state = read_collection.fn(settings, name)
    if not state.content:
        raise LoadUnderWay(name)
    return state


@step("look at collection {spec.name} before it is changed")
def read_collection_to_change(
    settings: VertexSettings, spec: CollectionSpec, deadline: Deadline
) -> CollectionState | None:
    """The collection of this name, if there is one, seen to be what the specification wants.

    A deletion or a change that an earlier run began is waited for.

    Raises:
        CannotChangeInPlace: it is there with another configuration.
        NotOurs: somebody else made it.
    """
    settle(settings, collection_of(settings, spec.name), deadline)
    there = find_collection(settings, spec.name)
    return None if there is None else _checked(settings, spec, there)


@step("ensure collection {spec.name}")
def ensure_collection(
    settings: VertexSettings, spec: CollectionSpec, *, content: str, deadline: Deadline
) -> Ensured[CollectionState]:
    """The collection of this specification, created unless it is there or on its way.

    Args:
        settings: the target.
        spec: what is wanted.
        content: hash of the data that it will be loaded with.
        deadline: bounds the wait for a deletion that an earlier run began.

    Raises:
        CannotChangeInPlace, NotOurs: as `read_collection_to_change`.
    """
    settle(settings, collection_of(settings, spec.name), deadline, verbs=("delete",))
    there = find_collection(settings, spec.name)
    if there is None:
        collection = spec.message()
        collection.labels = marks(spec.name, spec.spec, metric=spec.distance_metric.lower(), coming=content)
        try:
            with calling(f"create collection {spec.name}"):
                connect(settings).collections.create_collection(
                    parent=settings.parent,
                    collection_id=spec.name,
                    collection=collection,
                    timeout=CALL_SECONDS,
                    retry=None,
                )
        except AlreadyExists:
            say(f"The collection {spec.name} was created in the meantime.")
        state = _checked(settings, spec, _found(settings, spec.name))
        return Ensured(state, "created")
    state = _checked(settings, spec, there)
    return Ensured(state, "adopted" if state.making else "nothing")


@step("wait for collection {spec.name}")
def wait_for_collection(
    settings: VertexSettings,
    spec: CollectionSpec,
    state: CollectionState,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> CollectionState:
    """The collection, once its creation has ended.

    Raises:
        OperationFailed: the creation failed.
        DeadlinePassed: it keeps running; the same command follows it again.
    """
    if state.making:
        what = f"create collection {spec.name}"
        follow(
            settings,
            state.making,
            what,
            deadline,
            usual=USUAL_CREATE_SECONDS,
            when_interrupted=when_interrupted,
        )
    return _checked(settings, spec, _found(settings, spec.name))


@step("mark what collection {name} holds")
def apply_content_mark(
    settings: VertexSettings,
    name: str,
    deadline: Deadline,
    *,
    content: str = "",
    coming: str = "",
    replaces: bool = False,
) -> None:
    """Say in the labels what a collection holds, or what a load is about to bring. Other people's labels stay."""
    wanted = {
        key: value
        for key, value in (("content", content), ("coming", coming), ("replaces", "yes" if replaces else ""))
        if value
    }
    settle(settings, collection_of(settings, name), deadline)
    there = _found(settings, name)
    labels = {key: value for key, value in there.labels.items() if key not in _CONTENT} | wanted
    if labels == dict(there.labels):
        return
    doing = f"mark what collection {name} holds"
    with calling(doing):
        operation = connect(settings).collections.update_collection(
            collection=v1.Collection(name=collection_of(settings, name), labels=labels),
            update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
            timeout=CALL_SECONDS,
            retry=None,
        )
    follow(settings, operation.operation.name, doing, deadline)


@step("remove collection {name}")
def remove_collection(settings: VertexSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove a collection that we made, with its indexes and data objects, and end what would still create it.

    Returns:
        Its resource name, or nothing when it was not there.

    Raises:
        NotOurs: somebody else made it.
    """
    resource = collection_of(settings, name)
    _end_creation(settings, resource, deadline)
    settle(settings, resource, deadline)
    there = find_collection(settings, name)
    if there is None:
        return ()
    refuse_stranger(there, name)
    doing = f"delete collection {name}"
    try:
        with calling(doing):
            operation = connect(settings).collections.delete_collection(
                v1.DeleteCollectionRequest(name=resource, force=True), timeout=CALL_SECONDS, retry=None
            )
        follow(settings, operation.operation.name, doing, deadline)
    except NotFound:
        pass
    return (resource,)


def refuse_stranger(there: v1.Collection | v1.Index, name: str) -> None:
    """Refuse what does not bear our mark.

    Raises:
        NotOurs: it does not.
    """
    if not is_ours(there.labels, name):
        kind = "collection" if isinstance(there, v1.Collection) else "index of the collection"
        raise NotOurs(kind, name, resource=there.name, remedy="Choose another --name.")


def _end_creation(settings: VertexSettings, resource: str, deadline: Deadline) -> None:
    for operation in unfinished_of(settings, resource):
        if operation.verb == "create":
            cancel_at(connect(settings).operations, operation.name)
            try:
                follow(settings, operation.name, f"end of the creation of {resource}", deadline)
            except (OperationFailed, NotFound) as error:
                say(str(error))


def _found(settings: VertexSettings, name: str) -> v1.Collection:
    there = find_collection(settings, name)
    if there is None:
        raise NotFound(
            f"read collection {name}", service="Google Cloud", status="NOT_FOUND", said="it is gone"
        )
    return there


def _checked(settings: VertexSettings, spec: CollectionSpec, there: v1.Collection) -> CollectionState:
    refuse_stranger(there, spec.name)
    if there.labels.get("spec") != spec.spec:
        _refuse_difference(spec, there)
    making = [each.name for each in unfinished_of(settings, there.name) if each.verb == "create"]
    return collection_state(there, spec.name, making=making[0] if making else "")


def _refuse_difference(spec: CollectionSpec, there: v1.Collection) -> None:
    present, wanted = (
        _shown(there, there.labels),
        _shown(spec.message(), {"metric": spec.distance_metric.lower()}),
    )
    for field, value in wanted.items():
        if present[field] != value:
            raise CannotChangeInPlace(
                "collection", spec.name, field=field, there=present[field], wanted=value, remedy=REMEDY
            )


def _shown(collection: v1.Collection, labels: Mapping[str, str]) -> dict[str, object]:
    """What a specification decides, under the names of its options."""
    state = collection_state(collection, "")
    field = collection.vector_schema[state.vector_field].dense_vector
    schema = _properties(collection)
    return {
        "vector_field": state.vector_field,
        "dimensions": state.dimensions,
        "distance_metric": labels.get("metric", "").upper(),
        "data_columns": {name: schema[name].get("type") for name in sorted(schema)},
        "embedding_model": state.model,
        "text_template": field.vertex_embedding_config.text_template,
        "task_type": field.vertex_embedding_config.task_type.name,
    }


def collection_state(there: v1.Collection, name: str, *, making: str = "") -> CollectionState:
    """What was read of a collection, as a value."""
    dense = [field for field, kind in there.vector_schema.items() if "dense_vector" in kind]
    field = dense[0] if dense else ""
    config = there.vector_schema[field].dense_vector if field else v1.DenseVectorField()
    return CollectionState(
        name=name,
        resource=there.name,
        vector_field=field,
        dimensions=config.dimensions,
        model=config.vertex_embedding_config.model_id,
        task_type=int(config.vertex_embedding_config.task_type),
        data_fields=tuple(sorted(_properties(there))),
        metric="COSINE_DISTANCE" if there.labels.get("metric") == "cosine_distance" else "DOT_PRODUCT",
        content=there.labels.get("content", ""),
        coming=there.labels.get("coming", ""),
        replaces="replaces" in there.labels,
        making=making,
    )


def _properties(collection: v1.Collection) -> dict[str, Any]:
    """The data fields of the data schema, each with its own schema."""
    schema = json_format.MessageToDict(v1.Collection.pb(collection).data_schema)
    return schema.get("properties") or {}
