"""Elasticsearch with ELSER as an engine: its targets, and its flows as plain data. To add a flow, add a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine import Engine, Entry, Nightly, Tour, lazily

if TYPE_CHECKING:
    from tasks.elastic.settings import ElasticSettings

_VERIFY_NIGHTLY = Nightly(
    "Verify every night that an embedded index is complete and finds the expected documents.",
    cron="30 3 * * *",
    parameters={"name": "films", "queries": "/srv/vector-search/film-queries.jsonl"},
)


ELASTIC: Engine[ElasticSettings] = Engine(
    name="elastic",
    title="Elasticsearch with ELSER",
    targets=("sandbox", "elastic"),
    target_variable="VECTOR_SEARCH_ELASTIC_TARGET",
    read_settings=lazily("tasks.elastic.settings:elastic_settings"),
    block="ElasticTarget",
    where=lambda settings: settings.where,
    settings_prefix="ELASTIC_",
    built=lazily("tasks.elastic.indices.built:list_built"),
    strangers=lazily("tasks.elastic.indices.built:list_strangers"),
    flows=(
        Entry("check", "flows.elastic.check:check_cluster", "Check that a cluster meets the requirements of the flows."),
        Entry("deploy", "flows.elastic.deploy:deploy_model", "Download a model and start deployments of it that fit the nodes.", plans=True),
        Entry("endpoint-ensure", "flows.elastic.endpoint_ensure:ensure_inference_endpoint", "Create an inference endpoint with its model deployed.", plans=True),
        Entry("endpoint-delete", "flows.elastic.endpoint_delete:delete_inference_endpoint", "Delete an inference endpoint that nothing uses, with its deployment.", plans=True),
        Entry("load", "flows.elastic.load:load_documents", "Load documents from a file into an index, each stored once.", plans=True),
        Entry("embed", "flows.elastic.embed:embed_documents", "Embed the documents of an index into a new one, verify it, and move the alias.", plans=True),
        Entry("upgrade", "flows.elastic.upgrade:upgrade_embedded", "Embed an index again with a newer model, compare both, and move the alias.", plans=True),
        Entry("search", "flows.elastic.search:search_documents", "Search an embedded index by meaning."),
        Entry("compare", "flows.elastic.compare:compare_ways", "Compare the ways to search an embedded index by judged queries."),
        Entry("verify", "flows.elastic.verify:verify_embedded", "Verify that an embedded index is complete and finds the expected documents.", _VERIFY_NIGHTLY),
        Entry("rollback", "flows.elastic.rollback:roll_back", "Point the alias back at the previous index.", plans=True),
        Entry("prune", "flows.elastic.prune:prune_embedded", "Remove embedded indices that are neither used nor kept for a rollback.", plans=True),
        Entry("diagnose", "flows.elastic.diagnose:diagnose_cluster", "Find what is slow or failing, and the setting to change."),
        Entry("teardown", "flows.elastic.teardown:teardown_embedded", "Remove what was embedded under a name, but never its source.", plans=True),
        Entry("tour", "flows.elastic.tour:tour", "Follow the ELSER notebook from a model to searches by meaning and check each step."),
    ),
    sandbox_service="elastic",
    tour=Tour(
        {"--name": "tour", "--limit": "1000"},
        data={"--films": "movies.jsonl", "--queries": "movie-queries.jsonl", "--texts": "wordnet-glosses.jsonl"},
    ),
)  # fmt: skip
