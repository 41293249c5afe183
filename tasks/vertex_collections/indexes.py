"""The index of a collection: ensured, waited for, its replicas changed, removed. Its id is the collection's name."""

from __future__ import annotations

from dataclasses import dataclass

from google.cloud import vectorsearch_v1 as v1
from google.protobuf import field_mask_pb2

from tasks.calls import NotFound
from tasks.errors import CannotChangeInPlace
from tasks.interruption import WhenInterrupted
from tasks.marks import marks
from tasks.outcomes import Ensured
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import AlreadyExists, calling
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.collections import REMEDY, collection_of, refuse_stranger
from tasks.vertex_collections.operations import follow, settle, unfinished_of
from tasks.vertex_collections.specs import CollectionIndexSpec
from tasks.waiting import Deadline

USUAL_CREATE_SECONDS = 30 * 60.0
"""As long as that of Vector Search 1.0; not measured."""
_REPLICAS = "dedicated_infrastructure.autoscaling_spec"


@dataclass(frozen=True, kw_only=True)
class CollectionIndexState:
    """An index as it was last read."""

    resource: str
    metric: str
    norm: str
    replicas: tuple[int, int]
    making: str = ""
    """The operation that still creates it, or empty."""

    @property
    def is_normalized(self) -> bool:
        """Whether vectors are scaled to length 1."""
        return self.norm == "UNIT_L2_NORM"


def index_of(settings: VertexSettings, name: str) -> str:
    """The resource name of a collection's index."""
    return f"{collection_of(settings, name)}/indexes/{name}"


def find_index(settings: VertexSettings, name: str) -> v1.Index | None:
    """The index of a collection that has its name, whoever made it, or None."""
    try:
        with calling(f"read the index of collection {name}"):
            return connect(settings).collections.get_index(
                name=index_of(settings, name), timeout=CALL_SECONDS, retry=None
            )
    except NotFound:
        return None


@step("read the index of collection {name}")
def read_collection_index(settings: VertexSettings, name: str) -> CollectionIndexState | None:
    """The index of a collection, if it has ours and it is done."""
    there = find_index(settings, name)
    if there is None:
        return None
    state = _state(settings, there)
    return None if state.making else state


@step("look at the index of collection {spec.name} before it is changed")
def read_collection_index_to_change(
    settings: VertexSettings, spec: CollectionIndexSpec, deadline: Deadline
) -> CollectionIndexState | None:
    """The index, if there is one, seen to be what the specification wants.

    Raises:
        CannotChangeInPlace: it is there with another configuration.
        NotOurs: somebody else made it.
        InvalidInput: the replicas contradict each other.
    """
    settle(settings, index_of(settings, spec.name), deadline)
    there = find_index(settings, spec.name)
    if there is None:
        spec.replicas()
        return None
    state = _checked(settings, spec, there)
    spec.replicas(state.replicas)
    return state


@step("ensure the index of collection {spec.name}")
def ensure_collection_index(
    settings: VertexSettings, spec: CollectionIndexSpec, deadline: Deadline
) -> Ensured[CollectionIndexState]:
    """The index of this specification, created unless it is there or on its way; replicas are changed in place.

    Raises:
        CannotChangeInPlace, NotOurs, InvalidInput: as `read_collection_index_to_change`.
    """
    resource = index_of(settings, spec.name)
    settle(settings, resource, deadline)
    there = find_index(settings, spec.name)
    if there is None:
        index = spec.message()
        index.labels = marks(spec.name, spec.spec)
        try:
            with calling(f"create the index of collection {spec.name}"):
                connect(settings).collections.create_index(
                    parent=collection_of(settings, spec.name),
                    index_id=spec.name,
                    index=index,
                    timeout=CALL_SECONDS,
                    retry=None,
                )
        except AlreadyExists:
            say(f"The index of collection {spec.name} was created in the meantime.")
        return Ensured(_checked(settings, spec, _found(settings, spec.name)), "created")
    state = _checked(settings, spec, there)
    if state.making:
        return Ensured(state, "adopted")
    wanted = spec.replicas(state.replicas)
    if wanted == state.replicas:
        return Ensured(state)
    _change_replicas(settings, spec, wanted, deadline)
    return Ensured(_checked(settings, spec, _found(settings, spec.name)), "changed")


@step("wait for the index of collection {spec.name}")
def wait_for_collection_index(
    settings: VertexSettings,
    spec: CollectionIndexSpec,
    state: CollectionIndexState,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> CollectionIndexState:
    """The index, once its creation has ended.

    Raises:
        OperationFailed: the creation failed.
        DeadlinePassed: it keeps running; the same command follows it again.
    """
    if state.making:
        what = f"create the index of collection {spec.name}"
        follow(
            settings,
            state.making,
            what,
            deadline,
            usual=USUAL_CREATE_SECONDS,
            when_interrupted=when_interrupted,
        )
    return _checked(settings, spec, _found(settings, spec.name))


def _change_replicas(
    settings: VertexSettings, spec: CollectionIndexSpec, wanted: tuple[int, int], deadline: Deadline
) -> None:
    doing = f"change the replicas of the index of collection {spec.name}"
    least, most = wanted
    changed = v1.Index(
        name=index_of(settings, spec.name),
        dedicated_infrastructure=v1.DedicatedInfrastructure(
            autoscaling_spec=v1.DedicatedInfrastructure.AutoscalingSpec(
                min_replica_count=least, max_replica_count=most
            )
        ),
    )
    paths = [f"{_REPLICAS}.min_replica_count", f"{_REPLICAS}.max_replica_count"]
    with calling(doing):
        operation = connect(settings).collections.update_index(
            index=changed, update_mask=field_mask_pb2.FieldMask(paths=paths), timeout=CALL_SECONDS, retry=None
        )
    follow(settings, operation.operation.name, doing, deadline)


def _found(settings: VertexSettings, name: str) -> v1.Index:
    there = find_index(settings, name)
    if there is None:
        said = "it is gone"
        raise NotFound(
            f"read the index of collection {name}", service="Google Cloud", status="NOT_FOUND", said=said
        )
    return there


def _checked(settings: VertexSettings, spec: CollectionIndexSpec, there: v1.Index) -> CollectionIndexState:
    refuse_stranger(there, spec.name)
    if there.labels.get("spec") != spec.spec:
        present, wanted = _shown(there), _shown(spec.message())
        for field, value in wanted.items():
            if present[field] != value:
                raise CannotChangeInPlace(
                    "index of the collection",
                    spec.name,
                    field=field,
                    there=present[field],
                    wanted=value,
                    remedy=REMEDY,
                )
    return _state(settings, there)


def _shown(index: v1.Index) -> dict[str, object]:
    """What a specification decides, under the names of its options."""
    return {
        "vector_field": index.index_field,
        "distance_metric": index.distance_metric.name,
        "feature_norm": index.dense_scann.feature_norm_type.name,
        "mode": index.dedicated_infrastructure.mode.name,
        "filter_fields": sorted(index.filter_fields),
        "store_fields": sorted(index.store_fields),
    }


def _state(settings: VertexSettings, there: v1.Index) -> CollectionIndexState:
    making = [each.name for each in unfinished_of(settings, there.name) if each.verb == "create"]
    spec = there.dedicated_infrastructure.autoscaling_spec
    return CollectionIndexState(
        resource=there.name,
        metric=there.distance_metric.name,
        norm=there.dense_scann.feature_norm_type.name,
        replicas=(spec.min_replica_count, spec.max_replica_count),
        making=making[0] if making else "",
    )
