"""Indices: read, ensured with their mapping and our mark, set to their final settings, removed.

An index is created for the load: no refresh, no replicas. The final settings need not be remembered: they are in the
specification and are set last. Documents and aliases are moved elsewhere.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from elastic_transport import ConnectionTimeout

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell
from tasks.elastic.cluster.reindex_tasks import end_tasks
from tasks.elastic.cluster.serverless import is_serverless
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import SERVICE, BadRequest, calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import IndexSpec
from tasks.errors import CannotChangeInPlace, InvalidInput, NotOurs
from tasks.marks import is_ours, marks
from tasks.outcomes import Ensured
from tasks.plurals import counted
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, came_late

LOAD_SETTINGS: dict[str, Any] = {"refresh_interval": "-1", "number_of_replicas": 0}
"""During the load, as Elastic advises for indexing speed."""
ADOPTED = "adopted"
"""The `spec` of an index that somebody else created: what it was made from is not known."""
_FORBIDDEN = 403
_MOST_SECONDS = 30.0
_UNITS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
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
    """As shown; a serverless project may show neither: 1 and 0."""
    refresh_interval: str | None
    default_pipeline: str | None
    final_pipeline: str | None
    mapping: dict[str, Any]
    """Beside its fields and `_meta`: `dynamic` and its like."""
    settings: dict[str, Any]
    """Those that its fields rest on, as `IndexSpec` has them."""
    created: datetime

    @property
    def ours(self) -> bool:
        """Whether it carries our mark."""
        return is_ours(self.meta, self.name)

    @property
    def adopted(self) -> bool:
        """Whether somebody else created it, and it was marked later."""
        return self.ours and self.meta.get("spec") == ADOPTED

    @property
    def content(self) -> str:
        """Hash of the data that it holds; empty until all of it is there."""
        return str(self.meta.get("content", ""))

    @property
    def previous(self) -> str:
        """The index that the alias pointed at before this one; empty if none."""
        return str(self.meta.get("previous", ""))


@step("read index {name}")
def read_index(settings: ElasticSettings, name: str) -> IndexState | None:
    """An index by its name or by an alias that points at it alone, or None."""
    try:
        with calling(f"read the index {name}"):
            found: dict[str, Any] = connect(settings).indices.get(index=name).body
    except NotFound:
        return None
    return index_state(*next(iter(found.items()))) if len(found) == 1 else None


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
    chosen: dict[str, Any] = {**spec.settings}
    if not is_serverless(settings):  # where shards, replicas and the pace of refreshes are Elastic's
        chosen |= {**LOAD_SETTINGS, "number_of_shards": spec.shards}
        if spec.replicas is None:
            del chosen["number_of_replicas"]
    if spec.default_pipeline:
        chosen["default_pipeline"] = spec.default_pipeline
    meta = {**spec.mapping.get("_meta", {}), **marks(spec.name, spec.spec, made_from=spec.made_from)}
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
    """Set the final replicas, refresh interval and default pipeline. In a serverless project there are no replicas to set."""
    there = index_of_ours(settings, spec.name)
    wanted: dict[str, Any] = {}
    serverless = is_serverless(settings)
    if spec.replicas is not None and there.replicas != spec.replicas and not serverless:
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
    put_marks(settings, name, meta)
    return True


def put_marks(settings: ElasticSettings, name: str, meta: dict[str, Any]) -> None:
    """Replace all of an index's `_meta`, and do not leave behind a call that may still be carried out."""
    with calling(f"mark the index {name}"):
        try:
            connect(settings).indices.put_mapping(index=name, meta=meta)
        except ConnectionTimeout:
            # Tried again at once, the first call could be carried out after the mark that comes next, and undo it.
            if not _is_marked_late(settings, name, meta):
                raise


def _is_marked_late(settings: ElasticSettings, name: str, meta: dict[str, Any]) -> bool:
    def marked() -> IndexState | None:
        there = read_index.fn(settings, name)
        return there if there is not None and there.meta == meta else None

    return came_late(f"see whether the index {name} is marked after all", marked) is not None


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
    """How many documents a search sees.

    Raises:
        ServiceUnwell: a shard did not answer, whose documents the service leaves out without an error.
    """
    doing = f"count the documents of {index}"
    with calling(doing):
        found = connect(settings).count(index=index, query=query or {"match_all": {}})
    if failed := found["_shards"]["failed"]:
        said = f"{failed} of {counted(found['_shards']['total'], 'shard')} did not answer"
        raise ServiceUnwell(doing, service=SERVICE, status=200, type="partial shard failures", said=said)
    return found["count"]


@step("count the documents of {index}")
def read_number(settings: ElasticSettings, index: str) -> int:
    """How many documents a search sees."""
    return count(settings, index)


def refresh(settings: ElasticSettings, index: str) -> None:
    """Make what was written visible to searches."""
    with calling(f"refresh the index {index}"):
        connect(settings).indices.refresh(index=index)


def refresh_source(settings: ElasticSettings, index: str) -> None:
    """Make what was written into somebody else's index visible to searches, or wait until it is.

    Without the index privilege `maintenance` it may not be refreshed; then the cluster does it by itself, after the index's
    `refresh_interval` (1 s by default), which is waited for, up to half a minute.

    Args:
        settings: the cluster that the index is in.
        index: an index, an alias or a data stream, or several with commas between.
    """
    try:
        refresh(settings, index)
    except ServiceRefused as error:
        if error.status != _FORBIDDEN:
            raise
        interval = _refresh_seconds(settings, index)
        if interval is None:
            say(
                f"{index} may not be refreshed (index privilege maintenance) and does not refresh by itself (refresh_interval -1): "
                "documents that no search sees yet are left out."
            )
            return
        seconds = min(interval, _MOST_SECONDS)
        say(
            f"{index} may not be refreshed (index privilege maintenance). Waiting {seconds:.0f} s, in which it refreshes by itself."
        )
        count(settings, index)  # an index that nobody searches refreshes only when it is searched again
        time.sleep(seconds)


def _refresh_seconds(settings: ElasticSettings, index: str) -> float | None:
    """The longest `refresh_interval` of some indices, in seconds; None if one has none."""
    with calling(f"read the index {index}"):
        found: dict[str, Any] = connect(settings).indices.get(index=index).body
    intervals = [raw["settings"]["index"].get("refresh_interval", "1s") for raw in found.values()]
    if any(each.startswith("-") for each in intervals):
        return None
    return max((_in_seconds(each) for each in intervals), default=1.0)


def _in_seconds(duration: str) -> float:
    """A duration as Elasticsearch writes it: `500ms`, `1s`, `2m`, `1h`."""
    number = duration.rstrip("abcdefghijklmnopqrstuvwxyz")
    return float(number) * _UNITS.get(duration[len(number) :], 1.0)


def indices_of_ours(settings: ElasticSettings) -> list[IndexState]:
    """Every index that carries our mark, by name; also one that somebody has closed, which a teardown removes too."""
    with calling("list the indices"):
        found: dict[str, Any] = (
            connect(settings).indices.get(index="*", expand_wildcards=["open", "closed"]).body
        )
    states = (index_state(name, raw) for name, raw in sorted(found.items()))
    return [state for state in states if state.ours]


def index_state(name: str, raw: dict[str, Any]) -> IndexState:
    """An index from the answer of the API."""
    chosen: dict[str, Any] = raw["settings"]["index"]
    return IndexState(
        name=name,
        uuid=chosen["uuid"],
        meta=raw["mappings"].get("_meta") or {},
        properties=raw["mappings"].get("properties") or {},
        aliases=tuple(sorted(raw.get("aliases") or {})),
        shards=int(chosen.get("number_of_shards", 1)),
        replicas=int(chosen.get("number_of_replicas", 0)),
        refresh_interval=chosen.get("refresh_interval"),
        default_pipeline=chosen.get("default_pipeline"),
        final_pipeline=chosen.get("final_pipeline"),
        mapping={name: raw["mappings"][name] for name in _BESIDE_FIELDS if name in raw["mappings"]},
        settings={name: chosen[name] for name in _UNDER_FIELDS if name in chosen},
        created=datetime.fromtimestamp(int(chosen["creation_date"]) / 1000, UTC),
    )


def _refuse_stranger(name: str, there: IndexState) -> None:
    if not there.ours or there.name != name:
        remedy = "Choose another name."
        if there.name == name:
            remedy = f"Choose another name, or let `{command('elastic load', name=name, data='FILE', adopt=True)}` mark it as one to load into."
        raise NotOurs("index", name, resource=f"uuid {there.uuid}", remedy=remedy)


def _refuse_difference(spec: IndexSpec, there: IndexState) -> None:
    _refuse_stranger(spec.name, there)
    if there.meta.get("spec") == spec.spec:
        return
    differences: list[tuple[str, Any, Any]] = [
        ("shards", there.shards, spec.shards),
        ("made_from", there.meta.get("made_from") or {}, spec.made_from),
    ]
    if not spec.properties.items() <= there.properties.items():
        differences.append(("properties", there.properties, spec.properties))
    beside = {name: value for name, value in spec.mapping.items() if name in _BESIDE_FIELDS}
    differences += [
        ("mapping", {name: there.mapping.get(name) for name in beside}, beside),
        ("settings", there.settings, spec.settings),
        ("properties", there.properties, spec.properties),
    ]
    field, present, wanted = next(d for d in differences if d[1] != d[2] or d is differences[-1])
    raise CannotChangeInPlace(
        "index", spec.name, field=field, there=present, wanted=wanted,
        remedy="Choose another name, or delete this index first.",
    )  # fmt: skip
