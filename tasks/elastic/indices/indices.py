"""Indices: read, ensured with their mapping and our mark, set to their final settings, removed.

An index is created for the load: no refresh, no replicas. The final settings need not be remembered: they are in the
specification and are set last. Documents and aliases are moved elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.calls import NotFound
from tasks.elastic.cluster.reindex_tasks import end_tasks
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest, calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import IndexSpec
from tasks.errors import CannotChangeInPlace, InvalidInput, NotOurs
from tasks.marks import fingerprint, is_ours, marks
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

LOAD_SETTINGS: dict[str, Any] = {"refresh_interval": "-1", "number_of_replicas": 0}
"""During the load, as Elastic advises for indexing speed."""
_BESIDE_FIELDS = (
    "dynamic",
    "date_detection",
    "numeric_detection",
    "dynamic_date_formats",
    "dynamic_templates",
    "runtime",
)
_UNDER_FIELDS = ("analysis", "similarity", "mapping")
"""A field's mapping names analyzers and similarities; many or deep fields need the limits too."""


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """An index as it was last read."""

    name: str
    uuid: str
    meta: dict[str, Any]
    properties: dict[str, Any]
    aliases: tuple[str, ...]
    shards: int
    replicas: int
    refresh_interval: str | None
    default_pipeline: str | None
    mapping: dict[str, Any]
    """Beside its fields and `_meta`: `dynamic` and its like."""
    settings: dict[str, Any]
    """Those that its fields rest on, as `IndexSpec` has them."""

    @property
    def ours(self) -> bool:
        """Whether it carries our mark."""
        return is_ours(self.meta, self.name)

    @property
    def content(self) -> str:
        """Hash of the data that it holds; empty until all of it is there."""
        return str(self.meta.get("content", ""))

    @property
    def previous(self) -> str:
        """The index that the alias pointed at before this one; empty if none."""
        return str(self.meta.get("previous", ""))


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """The documents of an index, and whether they have changed."""

    index: str
    uuid: str
    documents: int
    """Those that a search by this name sees; not the hidden ones of nested fields, which statistics count."""
    max_seq_no: int
    """The sum of the shards' largest sequence numbers: every write and every delete moves it, visible to searches or not."""
    shards: int
    fields: tuple[str, ...]
    properties: dict[str, Any]
    """Its mapping's fields as Elasticsearch spells them."""
    mapping: dict[str, Any]
    settings: dict[str, Any]
    """As in `IndexState`."""

    @property
    def content(self) -> str:
        """Twelve hex digits that change with every write."""
        return fingerprint([self.uuid, self.max_seq_no])


@step("read index {name}")
def read_index(settings: ElasticSettings, name: str) -> IndexState | None:
    """An index by its name or by an alias that points at it alone, or None."""
    try:
        with calling(f"read the index {name}"):
            found: dict[str, Any] = connect(settings).indices.get(index=name).body
    except NotFound:
        return None
    return _index_state(*next(iter(found.items()))) if len(found) == 1 else None


@step("read the documents of {name}")
def read_source(settings: ElasticSettings, name: str) -> SourceState:
    """What there is to embed.

    Raises:
        InvalidInput: there is no such index, or it is several.
    """
    client = connect(settings)
    there = read_index.fn(settings, name)
    if there is None and not _exists(settings, name):
        raise InvalidInput(
            "There is no such index",
            value=name,
            remedy=f"Load documents into it with `{command('elastic load', name=name, data='FILE.jsonl')}` first.",
        )
    with calling(f"read the documents of {name}"):
        stats: dict[str, Any] = client.indices.stats(index=name, metric="docs", level="shards").body
    if there is None or there.name not in stats["indices"]:
        raise InvalidInput(
            "This is not a single index", value=name, accepted="the name of an index, or an alias of one"
        )
    shards: dict[str, list[dict[str, Any]]] = stats["indices"][there.name]["shards"]
    copies = [copy for copies in shards.values() for copy in copies if copy["routing"]["primary"]]
    return SourceState(
        index=there.name,
        uuid=there.uuid,
        documents=count(settings, name),
        max_seq_no=sum(copy["seq_no"]["max_seq_no"] for copy in copies),
        shards=there.shards,
        fields=tuple(_paths(there.properties)),
        properties=there.properties,
        mapping=there.mapping,
        settings=there.settings,
    )


@step("read a sample of {name}")
def read_sample(
    settings: ElasticSettings, name: str, fields: Sequence[str], size: int = 3
) -> tuple[dict[str, Any], ...]:
    """Some documents of an index that have these fields, each with its `_id`.

    Raises:
        InvalidInput: no document has them all; lists the fields that exist.
    """
    query = {"bool": {"filter": [{"exists": {"field": field}} for field in fields]}}
    with calling(f"read a sample of {name}"):
        found = connect(settings).search(index=name, query=query, size=size)
    sample = tuple({**hit["_source"], "_id": hit["_id"]} for hit in found["hits"]["hits"])
    if not sample:
        there = read_index.fn(settings, name)
        raise InvalidInput(
            f"No document of the index {name} has the field", value=", ".join(fields),
            accepted=", ".join(_paths(there.properties)) if there else "",
        )  # fmt: skip
    return sample


@step("look at index {spec.name} before it is changed")
def read_index_to_change(settings: ElasticSettings, spec: IndexSpec) -> IndexState | None:
    """The index of this name, if there is one, seen to be made from this specification and for its default pipeline.

    Raises:
        CannotChangeInPlace: it differs, or its documents went through another default pipeline, or none.
        NotOurs: as `ensure_index`.
    """
    there = read_index.fn(settings, spec.name)
    if there is None:
        return None
    _refuse_difference(spec, there)
    if there.default_pipeline != spec.default_pipeline:
        raise CannotChangeInPlace(
            "index", spec.name, field="default_pipeline", there=there.default_pipeline,
            wanted=spec.default_pipeline, remedy="Choose another name, or delete this index first.",
        )  # fmt: skip
    return there


@step("ensure index {spec.name}")
def ensure_index(settings: ElasticSettings, spec: IndexSpec) -> Ensured[IndexState]:
    """The index of this specification, created ready for the load unless it exists.

    Raises:
        CannotChangeInPlace: it exists with other fields or shards, or was made from something else.
        NotOurs: an index or alias of that name exists that we did not create.
    """
    there = read_index.fn(settings, spec.name)
    if there is not None:
        _refuse_difference(spec, there)
        return Ensured(there)
    chosen: dict[str, Any] = {**spec.settings, **LOAD_SETTINGS, "number_of_shards": spec.shards}
    if spec.default_pipeline:
        chosen["default_pipeline"] = spec.default_pipeline
    meta = marks(spec.name, spec.spec, made_from=spec.made_from)
    try:
        with calling(f"create the index {spec.name}"):
            connect(settings).indices.create(
                index=spec.name,
                settings={"index": chosen},
                mappings={**spec.mapping, "_meta": meta, "properties": spec.properties},
            )
    except BadRequest:
        there = read_index.fn(settings, spec.name)
        if there is None:
            raise
        _refuse_difference(spec, there)
        return Ensured(there)
    return Ensured(index_of_ours(settings, spec.name), "created")


@step("ensure the final settings of {spec.name}")
def ensure_index_settings(settings: ElasticSettings, spec: IndexSpec) -> Ensured[IndexState]:
    """Set the final replicas, refresh interval and default pipeline."""
    there = index_of_ours(settings, spec.name)
    wanted: dict[str, Any] = {}
    if there.replicas != spec.replicas:
        wanted["number_of_replicas"] = spec.replicas
    if there.refresh_interval != spec.refresh_interval:
        wanted["refresh_interval"] = spec.refresh_interval
    if there.default_pipeline != spec.default_pipeline:
        wanted["default_pipeline"] = spec.default_pipeline
    if not wanted:
        return Ensured(there)
    with calling(f"set the final settings of {spec.name}"):
        connect(settings).indices.put_settings(index=spec.name, settings={"index": wanted})
        connect(settings).indices.refresh(index=spec.name)
    return Ensured(index_of_ours(settings, spec.name), "changed")


@step("mark the content of {name}")
def ensure_content_mark(settings: ElasticSettings, name: str, content: str) -> Ensured[str]:
    """Mark on an index which data it holds, after the data has arrived. Returns the mark."""
    return Ensured(content, "changed" if set_marks(settings, name, content=content) else "nothing")


@step("remove index {name}")
def remove_index(settings: ElasticSettings, name: str, deadline: Deadline | None = None) -> tuple[str, ...]:
    """Delete an index that we created, after ending what still writes into it. Returns its name, or nothing.

    Args:
        settings: the target.
        name: the index.
        deadline: bounds the wait for tasks of ours to end; None is a minute.

    Raises:
        NotOurs: it does not carry our mark.
        DeadlinePassed: a task did not end; the index stays.
    """
    there = read_index.fn(settings, name)
    if there is not None:
        _refuse_stranger(name, there)
    for task in end_tasks(settings, name, deadline or Deadline.after(minutes=1)):
        say(f"Cancelled the task {task}, which was writing into {name}.")
    if there is None:
        return ()
    try:
        with calling(f"delete the index {name}"):
            connect(settings).indices.delete(index=name)
    except NotFound:
        return ()
    return (name,)


def set_marks(settings: ElasticSettings, name: str, **more: Any) -> bool:
    """Add to the mark of an index of ours, or change it; None removes a mark. Returns whether that changed anything.

    Raises:
        NotOurs: it does not carry our mark.
    """
    there = index_of_ours(settings, name)
    meta = {key: value for key, value in {**there.meta, **more}.items() if value is not None}
    if meta == there.meta:
        return False
    with calling(f"mark the index {name}"):
        connect(settings).indices.put_mapping(index=name, meta=meta)
    return True


def index_of_ours(settings: ElasticSettings, name: str) -> IndexState:
    """An index that we created.

    Raises:
        InvalidInput: it does not exist.
        NotOurs: it does not carry our mark.
    """
    there = read_index.fn(settings, name)
    if there is None:
        raise InvalidInput("There is no such index", value=name)
    _refuse_stranger(name, there)
    return there


def count(settings: ElasticSettings, index: str, query: dict[str, Any] | None = None) -> int:
    """How many documents a search sees."""
    with calling(f"count the documents of {index}"):
        return connect(settings).count(index=index, query=query or {"match_all": {}})["count"]


def refresh(settings: ElasticSettings, index: str) -> None:
    """Make what was written visible to searches."""
    with calling(f"refresh the index {index}"):
        connect(settings).indices.refresh(index=index)


def indices_of_ours(settings: ElasticSettings) -> list[IndexState]:
    """Every index that carries our mark, by name."""
    with calling("list the indices"):
        found: dict[str, Any] = connect(settings).indices.get(index="*").body
    states = (_index_state(name, raw) for name, raw in sorted(found.items()))
    return [state for state in states if state.ours]


def _index_state(name: str, raw: dict[str, Any]) -> IndexState:
    chosen: dict[str, Any] = raw["settings"]["index"]
    return IndexState(
        name=name,
        uuid=chosen["uuid"],
        meta=raw["mappings"].get("_meta") or {},
        properties=raw["mappings"].get("properties") or {},
        aliases=tuple(sorted(raw.get("aliases") or {})),
        shards=int(chosen["number_of_shards"]),
        replicas=int(chosen["number_of_replicas"]),
        refresh_interval=chosen.get("refresh_interval"),
        default_pipeline=chosen.get("default_pipeline"),
        mapping={name: raw["mappings"][name] for name in _BESIDE_FIELDS if name in raw["mappings"]},
        settings={name: chosen[name] for name in _UNDER_FIELDS if name in chosen},
    )


def _exists(settings: ElasticSettings, name: str) -> bool:
    with calling(f"read the index {name}"):
        return bool(connect(settings).indices.exists(index=name))


def _refuse_stranger(name: str, there: IndexState) -> None:
    if not there.ours or there.name != name:
        raise NotOurs("index", name, resource=f"uuid {there.uuid}", remedy="Choose another name.")


def _refuse_difference(spec: IndexSpec, there: IndexState) -> None:
    _refuse_stranger(spec.name, there)
    if there.meta.get("spec") == spec.spec:
        return
    differences: list[tuple[str, Any, Any]] = [
        ("shards", there.shards, spec.shards),
        ("made_from", there.meta.get("made_from") or {}, spec.made_from),
        ("properties", there.properties, spec.properties),
    ]
    field, present, wanted = next(d for d in differences if d[1] != d[2] or d[0] == "properties")
    raise CannotChangeInPlace(
        "index", spec.name, field=field, there=present, wanted=wanted,
        remedy="Choose another name, or delete this index first.",
    )  # fmt: skip


def _paths(properties: dict[str, Any], prefix: str = "") -> list[str]:
    paths: list[str] = []
    for name, mapping in properties.items():
        if "properties" in mapping:
            paths += _paths(mapping["properties"], f"{prefix}{name}.")
        else:
            paths.append(prefix + name)
    return paths
