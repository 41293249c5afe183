"""Known differences from the real Databricks, and decisions made without knowing its behavior. Shown in COVERAGE.md."""

from __future__ import annotations

DIFFERENCES = (
    (
        "One workspace with one catalog and one schema, `main.default`. Whoever has a token has all privileges. Other APIs of a "
        "workspace answer ENDPOINT_NOT_FOUND; methods that are listed but not ticked answer NOT_IMPLEMENTED."
    ),
    (
        "CONTINUOUS pipelines, a model endpoint for Direct Vector Access indexes, writeback tables of embeddings, facets and sorting are "
        "refused with NOT_IMPLEMENTED by name; the reranker too, because its model is the service's own and any order would be invented."
    ),
    (
        "A STANDARD endpoint takes filters as an object (`filters_json`), a STORAGE_OPTIMIZED one as a text (`filter_string`): "
        "comparisons, [NOT] IN, AND, OR, NOT and parentheses, with strings in single quotes. LIKE, BETWEEN and IS NULL are refused with "
        "NOT_IMPLEMENTED by name. The form for the other kind of endpoint is refused; the text of that refusal is decided here. Nothing "
        "else but the multiples of 16 and the missing columns_to_sync tells the two kinds of endpoint apart."
    ),
    (
        "A sync replaces all rows of an index by those of its table, as of the version that the table had when the sync began; the real "
        "one reads the change data feed. It fails if a primary key is missing or occurs twice, or a row does not fit."
    ),
    (
        "Tables are real Delta tables (delta-rs). One SQL warehouse runs a few forms of statements, which "
        "`sandbox/databricks/tables/statements.py` lists: CREATE TABLE with columns, ALTER TABLE for table properties, DROP TABLE, INSERT "
        "INTO or OVERWRITE with a query, DELETE, and queries over tables and `read_files` of Parquet files in volumes. Queries are DuckDB's "
        "SQL, not Spark's, in a database without access to files, extensions or settings. A statement takes effect when it is accepted, "
        "and ends later. No parameters, and results inline as JSON alone."
    ),
    (
        "A Delta Sync index whose texts the service embeds (`embedding_source_columns`) takes one column and the one endpoint there is, for "
        "queries too. A text is embedded once; a sync goes on until all are, and waits while the model starts. Its vectors are no column of "
        "answers. Whether the real one takes a query vector instead of a text is not known; here it does."
    ),
    "Files in volumes are uploaded whole; directories are not imitated. Constraints, comments and other types of columns are refused.",
    (
        "One model serving endpoint, `multilingual-e5-small`, which embeds on Linux x86-64; it can be told how long its model takes to "
        "start, or that it never does (`--databricks.model-start.seconds`, `--databricks.model-start.fails`). No endpoints are made, and no "
        "chat is served here: the model server of the sandbox does."
    ),
    (
        "Queries compare with every row; the real service searches an HNSW graph, so its recall can be lower. The score is "
        "1 / (1 + squared L2 distance), from memory of the documentation. FULL_TEXT ranks by BM25 over the text columns, HYBRID fuses the "
        "200 best of both rankings by reciprocal rank, scaled to at most 1; their constants and how texts are cut into words are decided "
        "here. Both give at most 200 results, and both kinds of endpoint take both."
    ),
    (
        "A row is replaced as a whole: columns that an upsert leaves out become null. Keys that a deletion does not find count as "
        "deleted. A row without a value in a column meets no condition on it, not even NOT. LIKE looks for a whole word, in any "
        "case. All of this is decided here."
    ),
    (
        "A row with a wrong type, a wrong dimension or more than 100 KB fails alone (PARTIAL_SUCCESS); an unknown column or a "
        "missing primary key fails the whole request. Decided here."
    ),
    (
        "A deleted index is shown as OFFLINE until it is gone, and its name is taken until then. An endpoint that has indexes is "
        "not deleted, and an index is not created on an endpoint that is not ONLINE. Decided here; the documentation gives no "
        "states or status codes for them."
    ),
    (
        "`status.index_url` is an address of the stand-in, whose answers are in camelCase as those of the real data plane; it "
        "takes the workspace's tokens. OAuth tokens are given out for every scope that Vector Search needs, and "
        "`authorization_details` are not looked at."
    ),
    "Nothing is billed. Permissions of endpoints, budget policies, metrics, and starting and stopping endpoints are not imitated.",
    "An index has at least and at most one vector column.",
)
