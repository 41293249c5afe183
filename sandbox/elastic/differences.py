"""Known differences from the real Elasticsearch, and decisions made without knowing its behavior. Shown in COVERAGE.md."""

from __future__ import annotations

DIFFERENCES = (
    (
        "What is not imitated answers `no handler found` with status 400 (405 where only the method is wrong). Unknown "
        "parameters in a query string are passed over; the real one refuses them."
    ),
    (
        "One data node and one shard for each index, whatever `number_of_shards` says; replicas are never assigned. "
        "`routing` is accepted and not kept; `_primary_term` is always 1."
    ),
    (
        "Statistics of scores count living documents only, as Lucene does once deleted ones are merged away; there is "
        "one segment as far as scores can tell."
    ),
    (
        "A refresh that is due happens when somebody searches, not before. `refresh=wait_for` refreshes at once. "
        "Tombstones are kept for good, so a deleted id's versions go on counting after `gc_deletes` too."
    ),
    (
        "Field types: text, keyword, boolean, date, the numbers but scaled_float and unsigned_long, object, "
        "sparse_vector, rank_features. Others (nested, dense_vector, semantic_text, ip, ...) are refused as unknown."
    ),
    (
        "Analyzers: standard, simple, whitespace, keyword; the normalizer lowercase. No custom ones, no stemming, no "
        "`copy_to`, no dynamic templates, no runtime fields."
    ),
    (
        "Emoji sequences are broken as the `regex` module breaks them; Thai and its like come in one piece for each run "
        "of letters, where the real one uses a dictionary."
    ),
    "Dates: ISO 8601 and milliseconds; a field's `format` is kept and not applied. Of date math only `now`.",
    (
        "Queries: those listed in `sandbox/elastic/search/queries.py`, with the parameters that their errors name. No "
        "aggregations, highlighting, suggesters, collapse, rescore, knn, retrievers, `q=` or explain."
    ),
    "A search over several indices fails as a whole where the real one may answer with the shards that succeeded.",
    "Positions are not kept: match_phrase reads the candidates' texts again, and has no slop.",
    (
        "Updates take `doc` and `upsert`; scripts are refused. Stored scripts are mustache templates alone, without "
        "`{{list.0}}` and without a delimiter for join."
    ),
    (
        "Rendering a template never fails with `runtime error`: why a call of the seed did is not known. What comes to no "
        "JSON is refused as x_content_parse_exception."
    ),
    "Scrolls and points in time end with the process. Settings are kept and shown; few have an effect.",
    (
        "`_source` of a mapping takes includes and excludes, which are applied when documents are shown: reindexing and "
        "updating still see the whole document. Aliases take no filter. A bulk tells no `ingest_took`."
    ),
    (
        "Any packaged ELSER is answered by SPLADE-tiny, a model of two layers with the same vocabulary; it stands in for "
        "ELSER and is not ELSER. Uploaded models are kept as sizes only; those for text_expansion are answered by the same "
        "model, others are not deployed. `lang_ident_model_1` is shown, but infers nothing. There are no `_inference` endpoints."
    ),
    (
        "Allocations are placed greedily (what is placed stays, the oldest deployment first, the node with the most free "
        "processors), not by a linear program; low priority takes no processors. `adaptive_allocations` are kept and "
        "shown, and begin with the minimum (at least 1), but nothing scales. Of a node's memory 512 MB are not for models."
    ),
    (
        "One document of `_infer` that the queue refuses refuses the call. A worker's documents take no less than "
        "`inference_seconds` divided by the deployment's threads. Caches hold 64 MB at most."
    ),
    (
        "Ingest processors: append, drop, fail, inference, lowercase, pipeline, remove, rename, set, trim, uppercase; none "
        "with `if`, since there is no painless. Templates are plain paths (`{{a.b}}`). A pipeline's time counts a bulk once, "
        "not once for each document. With `ignore_missing`, a missing input is not embedded."
    ),
    (
        "Reindex takes no script, no remote source, no sort and no routing. An expired scroll is found between batches and "
        "ends the task with search_context_missing_exception itself, not wrapped in the search's. Update by query takes no script; delete by query is not there. Slices part documents by another hash."
    ),
    (
        "Task lists know reindex, update by query and model downloads only, not the calls themselves. Hot threads show "
        "allocations at work, with the seed's percentages and a made-up stack."
    ),
    "Every key that is configured may do everything; there are no users and roles.",
    "Positions in messages of parsers (`[1:1]`) are not the real ones.",
)
