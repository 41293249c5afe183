"""The plans of a build, a sync and changes of rows: what would become of source table, endpoint and index."""

from __future__ import annotations

from collections.abc import Sequence

from flows.databricks.options import DatabricksRun
from flows.plan import Action, Difference, Plan, Resource
from tasks.databricks.endpoints import EndpointState
from tasks.databricks.indexes import IndexState
from tasks.databricks.marks import VersionMarks
from tasks.databricks.searches import read_present
from tasks.databricks.source_tables import check_table, read_table
from tasks.databricks.specs import IndexSpec, index_name, table_name
from tasks.databricks.texts import ValidatedTexts
from tasks.plurals import counted
from tasks.vertex.data.validation import ValidatedVectors


def build_plan(
    run: DatabricksRun,
    spec: IndexSpec,
    validated: ValidatedVectors | ValidatedTexts,
    endpoint: EndpointState | None,
    there: IndexState | None,
    *,
    cost: str,
    prunes: Sequence[str] = (),
) -> Plan:
    """What `databricks build` would do.

    Args:
        run: the run.
        spec: the index that is wanted.
        validated: the data.
        endpoint: as it is; None if there is none.
        there: the index as it is; None if there is none.
        cost: of the index, in words; empty if it is there.
        prunes: the versions that are removed afterwards.
    """
    marked = VersionMarks() if endpoint is None else endpoint.marks_of(spec.version)
    held = "" if there is None else marked.content
    sends = held != validated.content
    resources = [_table(run, spec, validated)] if spec.index_type == "DELTA_SYNC" else []
    resources.append(
        Resource(action="create" if endpoint is None else "keep", kind="endpoint", name=spec.name)
    )
    full_name = spec.full_name_in(run.settings.catalog_schema)
    embedded = (
        f"embedded by {spec.embed_with}" if spec.embed_with else counted(validated.dimensions, "dimension")
    )
    detail = f"{spec.index_type}, {embedded}"
    if there is None:
        resources.append(Resource(action="create", kind="index", name=full_name, detail=detail))
    else:
        comes = marked.coming == validated.content
        action: Action = "keep" if not sends else "adopt" if comes else "change"
        rows = Difference(field="rows", there=there.rows, wanted=validated.rows)
        content = Difference(field="content", there=held, wanted=validated.content)
        changed = (content, rows) if sends else ()
        resources.append(
            Resource(action=action, kind="index", name=full_name, detail=detail, differences=changed)
        )
    if endpoint is not None and endpoint.serves not in ("", spec.version):
        serves = Difference(field="serves", there=endpoint.serves, wanted=spec.version)
        resources.append(
            Resource(action="change", kind="served version", name=spec.name, differences=(serves,))
        )
    for version in prunes:
        name = index_name(run.settings.catalog_schema, spec.name, version)
        resources.append(Resource(action="remove", kind="index", name=name, detail=f"version {version}"))
    if cost and run.settings.is_sandbox:
        cost += " The sandbox costs nothing."
    return run.plan(
        *resources,
        sends=counted(validated.rows, "row") if sends else "",
        sends_count=validated.rows if sends else 0,
        hourly=cost,
        hourly_usd=None if cost and not run.settings.is_sandbox else 0.0,
    )


def sync_plan(run: DatabricksRun, there: IndexState, rows: int) -> Plan:
    """What `databricks sync` would do: its pipeline runs whether or not anything differs.

    Args:
        run: the run.
        there: the index as it is.
        rows: of its source table.
    """
    differs = Difference(field="rows", there=there.rows, wanted=rows)
    index = Resource(
        action="change",
        kind="index",
        name=there.full_name,
        detail="a sync runs, whether or not rows have changed",
        differences=(differs,) if there.rows != rows else (),
    )
    return run.plan(index, once="The compute of one run of the index's pipeline.", hourly_usd=0.0)


def upsert_plan(run: DatabricksRun, versions: Sequence[IndexState], rows: int) -> Plan:
    """What `databricks upsert-datapoints` would do.

    Args:
        run: the run.
        versions: the indexes that the rows go to.
        rows: how many there are.
    """
    to = f" to each of {len(versions)} versions" if len(versions) > 1 else ""
    return run.plan(
        *(Resource(action="change", kind="index", name=index.full_name) for index in versions),
        sends=f"{counted(rows, 'row')}{to}; those of the same id are replaced",
        sends_count=rows * len(versions),
        hourly_usd=0.0,
    )


def removal_plan(run: DatabricksRun, versions: Sequence[IndexState], ids: Sequence[str]) -> Plan:
    """What `databricks remove-datapoints` would do.

    Args:
        run: the run.
        versions: the indexes that the rows go from.
        ids: of the rows, each once.
    """
    resources = list[Resource]()
    for index in versions:
        there = len(read_present(run.settings, index, ids))
        detail = f"{counted(there, 'row')} to remove, {len(ids) - there:,} not there"
        action: Action = "change" if there else "keep"
        resources.append(Resource(action=action, kind="index", name=index.full_name, detail=detail))
    return run.plan(*resources, hourly_usd=0.0)


def _table(run: DatabricksRun, spec: IndexSpec, validated: ValidatedVectors | ValidatedTexts) -> Resource:
    table = read_table(run.settings, spec.name, spec.version)
    if table is None:
        name = table_name(run.settings.catalog_schema, spec.name, spec.version)
        return Resource(action="create", kind="source table", name=name, detail=validated.size)
    check_table(spec, table)
    changed: tuple[Difference, ...] = ()
    if table.content != validated.content:
        changed = (Difference(field="content", there=table.content, wanted=validated.content),)
    return Resource(
        action="change" if changed else "keep", kind="source table", name=table.full_name, differences=changed
    )
