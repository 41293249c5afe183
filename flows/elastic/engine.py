"""Elasticsearch with ELSER as an engine: its targets, and its flows as plain data. Adding a flow is a line here."""

from __future__ import annotations

from typing import get_args

from flows.engine import Engine, Entry, Nightly, Tour
from tasks.elastic.settings import ElasticSettings, ElasticTarget, elastic_settings

_VERIFY_NIGHTLY = Nightly(
    "Every night, see that an embedded index is complete and finds what it must; fail when it does not.",
    cron="30 3 * * *",
    parameters={"name": "films", "queries": "/srv/vector-search/film-queries.jsonl"},
)

ELASTIC = Engine[ElasticSettings](
    name="elastic",
    title="Elasticsearch with ELSER",
    targets=get_args(ElasticTarget),
    target_variable="VECTOR_SEARCH_ELASTIC_TARGET",
    settings=elastic_settings,
    settings_prefix="ELASTIC_",
    flows=(
        Entry("check", "flows.elastic.check:check_cluster", "Say what the flows need of a cluster and do not find."),
        Entry("deploy", "flows.elastic.deploy:deploy_model", "Download a model and start deployments of it that fit the nodes."),
        Entry("load", "flows.elastic.load:load_documents", "Documents from a file into an index, each stored once."),
        Entry("embed", "flows.elastic.embed:embed_documents", "Documents embedded into a new index, verified, the alias moved."),
        Entry("search", "flows.elastic.search:search_documents", "Search an embedded index by meaning."),
        Entry("verify", "flows.elastic.verify:verify_embedded", "See that an embedded index is complete and finds what it must.", _VERIFY_NIGHTLY),
        Entry("rollback", "flows.elastic.rollback:roll_back", "Let the alias point at the index before again."),
        Entry("diagnose", "flows.elastic.diagnose:diagnose_cluster", "Say what is slow or fails, and the setting to change."),
        Entry("teardown", "flows.elastic.teardown:teardown_embedded", "Remove what was embedded under a name; never its source."),
        Entry("tour", "flows.elastic.tour:tour", "The notebook's path from a model to searches by meaning, each step checked."),
    ),
    sandbox_service="elastic",
    tour=Tour(
        {"--name": "tour", "--limit": "1000"},
        data={"--films": "movies.jsonl", "--queries": "movie-queries.jsonl", "--texts": "wordnet-glosses.jsonl"},
    ),
)  # fmt: skip
