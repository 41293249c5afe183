"""Vertex AI Vector Search as an engine: its targets, and its flows as plain data. Adding a flow is a line here."""

from __future__ import annotations

from typing import get_args

from flows.engine import Engine, Entry, Nightly, Tour
from tasks.vertex.settings import VertexSettings, VertexTarget, vertex_settings

_VERIFY_NIGHTLY = Nightly(
    "Every night, measure recall and latency of what is served; fail when it is not good enough.",
    cron="0 3 * * *",
    parameters={"name": "products", "data": "/srv/vector-search/products.hdf5"},
)

VERTEX = Engine[VertexSettings](
    name="vertex",
    title="Vertex AI Vector Search",
    targets=get_args(VertexTarget),
    target_variable="VECTOR_SEARCH_TARGET",
    settings=vertex_settings,
    settings_prefix="VERTEX_",
    flows=(
        Entry("check", "flows.vertex.check:check_preconditions", "Say what a build needs and does not find, and how to mend it."),
        Entry("build", "flows.vertex.build:build_index", "Vectors from HDF5 to a deployed, queryable index."),
        Entry("upsert-datapoints", "flows.vertex.upsert_datapoints:upsert_datapoints", "Stream datapoints into an index and wait until they are served."),
        Entry("remove-datapoints", "flows.vertex.remove_datapoints:remove_datapoints", "Stream removals into an index and wait until they are gone."),
        Entry("query", "flows.vertex.query:query_index", "Nearest neighbors, with filters and crowding."),
        Entry("verify", "flows.vertex.verify:verify_index", "Measure recall and latency of what is served against exact search.", _VERIFY_NIGHTLY),
        Entry("teardown", "flows.vertex.teardown:teardown_index", "Remove everything that was made under a name."),
        Entry("tour", "flows.vertex.tour:tour", "The whole life of a streaming index, each step checked."),
    ),
    sandbox_service="vertex",
    tour=Tour({"--name": "glove-100"}, data={"--data": "glove-100-sample.hdf5"}),
)  # fmt: skip
