"""Indexes as they are. An index is known by its full name; its marks are on its endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from tasks.calls import NotFound
from tasks.databricks.clients import connect
from tasks.databricks.endpoints import EndpointState, own_endpoint
from tasks.databricks.errors import LoadUnderWay, NoSuchVersion, calling
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, KEY, IndexSpec, index_name, shown, version_of
from tasks.errors import CannotChangeInPlace, InvalidInput, NotOurs
from tasks.program import command
from tasks.progress import say
from tasks.steps import step

DIRECT_ACCESS = "DIRECT_ACCESS"
REMEDY = "Choose another --name, or tear this one down first."


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """An index as it was last read."""

    name: str
    version: str = FIRST
    full_name: str
    endpoint: str
    endpoint_id: str = ""
    state: str
    """`status.detailed_state`, or what `status.ready` says where there is none."""
    said: str
    rows: int
    """That are indexed."""
    index_type: str
    columns: dict[str, str]
    """The type of each; of a Delta Sync index its table has them, and here they are empty."""
    vector_column: str
    dimensions: int
    embed_with: str = ""
    """The model serving endpoint by which the service embeds texts; empty where rows have vectors."""
    text_column: str = ""
    """Of these texts."""
    source_table: str = ""
    """Of a Delta Sync index."""

    @property
    def shown(self) -> str:
        """For people: its name, and its version if it is not the first."""
        return shown(self.name, self.version)

    @property
    def is_online(self) -> bool:
        """Whether it answers queries; with a pipeline that failed it does so with old rows."""
        return self.state.startswith("ONLINE")

    @property
    def has_failed(self) -> bool:
        """Whether the service gave up making it: it answers nothing, and takes nothing."""
        return self.state == "OFFLINE_FAILED"

    @property
    def is_direct(self) -> bool:
        """Whether rows are written into it; else they come from a table."""
        return self.index_type == DIRECT_ACCESS

    @property
    def is_managed(self) -> bool:
        """Whether the service embeds texts, of rows as of queries."""
        return bool(self.embed_with)

    @property
    def data_columns(self) -> tuple[str, ...]:
        """The columns beside id and vector, and beside the text of an index that embeds it."""
        own = (KEY, self.vector_column, self.text_column)
        return tuple(column for column in self.columns if column not in own)


def find_index(settings: DatabricksSettings, name: str, version: str = FIRST) -> IndexState | None:
    """The index of a version of a name, whoever made it, or None."""
    full_name = index_name(settings.catalog_schema, name, version)
    try:
        with calling(f"read index {shown(name, version)}"):
            found = connect(settings).index(full_name)
    except NotFound:
        return None
    state = _state(name, version, found)
    if state.is_direct or state.columns:
        return state
    # An index without a choice of columns has all of its table's.
    return replace(state, columns=_table_columns(settings, state.source_table))


def _table_columns(settings: DatabricksSettings, table: str) -> dict[str, str]:
    """The columns of a source table without their types, as a Delta Sync index names them; none if it is gone."""
    try:
        with calling(f"read table {table}"):
            there = connect(settings).tables.get(table)
    except NotFound:
        return {}
    return dict.fromkeys((column.name or "" for column in there.columns or ()), "")


def list_versions(settings: DatabricksSettings, endpoint: EndpointState) -> dict[str, str | None]:
    """Which version of a name each index on its endpoint is, by its full name; None for those of others.

    A full name that looks like a version's is not enough: whatever a build makes of one, its marks are there before.
    """
    name = endpoint.name
    with calling(f"list the indexes of endpoint {name}"):
        there = [each.name or "" for each in connect(settings).indexes.list_indexes(name)]
    found = {each: version_of(each, settings.catalog_schema, name) for each in there}
    ours = None if endpoint.is_of_passages else {FIRST, *endpoint.versions}
    return {each: version if ours is None or version in ours else None for each, version in found.items()}


@step("read version {version} of index {name}")
def read_version(settings: DatabricksSettings, name: str, version: str) -> IndexState | None:
    """As `find_index`, and tried again."""
    return find_index(settings, name, version)


@step("list the versions of {endpoint.name}")
def read_listed_versions(settings: DatabricksSettings, endpoint: EndpointState) -> dict[str, str | None]:
    """As `list_versions`, and tried again."""
    return list_versions(settings, endpoint)


@step("read index {name}")
def read_index(settings: DatabricksSettings, name: str, version: str | None = None) -> IndexState:
    """The index of a name that is to be used: the version that is served, or the one that is asked for.

    Raises:
        InvalidInput: there is none that we built.
        NoSuchVersion: there is no such version.
    """
    return _read(settings, name, version)[0]


@step("read index {name} before its rows change")
def read_loaded_index(settings: DatabricksSettings, name: str) -> IndexState:
    """An index whose rows are to be changed.

    Raises:
        InvalidInput: there is none that we built.
        LoadUnderWay: a load is not done, and could overwrite the change later.
    """
    index, endpoint = _read(settings, name)
    refuse_passages(endpoint)
    if not index.is_direct:
        raise InvalidInput(
            "The rows of a Delta Sync index come from its source table", value=name, source="name",
            remedy=f"Change the table, then run `{command('databricks sync', name=name)}`.",
        )  # fmt: skip
    if not endpoint.marks_of(index.version).is_loaded:
        raise LoadUnderWay(name)
    return index


@step("look at index {spec.name} before it is changed")
def read_index_to_change(
    settings: DatabricksSettings, spec: IndexSpec
) -> tuple[EndpointState | None, IndexState | None]:
    """Our endpoint and index of this name, if they are there, seen to be what the specification wants.

    An index that failed before it held anything counts as absent: `ensure_index` makes it again.

    Raises:
        CannotChangeInPlace: the index is there with another configuration.
        NotOurs: somebody else made one of them.
        InvalidInput: the name is that of a knowledge base.
    """
    endpoint = own_endpoint(settings, spec.name)
    if endpoint is not None:
        refuse_passages(endpoint)
    index = find_index(settings, spec.name, spec.version)
    if index is not None:
        refuse_differences(settings, spec, endpoint, index)
        if endpoint is not None and index.has_failed and is_unfilled(endpoint, spec.version):
            return endpoint, None
    elif endpoint is not None and endpoint.marks_of(spec.version).is_loaded:
        say(f"The index {shown(spec.name, spec.version)} is gone; it is made again.")
    return endpoint, index


def refuse_stranger(settings: DatabricksSettings, index: IndexState, endpoint: EndpointState | None) -> None:
    """Refuse an index that is not on an endpoint of its name with our marks.

    Raises:
        NotOurs: it is not.
    """
    if index.endpoint != index.name or endpoint is None or not endpoint.is_marked:
        resource = f"{index.full_name} on endpoint {index.endpoint} of {settings.host}"
        raise NotOurs("index", index.name, resource=resource, remedy="Choose another --name.")


def is_unfilled(endpoint: EndpointState, version: str) -> bool:
    """Whether nothing was ever brought whole into a version's index, so that nothing is lost with it."""
    return endpoint.serves != version if endpoint.is_of_passages else not endpoint.marks_of(version).is_loaded


def refuse_passages(endpoint: EndpointState) -> None:
    """Refuse to change the rows of a knowledge base as if they were any rows.

    Raises:
        InvalidInput: it is one.
    """
    if endpoint.is_of_passages:
        raise InvalidInput(
            "This name is that of a knowledge base", value=endpoint.name, source="name",
            remedy="Choose another --name; `answers index` changes what a knowledge base holds.",
        )  # fmt: skip


def _read(
    settings: DatabricksSettings, name: str, version: str | None = None
) -> tuple[IndexState, EndpointState]:
    endpoint = own_endpoint(settings, name)
    wanted = version or (endpoint.serves if endpoint is not None else "") or FIRST
    there = find_index(settings, name, wanted)
    is_ours = endpoint is not None and endpoint.is_marked
    if there is None and version and endpoint is not None and is_ours:
        raise NoSuchVersion(
            name, version, there=[each for each in list_versions(settings, endpoint).values() if each], serves=endpoint.serves
        )  # fmt: skip
    if there is None or endpoint is None or not is_ours or there.endpoint != name:
        raise InvalidInput(
            "There is no index of this name" if there is None else "This index is not ours",
            value=name,
            source=f"name, in {settings.catalog_schema} of {settings.host}",
            remedy=f"Build it first with `{command('databricks build', name=name, data='FILE')}`.",
        )
    return there, endpoint


def refuse_differences(
    settings: DatabricksSettings, spec: IndexSpec, endpoint: EndpointState | None, there: IndexState
) -> None:
    """Refuse an index that is not ours, or has another configuration than is wanted.

    Raises:
        NotOurs, CannotChangeInPlace: the first difference.
    """
    refuse_stranger(settings, there, endpoint)
    columns: dict[str, str] = dict(spec.data_columns)
    wanted = {
        "index_type": spec.index_type,
        "vector_column": "" if spec.embed_with else spec.vector_column,
        "dimensions": spec.dimensions,
        "embed_with": spec.embed_with,
        "text_column": spec.text_column if spec.embed_with else "",
        "data_columns": columns if there.is_direct else dict.fromkeys(columns, ""),
    }
    present = {
        "index_type": there.index_type,
        "vector_column": there.vector_column,
        "dimensions": there.dimensions,
        "embed_with": there.embed_with,
        "text_column": there.text_column,
        "data_columns": {column: there.columns[column] for column in there.data_columns},
    }
    for field, value in wanted.items():
        if present[field] != value:
            raise CannotChangeInPlace(
                "index", spec.name, field=field, there=present[field], wanted=value, remedy=REMEDY
            )


def _state(name: str, version: str, found: dict[str, Any]) -> IndexState:
    status: dict[str, Any] = found.get("status") or {}
    index_type = str(found.get("index_type", DIRECT_ACCESS))
    spec: dict[str, Any] = found.get(f"{index_type.lower()}_index_spec") or {}
    vectors: list[dict[str, Any]] = spec.get("embedding_vector_columns") or [{}]
    texts: list[dict[str, Any]] = spec.get("embedding_source_columns") or [{}]
    ready = "ONLINE" if status.get("ready") else "PROVISIONING"
    return IndexState(
        name=name,
        version=version,
        full_name=found["name"],
        endpoint=str(found.get("endpoint_name", "")),
        endpoint_id=str(found.get("endpoint_id") or ""),
        state=str(status.get("detailed_state") or ready),
        said=str(status.get("message") or "no reason given"),
        rows=int(status.get("indexed_row_count") or 0),
        index_type=index_type,
        columns=json.loads(spec.get("schema_json") or "{}")
        or dict.fromkeys(spec.get("columns_to_sync") or (), ""),
        vector_column=str(vectors[0].get("name", "")),
        dimensions=int(vectors[0].get("embedding_dimension", 0)),
        embed_with=str(texts[0].get("embedding_model_endpoint_name", "")),
        text_column=str(texts[0].get("name", "")),
        source_table=str(spec.get("source_table", "")),
    )
