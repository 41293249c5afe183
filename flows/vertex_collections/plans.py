"""The plans of a build and of changes of data objects: what would become of bucket, collection and index."""

from __future__ import annotations

from flows.plan import Action, Difference, Plan, Resource, differences
from flows.vertex.build_plan import bucket
from flows.vertex_collections.options import CollectionsRun
from tasks.plurals import counted
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex_collections.collections import CollectionState
from tasks.vertex_collections.indexes import CollectionIndexState
from tasks.vertex_collections.specs import CollectionIndexSpec, CollectionSpec


def build_plan(
    run: CollectionsRun,
    collection: CollectionSpec,
    index: CollectionIndexSpec | None,
    validated: ValidatedVectors,
    *,
    there: CollectionState | None,
    count: int,
    index_there: CollectionIndexState | None,
    imports: bool,
    cost: str,
) -> Plan:
    """What `vertex-collections build` would do.

    Args:
        run: the run.
        collection: the collection that is wanted.
        index: its index; None for none.
        validated: the data.
        there: the collection as it is; None if there is none.
        count: of the data objects that are there.
        index_there: the index as it is; None if there is none.
        imports: whether the data go through the bucket.
        cost: of the index, in words; empty if nothing is new.
    """
    sends = there is None or there.content != validated.content
    resources = [
        *bucket(run.settings, sends=sends and imports),
        _collection(collection, validated, there, count),
        *([_index(index, index_there)] if index else []),
    ]
    if cost and run.settings.is_sandbox:
        cost += " The sandbox costs nothing."
    way = "by import files" if imports else "in batches"
    return run.plan(
        *resources,
        sends=f"{counted(validated.rows, 'data object')} of {counted(validated.dimensions, 'dimension')}, {way}"
        if sends
        else "",
        sends_count=validated.rows if sends else 0,
        hourly=cost,
        hourly_usd=None if cost and not run.settings.is_sandbox else 0.0,
    )


def _collection(
    spec: CollectionSpec, validated: ValidatedVectors, there: CollectionState | None, count: int
) -> Resource:
    detail = (
        f"field {spec.vector_field}, {counted(validated.dimensions, 'dimension')}, {spec.distance_metric}"
    )
    if there is None:
        return Resource(action="create", kind="collection", name=spec.name, detail=detail)
    action: Action = "keep"
    changed: tuple[Difference, ...] = ()
    if there.content != validated.content:
        content = Difference(field="content", there=there.content, wanted=validated.content)
        objects = Difference(field="data objects", there=count, wanted=validated.rows)
        changed = (content, objects)
        action = "adopt" if there.making or there.coming == validated.content else "change"
    return Resource(action=action, kind="collection", name=spec.name, detail=detail, differences=changed)


def _index(spec: CollectionIndexSpec, there: CollectionIndexState | None) -> Resource:
    least, most = spec.replicas(there.replicas if there else None)
    detail = f"{least} to {most} replicas"
    if there is None:
        return Resource(action="create", kind="index", name=spec.name, detail=detail)
    now = {"min_replicas": there.replicas[0], "max_replicas": there.replicas[1]}
    changed = differences(now, {"min_replicas": least, "max_replicas": most})
    action: Action = "adopt" if there.making else "change" if changed else "keep"
    return Resource(action=action, kind="index", name=spec.name, detail=detail, differences=changed)


def upsert_plan(run: CollectionsRun, objects: int) -> Plan:
    """What `vertex-collections upsert-data-objects` would do with this many."""
    return run.plan(
        Resource(action="change", kind="collection", name=run.report.name),
        sends=f"{counted(objects, 'data object')}; those of the same id are replaced",
        sends_count=objects,
        hourly_usd=0.0,
    )


def removal_plan(run: CollectionsRun, *, going: int, absent: int) -> Plan:
    """What `vertex-collections remove-data-objects` would do with ids of which some are there and some are not."""
    return run.plan(
        Resource(
            action="change" if going else "keep",
            kind="collection",
            name=run.report.name,
            detail=f"{counted(going, 'data object')} to remove, {absent:,} not there",
        ),
        hourly_usd=0.0,
    )
