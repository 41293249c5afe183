"""The plans of upserts, removals and imports: which versions of an index would change, and what would be sent to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flows.plan import Action, Difference, Plan, Resource
from flows.vertex.build_plan import bucket
from flows.vertex.options import VertexRun
from tasks.plurals import counted
from tasks.vertex.imports.deltas import Delta
from tasks.vertex.imports.storage import content_of
from tasks.vertex.resources.contents import OverwriteUnfinished
from tasks.vertex.resources.indexes import IndexState
from tasks.vertex.resources.served import ServedIndex


def upsert_plan(
    run: VertexRun, versions: Sequence[ServedIndex], datapoints: int, *, restricts_only: bool
) -> Plan:
    """What `vertex upsert-datapoints` would do.

    Args:
        run: the run.
        versions: what the datapoints go to, the served version first.
        datapoints: how many there are.
        restricts_only: whether vectors and crowding tags stay.
    """
    replaced = (
        "of those of the same id the restricts change"
        if restricts_only
        else "those of the same id are replaced"
    )
    return run.plan(
        *(_index(each, "change") for each in versions),
        sends=f"{counted(datapoints, 'datapoint')}{_each(versions)}; {replaced}",
        sends_count=datapoints * len(versions),
        hourly_usd=0.0,
    )


def removal_plan(run: VertexRun, versions: Sequence[ServedIndex], ids: int) -> Plan:
    """What `vertex remove-datapoints` would do.

    Args:
        run: the run.
        versions: what the datapoints go from, the served version first.
        ids: how many there are.
    """
    detail = f"{counted(ids, 'id')} to remove, those that are there"
    return run.plan(*(_index(each, "change", detail) for each in versions), hourly_usd=0.0)


def import_plan(
    run: VertexRun, versions: Sequence[ServedIndex], indexes: Mapping[str, IndexState], delta: Delta
) -> Plan:
    """What `vertex import` would do.

    Args:
        run: the run.
        versions: what the delta goes to, the served version first.
        indexes: the same as they are, by version.
        delta: what is imported.

    Raises:
        OverwriteUnfinished: an overwrite of one of them was begun, which would lose the import.
    """
    resources, sent = list[Resource](), list[ServedIndex]()
    for each in versions:
        there = indexes[each.version]
        if there.coming:
            raise OverwriteUnfinished(each.name, doing="imported")
        action: Action = "keep" if there.imported == delta.id else "change"
        if there.importing:
            action = "adopt" if content_of(there.importing) == delta.id else "change"
        changed = (
            () if action == "keep" else (Difference(field="import", there=there.imported, wanted=delta.id),)
        )
        resources.append(_index(each, action, there.size, changed))
        sent += [] if action == "keep" else [each]
    return run.plan(
        *bucket(run.settings, sends=bool(sent)),
        *resources,
        sends=f"{delta}{_each(sent)}, by import files" if sent else "",
        sends_count=(delta.rows + delta.deleted) * len(sent),
        hourly_usd=0.0,
    )


def _index(
    index: ServedIndex, action: Action, detail: str = "", changed: tuple[Difference, ...] = ()
) -> Resource:
    name = f"{index.name}, version {index.version}"
    return Resource(action=action, kind="index", name=name, detail=detail, differences=changed)


def _each(versions: Sequence[ServedIndex]) -> str:
    return f" to each of {len(versions)} versions" if len(versions) > 1 else ""
