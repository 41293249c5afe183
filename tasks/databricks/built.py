"""Every index on an endpoint that bears our mark, whatever its name, and endpoints without one."""

from __future__ import annotations

from datetime import UTC, datetime

from databricks.sdk.service.vectorsearch import EndpointInfo

from tasks.built import Built, Stranger
from tasks.databricks.costs import EMPTY
from tasks.databricks.endpoints import endpoint_state, list_endpoints
from tasks.databricks.indexes import IndexState, find_index, list_versions
from tasks.databricks.marks import tags_of
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST
from tasks.marks import MANAGED_BY
from tasks.plurals import counted


def list_built(settings: DatabricksSettings) -> list[Built]:
    """What is there, by name. An endpoint costs by the hour, in units whose price is not known here; one without an index may."""
    ours = (one for one in list_endpoints(settings) if tags_of(one).get("managed_by") == MANAGED_BY)
    found = [built for one in ours for built in _endpoint(settings, one)]
    return sorted(found, key=lambda one: (one.name, one.kind))


def list_strangers(settings: DatabricksSettings) -> list[Stranger]:
    """Endpoints that do not bear our mark, and indexes of others on ours."""
    found = list[Stranger]()
    for one in list_endpoints(settings):
        if tags_of(one).get("managed_by") != MANAGED_BY:
            found.append(Stranger(kind="endpoint", name=one.name or ""))
        elif one.num_indexes:
            versions = list_versions(settings, endpoint_state(one))
            found += [
                Stranger(kind="index", name=name) for name, version in versions.items() if version is None
            ]
    return found


def _endpoint(settings: DatabricksSettings, there: EndpointInfo) -> list[Built]:
    name, endpoint = there.name or "", endpoint_state(there)
    made = there.creation_timestamp
    since = datetime.fromtimestamp(made / 1000, UTC) if made else None
    versions = filter(None, list_versions(settings, endpoint).values()) if there.num_indexes else ()
    indexes = [index for version in versions if (index := find_index(settings, name, version))]
    if not indexes:
        return [Built(name=name, kind="endpoint", holds="no index", serves=EMPTY, since=since, is_idle=True)]
    return [
        Built(
            name=name,
            kind="index" if index.version == FIRST else f"index, version {index.version}",
            holds=counted(index.rows, "row"),
            serves=_serves(index, endpoint.serves),
            is_idle=index.version != endpoint.serves,
            since=since,
            hourly=None,
        )
        for index in indexes
    ]


def _serves(index: IndexState, serves: str) -> str:
    return f"{index.full_name}, {index.state}" if index.version == serves else "not searched"
