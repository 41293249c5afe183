"""Indexes: ensured, waited for, removed. What they hold changes in tasks/vertex/resources/contents.py.

Endpoints are not its business: the service refuses to delete a deployed index, which is undeployed elsewhere first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from google.cloud.aiplatform_v1 import Index, IndexServiceClient
from google.protobuf import field_mask_pb2, json_format, struct_pb2

from tasks.errors import CannotChangeInPlace
from tasks.interruption import WhenInterrupted
from tasks.outcomes import Ensured
from tasks.plurals import counted_each
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.imports.storage import content_of
from tasks.vertex.machines import DEFAULT_SHARD_SIZE
from tasks.vertex.marks import labels_of
from tasks.vertex.operations.adoption import (
    Kind,
    Made,
    find_or_create,
    find_ours,
    find_to_change,
    the_one,
    version_of,
)
from tasks.vertex.operations.operations import follow, own_id
from tasks.vertex.operations.removal import remove_all, remove_twins
from tasks.vertex.resources.encryption import encryption, refuse_other_key
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST, IndexSpec, ShardSize
from tasks.waiting import Deadline

USUAL_CREATE_SECONDS = 30 * 60.0
"""Google's vertex-ai-samples say "about 30 minutes", whatever the size."""


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """An index as it was last read."""

    resource: str
    config: dict[str, Any]
    """The `config` of its metadata."""
    update_method: str
    content: str
    """Hash of the data that it was built or last overwritten from; empty when unknown."""
    coming: str
    """Hash of the data that an overwrite began to bring; empty when none is under way or was left half done."""
    overwritten: int
    """The update_time of the operation of the last overwrite or import, nanoseconds since 1970; 0 for never. Deployed copies follow."""
    vectors_count: int
    deployed: tuple[tuple[str, str], ...]
    """(endpoint, deployed index id) of every deployed copy."""
    making: str
    """The operation that still creates it, or empty."""
    version: str = FIRST
    spec: str = ""
    """Hash of the configuration that it was created from."""
    sparse_vectors_count: int = 0
    importing: str = ""
    """The folder of import files that an import began to bring; empty when none is under way or was left half done."""
    imported: str = ""
    """Hash of what the last import brought on top of `content`; empty if there was none since."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """All of them, our marks too."""
    endpoint_name: str = ""
    """What its endpoint was created under, if that is not its own name."""

    def elsewhere(self, endpoint: str) -> str:
        """Where it is deployed besides this endpoint, in words; empty where it is not."""
        return " and ".join(
            f"as {id_} on the endpoint {other}"
            for other, id_ in self.deployed
            if own_id(other) != own_id(endpoint)
        )

    @property
    def size(self) -> str:
        """How many vectors it has, by its statistics."""
        return counted_each((self.vectors_count, "vector"), (self.sparse_vectors_count, "sparse vector"))

    @property
    def shard_size(self) -> ShardSize:
        """Of its shards; the service's default where it shows none."""
        return self.config.get("shardSize") or DEFAULT_SHARD_SIZE

    @property
    def files(self) -> set[str]:
        """The contents whose import files it was or may still be made from, and the delta that is being imported."""
        return {self.content, self.coming, content_of(self.importing)} - {""}


def _list(settings: VertexSettings, filter_: str) -> Iterable[Index]:
    with calling(f"list the indexes of {settings.parent}"):
        request = {"parent": settings.parent, "filter": filter_}
        return list(_client(settings).list_indexes(request, timeout=CALL_SECONDS))


def _get(settings: VertexSettings, resource: str) -> Index:
    with calling(f"read {resource}"):
        return _client(settings).get_index(name=resource, timeout=CALL_SECONDS)


def _delete(settings: VertexSettings, resource: str) -> str:
    with calling(f"delete {resource}"):
        return _client(settings).delete_index(name=resource, timeout=CALL_SECONDS, retry=None).operation.name


def _client(settings: VertexSettings) -> IndexServiceClient:
    return connect(settings).indexes


INDEXES: Kind[Index] = Kind(noun="index", create="CreateIndex", list=_list, get=_get, delete=_delete)
"""The indexes of every version."""


def indexes_of(version: str) -> Kind[Index]:
    """The indexes of one version: twins are of the same."""
    return replace(INDEXES, version=version)


@step("read the indexes of {name}")
def read_indexes(settings: VertexSettings, name: str, deadline: Deadline) -> dict[str, IndexState]:
    """The index of every version that we made under a name, by version, the oldest first."""
    return by_version(find_ours(settings, INDEXES, name, deadline))


def by_version(found: list[Made[Index]]) -> dict[str, IndexState]:
    """The index of every version among these, the oldest first."""
    there: dict[str, IndexState] = {}
    for version in dict.fromkeys(version_of(made.resource) for made in found):
        one = the_one(INDEXES, [made for made in found if version_of(made.resource) == version])
        if one is not None:
            there[version] = index_state(one)
    return there


@step("look at index {spec.name} before it is changed")
def read_index_to_change(settings: VertexSettings, spec: IndexSpec, deadline: Deadline) -> IndexState | None:
    """The index of this name, if there is one, seen to be what the specification wants.

    Raises:
        CannotChangeInPlace: it is there with another configuration.
        NotOurs: there is none, and an index of that name that we did not make.
    """
    made = find_to_change(
        settings, indexes_of(spec.version), spec.name, deadline, partial(_refuse_difference, spec)
    )
    return None if made is None else index_state(made)


@step("ensure index {spec.name}")
def ensure_index(
    settings: VertexSettings,
    spec: IndexSpec,
    *,
    contents_uri: str,
    content: str,
    deadline: Deadline,
    labels: Mapping[str, str] | None = None,
) -> Ensured[IndexState]:
    """The index of this specification, created from the import files unless it is there or on its way.

    Args:
        settings: the target.
        spec: what is wanted.
        contents_uri: the gs:// folder of import files; empty for an index that starts empty.
        content: hash of the data in it; the create imports it, so an index that exists holds it.
        deadline: bounds the look for half-made ones.
        labels: the user's own, if it is created; of one that is there `ensure_index_labels` changes them.

    Raises:
        CannotChangeInPlace: it is there with another configuration.
        NotOurs: an index of that name is there that we did not make.
    """
    metadata: dict[str, Any] = {"config": spec.config()}
    if contents_uri:
        metadata["contentsDeltaUri"] = contents_uri
    index = Index(
        display_name=spec.name,
        metadata=metadata_value(metadata),
        index_update_method=Index.IndexUpdateMethod[spec.update_method],
        labels={**(labels or {}), **labels_of(spec, **_own_marks(spec), content=content)},
        encryption_spec=encryption(spec.kms_key),
    )

    def create() -> str:
        creation = _client(settings).create_index(
            parent=settings.parent, index=index, timeout=CALL_SECONDS, retry=None
        )
        return creation.operation.name

    ensured = find_or_create(settings, indexes_of(spec.version), spec.name, create, deadline)
    _refuse_difference(spec, ensured.there.resource)
    return Ensured(index_state(ensured.there), ensured.did)


@step("wait for index {spec.name}")
def wait_for_index(
    settings: VertexSettings,
    spec: IndexSpec,
    index: IndexState,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> IndexState:
    """The index, once its creation has ended.

    Raises:
        OperationFailed: with every invalid record that the service reported.
        DeadlinePassed: the creation keeps running; the same command follows it again.
    """
    if index.making:
        follow(
            settings,
            index.making,
            f"create index {spec.name}",
            deadline,
            usual=USUAL_CREATE_SECONDS,
            when_interrupted=when_interrupted,
        )
    return read_again(settings, index.resource)


@step("remove twins of index {spec.name}")
def remove_index_twins(
    settings: VertexSettings, spec: IndexSpec, keep: str, deadline: Deadline
) -> tuple[str, ...]:
    """Remove what a lost reply left double: same name and specification, nothing deployed. Returns what went.

    Raises:
        PermanentError: a twin is deployed; which one is wanted cannot be guessed.
    """
    return remove_twins(settings, indexes_of(spec.version), spec.name, keep, deadline)


@step("remove index {name}")
def remove_index(
    settings: VertexSettings, name: str, deadline: Deadline, version: str | None = None
) -> tuple[str, ...]:
    """Remove every index that we made under a name, or those of one version, and end what would still make one.

    Returns:
        The names of those that went.
    """
    return remove_all(settings, replace(INDEXES, version=version), name, deadline)


def _own_marks(spec: IndexSpec) -> dict[str, str]:
    version = {} if spec.version == FIRST else {"version": spec.version}
    shares = spec.endpoint_name not in (None, spec.name)
    return version | ({"endpoint": str(spec.endpoint_name)} if shares else {})


def _refuse_difference(spec: IndexSpec, there: Index) -> None:
    # What we created from the same specification is the same, whatever configuration the service shows.
    if there.labels.get("spec") == spec.spec:
        return
    remedy = (
        "Choose another --name, build a new version beside it with --as-version, or tear this one down first."
    )
    method = there.index_update_method.name
    if method != spec.update_method:
        raise CannotChangeInPlace(
            "index", spec.name, field="update_method", there=method, wanted=spec.update_method, remedy=remedy
        )
    refuse_other_key("index", spec.name, there.encryption_spec.kms_key_name, spec.kms_key, remedy=remedy)
    if (difference := spec.difference(_metadata(there).get("config", {}))) is not None:
        field, present, wanted = difference
        raise CannotChangeInPlace(
            "index", spec.name, field=field, there=present, wanted=wanted, remedy=remedy
        )


def read_again(settings: VertexSettings, resource: str) -> IndexState:
    """An index that is known to be there, read once more."""
    return index_state(Made(_get(settings, resource), None))


def index_state(made: Made[Index]) -> IndexState:
    """What was read of an index, as a value."""
    index, metadata = made.resource, _metadata(made.resource)
    return IndexState(
        resource=index.name,
        config=metadata.get("config") or {},
        update_method=index.index_update_method.name,
        content=index.labels.get("content", ""),
        coming=index.labels.get("coming", ""),
        overwritten=int(index.labels.get("overwritten", 0)),
        vectors_count=index.index_stats.vectors_count,
        sparse_vectors_count=index.index_stats.sparse_vectors_count,
        deployed=tuple((ref.index_endpoint, ref.deployed_index_id) for ref in index.deployed_indexes),
        making=made.making.name if made.making is not None else "",
        version=version_of(index),
        spec=index.labels.get("spec", ""),
        importing=index.labels.get("importing", ""),
        imported=index.labels.get("imported", ""),
        labels=dict(index.labels),
        endpoint_name=index.labels.get("endpoint", ""),
    )


def begin_update(settings: VertexSettings, index: Index, field: str, doing: str) -> str:
    """Begin to change one field of an index. Returns the operation."""
    mask = field_mask_pb2.FieldMask(paths=[field])
    with calling(doing):
        update = _client(settings).update_index(
            index=index, update_mask=mask, timeout=CALL_SECONDS, retry=None
        )
    return update.operation.name


def metadata_value(metadata: dict[str, Any]) -> struct_pb2.Value:
    """The metadata of an index as a message."""
    return json_format.ParseDict(metadata, struct_pb2.Value())


def _metadata(index: Index) -> dict[str, Any]:
    raw = Index.pb(index).metadata
    return json_format.MessageToDict(raw) if raw.WhichOneof("kind") == "struct_value" else {}
