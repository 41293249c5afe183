"""Vertex AI Vector Search as an engine: its targets, and its flows as plain data. To add a flow, add a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine import Engine, Entry, Nightly, Tour, lazily

if TYPE_CHECKING:
    from tasks.vertex.settings import VertexSettings

_VERIFY_NIGHTLY = Nightly(
    "Measure recall and latency of the deployed index every night; fail below the required recall.",
    cron="0 3 * * *",
    parameters={"name": "products", "data": "/srv/vector-search/products.hdf5"},
)


VERTEX: Engine[VertexSettings] = Engine(
    name="vertex",
    title="Vertex AI Vector Search",
    targets=("sandbox", "google-cloud"),
    target_variable="VECTOR_SEARCH_TARGET",
    read_settings=lazily("tasks.vertex.settings:vertex_settings"),
    block="GoogleCloudTarget",
    where=lambda settings: settings.where,
    settings_prefix="VERTEX_",
    built=lazily("tasks.vertex.resources.built:list_built"),
    strangers=lazily("tasks.vertex.resources.built:list_strangers"),
    flows=(
        Entry("check", "flows.vertex.check:check_preconditions", "Check the prerequisites of a build and say how to fix what is missing."),
        Entry("network-ensure", "flows.vertex.network.ensure:ensure_private_network", "Create the network of a private endpoint and peer it with Google's services.", plans=True),
        Entry("network-check", "flows.vertex.network.check:check_network", "Check the network of a private endpoint and say how to fix what is missing."),
        Entry("network-teardown", "flows.vertex.network.teardown:teardown_network", "Remove what was created for a private network, and nothing else.", plans=True),
        Entry("build", "flows.vertex.build:build_index", "Build a deployed, queryable index from a file of vectors.", plans=True),
        Entry("swap", "flows.vertex.swap:swap_versions", "Serve another version that is deployed, without downtime.", plans=True),
        Entry("rollback", "flows.vertex.rollback:roll_back", "Serve the version before the last swap again.", plans=True),
        Entry("prune", "flows.vertex.prune:prune_versions", "Remove the versions that are not served.", plans=True),
        Entry("import", "flows.vertex.imports.import_datapoints:import_datapoints", "Add, overwrite and delete datapoints of a batch index by import files.", plans=True),
        Entry("upsert-datapoints", "flows.vertex.upsert_datapoints:upsert_datapoints", "Stream datapoints into an index and wait until they are served.", plans=True),
        Entry("remove-datapoints", "flows.vertex.remove_datapoints:remove_datapoints", "Remove datapoints from an index and wait until they are gone.", plans=True),
        Entry("query", "flows.vertex.query:query_index", "Find nearest neighbors by dense or sparse vectors, or both, with filters and crowding."),
        Entry("verify", "flows.vertex.verify:verify_index", "Measure recall and latency of the deployed index against exact search.", _VERIFY_NIGHTLY),
        Entry("teardown", "flows.vertex.teardown:teardown_index", "Remove everything that was built under a name, and nothing else.", plans=True),
        Entry("tour", "flows.vertex.tour:tour", "Take a streaming index through its whole life and check each step."),
    ),
    sandbox_service="vertex",
    tour=Tour({"--name": "glove-100"}, data={"--data": "glove-100-sample.hdf5"}),
)  # fmt: skip
