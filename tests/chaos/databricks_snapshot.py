"""Everything that the Databricks stand-in holds, without the ids and times that differ between equal runs."""

from __future__ import annotations

import json

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound

from sandbox import announced

_OWN = {"creator", "endpoint_id", "index_url", "status"}
"""Fields of an index that the service makes up."""
_PAGE = 1000


def snapshot(state):
    """Endpoints with tags and indexes, indexes with rows, and the source tables of Delta Sync indexes."""
    environment = announced.environment(state)
    client = WorkspaceClient(
        host=environment["DATABRICKS_HOST"], token=environment["DATABRICKS_TOKEN"], auth_type="pat"
    )
    warehouse = environment["DATABRICKS_WAREHOUSE_ID"]
    return {
        one.name: {
            "type": str(one.endpoint_type),
            "tags": {tag.key: _timeless(tag) for tag in one.custom_tags or ()},
            "indexes": {
                index.name: _index(client, index.name, warehouse)
                for index in client.vector_search_indexes.list_indexes(one.name)
            },
        }
        for one in client.vector_search_endpoints.list_endpoints()
    }


def _timeless(tag):
    return "a time" if tag.key == "served_since" else tag.value


def _index(client, name, warehouse):
    found = client.vector_search_indexes.get_index(name).as_dict()
    spec = found.get("delta_sync_index_spec", {})
    spec.pop("pipeline_id", None)
    held = {key: value for key, value in found.items() if key not in _OWN} | {"rows": _rows(client, name)}
    if source := spec.get("source_table"):
        held["source"] = _table(client, source, warehouse)
    return held


def _rows(client, name):
    rows, last = {}, None
    while True:
        page = client.vector_search_indexes.scan_index(name, last_primary_key=last, num_results=_PAGE)
        for row in page.data or ():
            values = {field.key: _plain(field.value) for field in row.fields}
            rows[values["id"]] = values
        last = page.last_primary_key
        if len(page.data or ()) < _PAGE:
            return rows


def _plain(value):
    if value is None:
        return None
    if value.list_value:
        return [each.number_value for each in value.list_value.values]
    return value.string_value if value.string_value is not None else value.number_value


def _table(client, name, warehouse):
    """The properties and rows of a source table; None if there is none."""
    try:
        properties = client.tables.get(name).properties
    except NotFound:
        return None
    quoted = ".".join(f"`{part}`" for part in name.split("."))
    answer = client.statement_execution.execute_statement(f"SELECT * FROM {quoted}", warehouse)
    return {"properties": properties, "rows": sorted(answer.result.data_array or (), key=json.dumps)}
