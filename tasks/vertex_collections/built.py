"""Every collection that bears our mark, whatever its name."""

from __future__ import annotations

from google.cloud import vectorsearch_v1 as v1

from tasks.built import Built, Stranger
from tasks.marks import MANAGED_BY
from tasks.plurals import counted
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import calling
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.searches import read_count


def list_built(settings: VertexSettings) -> list[Built]:
    """What is there, by name. Data objects are counted and indexes listed, one call each for every collection of ours."""
    ours = (one for one in _listed(settings) if one.labels.get("managed_by") == MANAGED_BY)
    return sorted((_collection(settings, one) for one in ours), key=lambda one: one.name)


def list_strangers(settings: VertexSettings) -> list[Stranger]:
    """Collections that do not bear our mark."""
    return [
        Stranger(kind="collection", name=one.name.rpartition("/")[2])
        for one in _listed(settings)
        if one.labels.get("managed_by") != MANAGED_BY
    ]


def _listed(settings: VertexSettings) -> list[v1.Collection]:
    with calling(f"list the collections of {settings.parent}"):
        return list(
            connect(settings).collections.list_collections(parent=settings.parent, timeout=CALL_SECONDS)
        )


def _collection(settings: VertexSettings, there: v1.Collection) -> Built:
    name = there.labels.get("name", "")
    with calling(f"list the indexes of collection {name}"):
        indexes = list(connect(settings).collections.list_indexes(parent=there.name, timeout=CALL_SECONDS))
    return Built(
        name=name,
        kind="collection",
        holds=counted(read_count.fn(settings, name), "data object"),
        serves=", ".join(f"index {one.name.rpartition('/')[2]}" for one in indexes) or "without an index",
        since=there.create_time,  # pyright: ignore[reportArgumentType] -- proto-plus gives a datetime
        hourly=None if indexes else 0.0,
    )
