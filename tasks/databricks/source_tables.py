"""The source table of a Delta Sync index: made, marked, filled from a data file, removed.

Its marks are table properties, so that what the table holds is known without reading it. A load writes the rows as one Parquet file
into a volume and replaces the table's content by one statement, which the change data feed carries into the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tasks.calls import NotFound
from tasks.databricks.clients import connect
from tasks.databricks.data import RowSource, plain_rows
from tasks.databricks.errors import AlreadyExists, calling
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, IndexSpec, table_name
from tasks.databricks.statements import execute, quoted, text
from tasks.databricks.texts import TextSource
from tasks.errors import CannotChangeInPlace, NotOurs
from tasks.marks import is_ours, marks
from tasks.outcomes import Ensured
from tasks.settings import home
from tasks.steps import step
from tasks.vertex.data.formats.errors import PyarrowMissing
from tasks.waiting import Deadline

CHANGE_DATA_FEED = "delta.enableChangeDataFeed"
VOLUME = "vector_search_ops"
"""The volume that data files go through; made in the schema if it is not there."""
_PREFIX = "vector_search_ops."
_SQL = {
    "string": "STRING",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "array<float>": "ARRAY<FLOAT>",
}


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A source table as it was last read."""

    name: str
    full_name: str
    columns: Mapping[str, str]
    """The type of each, in the order of the table."""
    content: str
    """Hash of the data that it holds; empty until all of it is there."""


def find_table(settings: DatabricksSettings, name: str, version: str = FIRST) -> SourceTable | None:
    """Our source table of a version of a name, or None.

    Raises:
        NotOurs: somebody else made it.
    """
    full_name = table_name(settings.catalog_schema, name, version)
    try:
        with calling(f"read table {full_name}"):
            there = connect(settings).tables.get(full_name)
    except NotFound:
        return None
    properties = there.properties or {}
    found = {key.removeprefix(_PREFIX): value for key, value in properties.items() if key.startswith(_PREFIX)}
    if not is_ours(found, name):
        raise NotOurs("table", full_name, resource=settings.host, remedy="Choose another --name.")
    in_order = sorted(there.columns or (), key=lambda column: column.position or 0)
    columns = {column.name or "": (column.type_text or "").upper() for column in in_order}
    return SourceTable(name=name, full_name=full_name, columns=columns, content=found.get("content", ""))


@step("read the source table of {name}")
def read_table(settings: DatabricksSettings, name: str, version: str) -> SourceTable | None:
    """As `find_table`, and tried again."""
    return find_table(settings, name, version)


def check_table(spec: IndexSpec, there: SourceTable) -> None:
    """See that a source table has the columns that an index needs.

    Raises:
        CannotChangeInPlace: it has others.
    """
    wanted = _columns(spec)
    if dict(there.columns) != wanted:
        raise CannotChangeInPlace(
            "table", there.full_name, field="columns", there=dict(there.columns), wanted=wanted,
            remedy="Choose another --name, or tear this one down first.",
        )  # fmt: skip


@step("ensure source table of {spec.name}")
def ensure_table(settings: DatabricksSettings, spec: IndexSpec, deadline: Deadline) -> Ensured[SourceTable]:
    """The source table of an index, created unless it is there.

    Raises:
        CannotChangeInPlace: it has other columns.
        NotOurs: somebody else made it.
        StatementFailed: the warehouse refused it.
    """
    there = find_table(settings, spec.name, spec.version)
    created = there is None
    if there is None:
        full_name = table_name(settings.catalog_schema, spec.name, spec.version)
        columns = ", ".join(f"`{name}` {kind}" for name, kind in _columns(spec).items())
        wanted = {CHANGE_DATA_FEED: "true", **_marked(marks(spec.name, spec.spec))}
        execute(
            settings,
            f"create table {full_name}",
            f"CREATE TABLE IF NOT EXISTS {quoted(full_name)} ({columns}) USING DELTA TBLPROPERTIES ({_listed(wanted)})",
            deadline,
        )
        there = find_table(settings, spec.name, spec.version)
        if there is None:
            raise NotFound(
                f"read table {full_name}", service="Databricks", status="TABLE_NOT_FOUND", said="it is gone"
            )
    check_table(spec, there)
    return Ensured(there, "created" if created else "nothing")


@step("load rows into source table of {spec.name}")
def apply_table_rows(
    settings: DatabricksSettings,
    spec: IndexSpec,
    source: RowSource | TextSource,
    content: str,
    deadline: Deadline,
) -> None:
    """Replace the rows of a source table by those of a validated file, and mark what it holds.

    Raises:
        PyarrowMissing: the rows cannot be written as Parquet.
        StatementFailed: the warehouse refused it.
    """
    full_name = table_name(settings.catalog_schema, spec.name, spec.version)
    file = home() / "work" / settings.where / spec.name / f"{content}.parquet"
    path = _upload_path(settings, spec.name, spec.version)
    try:
        _write(file, spec, source)
        _ensure_volume(settings)
        with file.open("rb") as contents, calling(f"upload {file.name}"):
            connect(settings).files.upload(path, contents, overwrite=True)
    finally:
        file.unlink(missing_ok=True)
    there = find_table(settings, spec.name, spec.version)
    # The statement matches columns by their place, and an earlier build may have named them in another order.
    columns = ", ".join(f"`{name}`" for name in (there.columns if there else spec.columns))
    execute(
        settings,
        f"replace the rows of table {full_name}",
        f"INSERT OVERWRITE {quoted(full_name)} SELECT {columns} FROM read_files({text(path)}, format => 'parquet')",  # noqa: S608 -- names are quoted
        deadline,
    )
    mark = _listed(_marked({"content": content}))
    execute(
        settings,
        f"mark what table {full_name} holds",
        f"ALTER TABLE {quoted(full_name)} SET TBLPROPERTIES ({mark})",
        deadline,
    )
    _forget_upload(settings, path)


@step("count the rows of the source table of {name}")
def read_row_count(settings: DatabricksSettings, name: str, deadline: Deadline, version: str = FIRST) -> int:
    """How many rows the source table of a version of a name has."""
    full_name = table_name(settings.catalog_schema, name, version)
    ((count,),) = execute(
        settings,
        f"count the rows of table {full_name}",
        f"SELECT count(*) FROM {quoted(full_name)}",  # noqa: S608 -- the name is quoted
        deadline,
    )
    return int(count)


@step("remove source table of {name}")
def remove_table(settings: DatabricksSettings, name: str, version: str = FIRST) -> tuple[str, ...]:
    """Remove the source table that we made.

    Returns:
        Its full name, if it was there.

    Raises:
        NotOurs: somebody else made it.
    """
    there = find_table(settings, name, version)
    if there is None:
        return ()
    # First: without the table nobody would look for it.
    _forget_upload(settings, _upload_path(settings, name, version))
    try:
        with calling(f"delete table {there.full_name}"):
            connect(settings).tables.delete(there.full_name)
    except NotFound:
        pass
    return (there.full_name,)


def _upload_path(settings: DatabricksSettings, name: str, version: str) -> str:
    """One for each version of a name: what a killed run left is written over."""
    file = name if version == FIRST else f"{name}_{version}"
    return f"/Volumes/{settings.catalog_schema.replace('.', '/')}/{VOLUME}/{file}.parquet"


def _forget_upload(settings: DatabricksSettings, path: str) -> None:
    try:
        with calling(f"delete the uploaded file {path}"):
            connect(settings).files.delete(path)
    except NotFound:
        pass


def _columns(spec: IndexSpec) -> dict[str, str]:
    return {name: _SQL[kind] for name, kind in spec.columns.items()}


def _marked(found: Mapping[str, str]) -> dict[str, str]:
    return {f"{_PREFIX}{key}": value for key, value in found.items()}


def _listed(properties: Mapping[str, str]) -> str:
    return ", ".join(f"{text(key)} = {text(value)}" for key, value in properties.items())


def _ensure_volume(settings: DatabricksSettings) -> None:
    from databricks.sdk.service.catalog import VolumeType  # noqa: PLC0415

    catalog, _, schema = settings.catalog_schema.partition(".")
    volumes, name = connect(settings).volumes, f"{settings.catalog_schema}.{VOLUME}"
    try:
        with calling(f"read volume {name}"):
            volumes.read(name)
    except NotFound:
        try:
            with calling(f"create volume {name}"):
                volumes.create(
                    catalog, schema, VOLUME, VolumeType.MANAGED, comment="Made by vector-search-ops."
                )
        except AlreadyExists:
            pass


def _write(file: Path, spec: IndexSpec, source: RowSource | TextSource) -> None:
    """The rows as one Parquet file."""
    try:
        import pyarrow as pa  # noqa: PLC0415 -- optional, and slow to load
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise PyarrowMissing(source.data, kind="What goes into a source table") from error
    kinds = {"string": pa.string(), "long": pa.int64(), "float": pa.float32(), "double": pa.float64()}
    vectors = pa.list_(pa.float32())
    schema = pa.schema([pa.field(name, kinds.get(kind, vectors)) for name, kind in spec.columns.items()])
    file.parent.mkdir(parents=True, exist_ok=True)
    with parquet.ParquetWriter(file, schema) as writer:
        for rows in _parts(spec, source):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _parts(spec: IndexSpec, source: RowSource | TextSource) -> Iterator[list[dict[str, object]]]:
    rows = source.rows() if isinstance(source, TextSource) else plain_rows(source, spec.vector_column)
    while part := list(islice(rows, _AT_ONCE)):
        yield part


_AT_ONCE = 4096
"""Rows written together."""
