"""Vector Search 2.0 as an engine: its flows as plain data. Target, settings and stand-in are those of Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine import Engine, Entry, Nightly, lazily

if TYPE_CHECKING:
    from tasks.vertex.settings import VertexSettings

_VERIFY_NIGHTLY = Nightly(
    "Measure recall and latency of the collection every night; fail below the required recall.",
    cron="15 3 * * *",
    parameters={"name": "products", "data": "/srv/vector-search/products.hdf5"},
)


VERTEX_COLLECTIONS: Engine[VertexSettings] = Engine(
    name="vertex-collections",
    title="Vertex AI Vector Search 2.0",
    targets=("sandbox", "google-cloud"),
    target_variable="VECTOR_SEARCH_TARGET",
    read_settings=lazily("tasks.vertex.settings:vertex_settings"),
    block="GoogleCloudTarget",
    where=lambda settings: settings.where,
    settings_prefix="VERTEX_",
    built=lazily("tasks.vertex_collections.built:list_built"),
    strangers=lazily("tasks.vertex_collections.built:list_strangers"),
    flows=(
        Entry("check", "flows.vertex_collections.check:check_collections", "Check the prerequisites of a collection and say how to fix what is missing."),
        Entry("build", "flows.vertex_collections.build:build_collection", "Build a searchable, indexed collection from a file of vectors.", plans=True),
        Entry("upsert-data-objects", "flows.vertex_collections.upsert_data_objects:upsert_data_objects", "Create or replace data objects of a collection.", plans=True),
        Entry("remove-data-objects", "flows.vertex_collections.remove_data_objects:remove_data_objects", "Remove data objects from a collection.", plans=True),
        Entry("query", "flows.vertex_collections.query:query_collection", "Search a collection by a vector, by words, by meaning, or by several of them fused."),
        Entry("verify", "flows.vertex_collections.verify:verify_collection", "Measure recall and latency of a collection against exact search.", _VERIFY_NIGHTLY),
        Entry("teardown", "flows.vertex_collections.teardown:teardown_collection", "Remove a collection that was built under a name, and nothing else.", plans=True),
    ),
    sandbox_service="vertex",
)  # fmt: skip
