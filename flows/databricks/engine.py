"""Databricks Vector Search as an engine: its targets, and its flows as plain data. To add a flow, add a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine import Engine, Entry, Nightly, lazily

if TYPE_CHECKING:
    from tasks.databricks.settings import DatabricksSettings

_VERIFY_NIGHTLY = Nightly(
    "Measure recall and latency of the index every night; fail below the required recall.",
    cron="45 3 * * *",
    parameters={"name": "products", "data": "/srv/vector-search/products.hdf5"},
)


DATABRICKS: Engine[DatabricksSettings] = Engine(
    name="databricks",
    title="Databricks Vector Search",
    targets=("sandbox", "databricks"),
    target_variable="VECTOR_SEARCH_DATABRICKS_TARGET",
    read_settings=lazily("tasks.databricks.settings:databricks_settings"),
    block="DatabricksTarget",
    where=lambda settings: settings.where,
    settings_prefix="DATABRICKS_",
    built=lazily("tasks.databricks.built:list_built"),
    strangers=lazily("tasks.databricks.built:list_strangers"),
    flows=(
        Entry("check", "flows.databricks.check:check_workspace", "Check the prerequisites of an index and say how to fix what is missing."),
        Entry("build", "flows.databricks.build:build_index", "Build a searchable index on an endpoint of its own from a file of vectors.", plans=True),
        Entry("swap", "flows.databricks.swap:swap_versions", "Serve another version that is loaded, without downtime.", plans=True),
        Entry("rollback", "flows.databricks.rollback:roll_back", "Serve the version before the last swap again.", plans=True),
        Entry("prune", "flows.databricks.prune:prune_versions", "Remove the versions that are not served.", plans=True),
        Entry("sync", "flows.databricks.sync:sync_index", "Sync a Delta Sync index with its source table and compare them.", plans=True),
        Entry("upsert-datapoints", "flows.databricks.upsert_datapoints:upsert_datapoints", "Create or replace rows of an index.", plans=True),
        Entry("remove-datapoints", "flows.databricks.remove_datapoints:remove_datapoints", "Remove rows from an index.", plans=True),
        Entry("query", "flows.databricks.query:query_index", "Query an index by a vector, by words, or by both fused, with filters."),
        Entry("verify", "flows.databricks.verify:verify_index", "Measure recall and latency of an index against exact search.", _VERIFY_NIGHTLY),
        Entry("teardown", "flows.databricks.teardown:teardown_index", "Remove every version that was built under a name, with its endpoint, and nothing else.", plans=True),
        Entry("tour", "flows.databricks.tour:tour", "Take an index through its whole life and check each step."),
    ),
    sandbox_service="databricks",
)  # fmt: skip
