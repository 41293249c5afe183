"""Every endpoint that bears our mark with its index, whatever its name."""

from __future__ import annotations

from datetime import UTC, datetime

from databricks.sdk.service.vectorsearch import EndpointInfo

from tasks.built import Built
from tasks.databricks.endpoints import list_endpoints, tags_of
from tasks.databricks.indexes import find_index
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST
from tasks.marks import MANAGED_BY
from tasks.plurals import counted


def list_built(settings: DatabricksSettings) -> list[Built]:
    """What is there, by name. An endpoint costs by the hour from its first index on, in units whose price is not known here."""
    ours = (one for one in list_endpoints(settings) if tags_of(one).get("managed_by") == MANAGED_BY)
    return sorted((_endpoint(settings, one) for one in ours), key=lambda one: one.name)


def _endpoint(settings: DatabricksSettings, there: EndpointInfo) -> Built:
    name = there.name or ""
    # Of a knowledge base, the version that is searched.
    index = find_index(settings, name, tags_of(there).get("serves") or FIRST)
    made = there.creation_timestamp
    return Built(
        name=name,
        kind="index" if index else "endpoint",
        holds=counted(index.rows, "row") if index else "no index",
        serves=f"{index.full_name}, {index.state}" if index else "nothing",
        since=datetime.fromtimestamp(made / 1000, UTC) if made else None,
        hourly=None if there.num_indexes else 0.0,
    )
