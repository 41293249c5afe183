"""Known differences from the real Elasticsearch, and decisions made without knowing its behavior. Shown in COVERAGE.md."""

from __future__ import annotations

DIFFERENCES = (
    (
        "APIs that are not imitated answer `no handler found` with status 400, or 405 if only the method is wrong."
    ),
    (
        "There is one data node and one shard per index, whatever `number_of_shards` says; replicas are never assigned. "
        "`routing` is accepted but ignored; `_primary_term` is always 1."
    ),
    (
        "`--elastic.flavour serverless`: which APIs and settings a project lacks is read in the elasticsearch-specification and in public "
        "reports, a few from memory; shards and replicas are not shown; users, roles and inference services of Elastic are not imitated."
    ),
    (
        "Scores are computed from live documents only, as in Lucene after deleted ones are merged away, and as if there "
        "were one segment."
    ),
    (
        "A filtered alias narrows searches, counts, reindex and by-query calls; its filter is only checked when it is used. Points in time and "
        "`_cat/count` by one, and searches of indices with different filters, are refused."
    ),
    (
        "`_mapping/field` shows fields without their defaults, and no metadata fields. `explain` of `_validate/query` writes out match_all, "
        "term, match, exists, constant_score and bool as Lucene does; that of others is refused."
    ),
    (
        "A due refresh happens at the next search, not before. `refresh=wait_for` refreshes at once. Tombstones are kept "
        "forever, so the versions of a deleted id continue to count after `gc_deletes`."
    ),
    (
        "Field types: text, keyword, boolean, date, numbers except scaled_float and unsigned_long, object, "
        "sparse_vector, rank_features, dense_vector, semantic_text, nested. Others (ip, flattened, ...) are refused as unknown."
    ),
    (
        "Nested: the objects are found by nested queries alone, with inner hits that show them or fields of them; `match_phrase` and `ids` "
        "within them, a nested field within another one reached in one step, sorting and aggregating by nested fields are refused "
        "or find nothing. Hidden documents are not counted anywhere."
    ),
    (
        "dense_vector: element types float and byte, as arrays of numbers; `bit`, hexadecimal and base64 strings are refused. "
        "More vectors than `num_candidates` are searched by an HNSW graph of faiss (with the field's `m`), whose recall is that of a good graph, not "
        "Lucene's to the digit; `flat` types, filtered searches and semantic_text look at every vector. Quantization (int8, int4, bbq) and `rescore_vector` change nothing "
        "that is found. `script_score` takes the scripts over vectors that the reference shows, and no other. Defaults of a mapping are "
        "applied but not shown, except the dimensions of the first vector and a semantic_text field's `inference_id`."
    ),
    (
        "semantic_text: in both formats of `_source`, by the release and the setting `use_legacy_format`; the type as a multi-field, and "
        "inner hits of its chunks in the newer format, are refused. The document of an upsert is embedded too. "
        "Sentences and words are found by regular expressions, not by ICU, and offsets count characters, not UTF-16 units. "
        "Queries do not prune its tokens. Separators of the chunking strategy `recursive` are regular expressions of Python."
    ),
    (
        "Inference endpoints: the services elasticsearch and elser, for sparse_embedding and text_embedding, and openai for text_embedding, which is called at "
        "addresses of this machine only; other services, reranking and chats are refused by name. If an endpoint's model cannot be deployed, the endpoint is "
        "not kept; after a time-out it is. Endpoints of the Elastic Inference Service and `.rerank-v1` are not there."
    ),
    (
        "Retrievers: standard, knn, rrf, linear, with the parameters of their tables; others are refused by name. rrf needs no "
        "licence here. A search with a retriever counts the union of its windows. Explanations of rrf do not name weights."
    ),
    (
        "Analyzers: standard, simple, whitespace, keyword; the normalizer lowercase. No custom analyzers, no stemming, no "
        "runtime fields, also not in dynamic templates. `copy_to` out of a nested field is refused."
    ),
    (
        "Data streams: created, written to, rolled over at once and deleted; no conditions, lifecycles, failure stores or time "
        "series. Only data streams are rolled over. Legacy templates (`_template`) are not imitated."
    ),
    (
        "Emoji sequences are split as by the `regex` module; in Thai and similar scripts each run of letters is one word, "
        "while the real service uses a dictionary."
    ),
    (
        "Aggregations: those in `sandbox/elastic/search/aggregations/tree.py`, with their common parameters and exact counts; "
        "percentiles are interpolated between all values. Pipeline aggregations and scripts are refused by name."
    ),
    (
        "Highlighting: `unified` and `plain` cut fragments in the same way, at sentences and else at words, so their edges may "
        "differ from the service's; `fvh` is refused. Collapsed hits have no `inner_hits`."
    ),
    "Dates: ISO 8601 and milliseconds, of the years 1 to 9999; a field's `format` is applied where values are shown, not where they are read.",
    (
        "Queries: those in `sandbox/elastic/search/queries.py`, with common parameters; others are refused by name; "
        "function_score knows weights and field_value_factor. No suggesters or rescore."
    ),
    (
        "Explanations take bool, dis_max, match, term and query strings apart, with every number of BM25, and name other queries "
        "with their score alone; those of knn sections and retrievers are refused."
    ),
    (
        "`q=`, query_string and simple_query_string: terms, phrases, fields, ranges, groups, operators, wildcards, boosts. "
        "Fuzzy terms, slops and regular expressions in them are refused by name."
    ),
    "A search over several indices fails as a whole if one fails; the real service may return partial results.",
    "Positions are not indexed: match_phrase reads the texts of candidates again and does not support slop.",
    (
        "Updates support `doc` and `upsert`; scripts are refused. Stored scripts can only be mustache templates, without "
        "`{{list.0}}` and without a delimiter for join."
    ),
    (
        "Rendering a template never fails with `runtime error`; why it did in the ELSER notebook is not known. A template "
        "that does not render to JSON is refused as x_content_parse_exception."
    ),
    (
        "Scrolls and points in time end with the process. Settings of indices are honoured, make no difference, or are refused by "
        "name (sandbox/elastic/indices/known_settings.py). No disk is watched: `read_only_allow_delete` comes and goes with "
        "the setting only."
    ),
    (
        "`_source` of a mapping supports includes and excludes, which are applied when documents are shown: reindex and "
        "updates still see the whole document."
    ),
    (
        "SPLADE-tiny, a model of two layers with the same vocabulary, answers in place of every packaged ELSER; it is not "
        "ELSER. Of uploaded models only the sizes are stored: the same model answers for those of the task text_expansion, and "
        "multilingual-e5-small for those of text_embedding with 384 dimensions; others are refused by name when they are started. "
        "`lang_ident_model_1` is shown but cannot be used."
    ),
    (
        "multilingual-e5-small in 4 bits answers for E5 where there is an engine for it (Linux on x86-64); elsewhere a deployment "
        "of it fails with what is missing. It always reads a prefix: without an `input_type`, `passage: `."
    ),
    (
        "Allocations are placed greedily (existing ones stay, oldest deployment first, on the node with the most free "
        "processors), not by a linear program; low priority uses no processors. `adaptive_allocations` are stored and "
        "shown and start with the minimum (at least 1), but do not scale. 512 MB of each node's memory are reserved."
    ),
    (
        "If the queue refuses one document of `_infer`, the call is refused. Each document takes at least "
        "`inference_seconds` divided by the deployment's threads. Caches hold at most 64 MB."
    ),
    (
        "Ingest processors: append, date, drop, fail, foreach, gsub, inference, lowercase, pipeline, remove, rename, set, split, trim, uppercase; none "
        "with `if`, because there is no painless. Templates are plain paths (`{{a.b}}`). A pipeline's time counts each bulk "
        "once, not each document. With `ignore_missing`, a missing input is not embedded."
    ),
    (
        "Reindex does not support scripts, sort or routing; of a remote source, the certificate is checked by the system's authorities. An expired scroll is detected between batches and "
        "ends the task with search_context_missing_exception, not wrapped in a search error. Update by query does not "
        "support scripts. Slices use a different hash."
    ),
    (
        "Task lists contain reindex, update by query, model downloads and the listing call itself, no other calls. Hot threads show "
        "busy allocations, with the percentages of the ELSER notebook and an invented stack."
    ),
    "Date math in names (`<logs-{now/d}>`) is resolved in paths, in bulk requests and in reindex; not in actions on aliases.",
    "`_nodes/usage` counts the calls of the handlers whose names are known here, on the data node, and no aggregations.",
    "Bodies and answers are JSON or NDJSON; CBOR, SMILE and YAML are refused with 406, or with 400 if they are asked for.",
    (
        "The configured API key may do everything; other keys are made of role descriptors. There are no users or roles, no rights "
        "on single fields or documents, and no restricted indices. A bulk request or reindex with one index beyond a key's rights is "
        "refused as a whole, not document by document, and what goes on after an answer is not asked again. Privileges without "
        "anything here that they would grant (`manage_ilm`, ...) are refused as unknown."
    ),
    (
        "Requests with an `Origin` or Fetch Metadata of a web page are refused with 403, and those for another host than "
        "loopback with 421. The real service serves them, and leaves it to browsers and proxies."
    ),
    (
        "A fault cannot let a call be aborted: Elasticsearch has no such answer. `Retry-After` is sent only if the fault says "
        "so; the real service itself never sends it, proxies before it do."
    ),
    (
        "A task that a fault lets fail at its end has written all documents. A download that a fault breaks off keeps half of "
        "its parts. A deployment that fails stays `starting`; its nodes show `failed`, with a reason of the sandbox, until it is stopped."
    ),
    "Positions in parser messages (`[1:1]`) are not the real ones.",
)
