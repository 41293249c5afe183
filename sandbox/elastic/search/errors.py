"""The refusals of searches, templates and stored scripts."""

from __future__ import annotations

from sandbox.elastic.errors import Answer, Refusal

UNKNOWN_KEY = Answer(
    400, "parsing_exception", "Unknown key for a {token} in [{key}].", "SearchSourceBuilder.java"
)
KEY_NOT_IMITATED = Answer(400, "parsing_exception", "the sandbox's searches do not support [{key}]")
TOTAL_NOT_EXACT = Answer(
    400,
    "illegal_argument_exception",
    "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not accurate, got {limit}",
    "RestSearchAction.java",
)
COUNT_BODY = Answer(
    400, "parsing_exception", "request does not support [{key}]", "RestActions.java, from memory"
)
UNKNOWN_QUERY = Answer(400, "parsing_exception", "unknown query [{name}]{hint}", "AbstractQueryBuilder.java")
MALFORMED = Answer(
    400,
    "parsing_exception",
    "[{name}] query malformed, no start_object after query name",
    "AbstractQueryBuilder.java",
)
TWO_QUERIES = Answer(
    400,
    "parsing_exception",
    "[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]",
    "AbstractQueryBuilder.java, from memory",
)
ONLY_PHRASES_OF_TEXTS = Answer(
    400,
    "query_shard_exception",
    "failed to create query: Can only use phrase prefix queries on text fields - not on [{path}] which is of type [{kind}]",
    "MappedFieldType.java",
)
FUZZINESS_NOT_ALLOWED = Answer(
    400, "parsing_exception", "Fuzziness not allowed for type [{kind}]", "MultiMatchQueryBuilder.java"
)
SLOP_NOT_ALLOWED = Answer(
    400, "parsing_exception", "[slop] not allowed for type [{kind}]", "MultiMatchQueryBuilder.java"
)
UNKNOWN_MULTI_MATCH = Answer(
    400,
    "parse_exception",
    "failed to parse [multi_match] query type [{kind}]. unknown type.",
    "MultiMatchQueryBuilder.java",
)
EXPLAIN_NO_QUERY = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: query is missing;",
    "ExplainRequest.java",
)
EXPLAIN_QUERIES_ONLY = Answer(
    400, "parsing_exception", "the sandbox explains the scores of a [query] only, not those of [{what}]"
)
NOT_SUPPORTED = Answer(
    400,
    "parsing_exception",
    "[{query}] query does not support [{parameter}]",
    "MatchQueryBuilder.java, from memory",
)
BAD_VALUE = Answer(400, "parsing_exception", "[{where}] failed to parse [{parameter}]: [{value}]")
NEGATIVE_BOOST = Answer(
    400,
    "illegal_argument_exception",
    "negative [boost] are not allowed in [{query}], use a value between 0 and 1 to deboost",
    "AbstractQueryBuilder.java, from memory",
)
OUT_OF_LIMITS = Answer(
    400,
    "illegal_argument_exception",
    "[{name}] must be between [{least}] and [{most}], got [{value}]",
    "TokenPruningConfig.java, from memory",
)
NO_ANALYZER = Answer(
    400,
    "illegal_argument_exception",
    "[match] analyzer [{name}] not found",
    "MatchQueryBuilder.java, from memory",
)
REQUIRED = Answer(
    400, "parsing_exception", "[{query}] requires {what}", "TextExpansionQueryBuilder.java, from memory"
)
NO_QUERIES = Answer(
    400,
    "parsing_exception",
    "[dis_max] requires 'queries' field with at least one clause",
    "DisMaxQueryBuilder.java",
)
NO_QUERY_STRING = Answer(
    400, "parsing_exception", "[{query}] must be provided with a [query]", "QueryStringQueryBuilder.java"
)
QUERY_STRING = Answer(
    400,
    "query_shard_exception",
    "Failed to parse query [{query}]",
    "QueryStringQueryParser.java, from memory",
)
UNREADABLE_QUERY = Answer(
    400,
    "parse_exception",
    "parse_exception: Cannot parse '{query}': {problem}",
    "QueryParserBase.java (Lucene)",
)
QUERY_BODY = Answer(
    400, "parsing_exception", "{problem}", "BoostingQueryBuilder.java, FunctionScoreQueryBuilder.java"
)
TOO_MANY_TERMS = Answer(
    400,
    "query_shard_exception",
    "failed to create query: The number of terms [{count}] used in the Terms Query request has exceeded the allowed "
    "maximum of [{limit}]. This maximum can be set by changing the [index.max_terms_count] index level setting.",
    "TermsQueryBuilder.java, from memory",
)
ONLY_ON_TEXTS = Answer(
    400,
    "query_shard_exception",
    "failed to create query: Can only use {kind} queries on keyword, text and wildcard fields - not on [{path}] which is "
    "of type [{type}]",
    "MappedFieldType.java",
)
QUERY_SHARD = Answer(
    400,
    "query_shard_exception",
    "failed to create query: {problem}",
    "SearchExecutionContext.java, from memory",
)
NOT_INDEXED = Answer(
    400,
    "query_shard_exception",
    "failed to create query: Cannot search on field [{path}] since it is not indexed{more}.",
    "MappedFieldType.java",
)
WRONG_FIELD_TYPE = Answer(
    400,
    "query_shard_exception",
    "failed to create query: [{kind}] is not an appropriate field type for this query. Allowed field types are "
    "[rank_features, sparse_vector].",
    "WeightedTokensQueryBuilder.java",
)
MUST_BE_SPARSE = Answer(
    400,
    "query_shard_exception",
    "failed to create query: field [{path}] must be type [sparse_vector] but is type [{kind}]",
    "SparseVectorQueryBuilder.java",
)
NO_INFERENCE_ID = Answer(
    400,
    "illegal_argument_exception",
    "inference_id required to perform vector search on query string",
    "SparseVectorQueryBuilder.java",
)
NOT_SEMANTIC = Answer(
    400,
    "illegal_argument_exception",
    "Field [{path}] of type [{kind}] does not support semantic queries",
    "SemanticQueryBuilder.java, from memory",
)
NOT_IMITATED = Answer(
    400,
    "parsing_exception",
    "the sandbox does not imitate the query [{name}]; COVERAGE.md lists those that it does",
)
COLLAPSE_AFTER = Answer(
    400,
    "illegal_argument_exception",
    "collapse field and sort field must be the same when use `collapse` in conjunction with `search_after`",
    "SearchService.java, from memory",
)
FUZZINESS = Answer(400, "illegal_argument_exception", "Invalid fuzziness value: {value}", "Fuzziness.java")
HIGHLIGHT = Answer(400, "illegal_argument_exception", "{problem}", "HighlightBuilder.java, from memory")
PARSE = Answer(400, "parse_exception", "{problem}", "JavaDateMathParser.java")
KNN = Answer(400, "illegal_argument_exception", "{problem}", "KnnSearchBuilder.java, from memory")
ONE_VECTOR = Answer(
    400,
    "illegal_argument_exception",
    "either [query_vector_builder] or [query_vector] must be provided",
    "KnnSearchBuilder.java, from memory",
)
QUERY_DIMENSIONS = Answer(
    400,
    "illegal_argument_exception",
    "the query vector has a different dimension [{query}] than the index vectors [{index}]",
    "DenseVectorFieldMapper.java, from memory",
)
SCRIPT_NOT_IMITATED = Answer(
    400,
    "script_exception",
    "the sandbox has no painless: of [script_score] only the scripts over vectors that the reference shows, not [{source}]",
)
SCRIPT = Answer(400, "script_exception", "runtime error: {problem}", "ScoreScriptUtils.java, from memory")
RETRIEVER = Answer(400, "parsing_exception", "{problem}", "RetrieverBuilder.java, from memory")
UNKNOWN_RETRIEVER = Answer(
    400, "parsing_exception", "unknown retriever [{kind}]", "RetrieverBuilder.java, from memory"
)
RETRIEVER_NOT_IMITATED = Answer(
    400, "parsing_exception", "the sandbox does not imitate the retriever [{kind}]"
)
RETRIEVER_PARAMETER = Answer(
    400, "parsing_exception", "the sandbox does not imitate [{parameter}] of the retriever [{kind}]"
)
WITH_RETRIEVER = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: cannot specify [retriever] and [{others}];",
    "SearchRequest.java, from memory",
)
WINDOW_SIZE = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [{kind}] requires [rank_window_size: {window}] be greater than or equal to [size: {size}];",
    "CompoundRetrieverBuilder.java",
)
NOT_SPARSE = Answer(
    400,
    "illegal_argument_exception",
    "Expected a query inference result of type [text_expansion_result], got [text_embedding_result]. Has the inference "
    "endpoint with id [{model}] changed?",
    "SparseVectorQueryBuilder.java, from memory",
)
NOT_DENSE = Answer(
    400,
    "illegal_argument_exception",
    "Expected a query inference result of type [text_embedding_result], got [text_expansion_result]. Has the inference "
    "endpoint with id [{model}] changed?",
    "TextEmbeddingQueryVectorBuilder.java, from memory",
)
NO_TEXT_SORT = Answer(
    400,
    "illegal_argument_exception",
    "Fielddata is disabled on [{path}] in [{index}]. Text fields are not optimised for operations that require "
    "per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a "
    "keyword field instead. Alternatively, set fielddata=true on [{path}] in order to load field data by uninverting "
    "the inverted index. Note that this can use significant memory.",
    "TextFieldMapper.java",
)
NO_SORT_MAPPING = Answer(
    400,
    "query_shard_exception",
    "No mapping found for [{path}] in order to sort on",
    "FieldSortBuilder.java, from memory",
)
SORT_ORDER = Answer(
    400, "illegal_argument_exception", "Unknown SortOrder [{order}]", "SortOrder.java, from memory"
)
WINDOW = Answer(
    400,
    "illegal_argument_exception",
    "Result window is too large, from + size must be less than or equal to: [{limit}] but was [{wanted}]. See the "
    "scroll api for a more efficient way to request large data sets. This limit can be set by changing the "
    "[index.max_result_window] index level setting.",
    "DefaultSearchContext.java, from memory",
)
NEGATIVE = Answer(
    400,
    "illegal_argument_exception",
    "[{name}] parameter cannot be negative, found [{value}]",
    "SearchSourceBuilder.java, from memory",
)
SEARCH_AFTER_FROM = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [from] parameter must be set to 0 when [search_after] is used;",
    "SearchRequest.java, from memory",
)
SEARCH_AFTER_VALUES = Answer(
    400,
    "illegal_argument_exception",
    "search_after has {given} value(s) but sort has {wanted}.",
    "SearchAfterBuilder.java, from memory",
)
SEARCH_AFTER_SORT = Answer(
    400,
    "illegal_argument_exception",
    "Sort must contain at least one field.",
    "SearchAfterBuilder.java, from memory",
)
NO_CONTEXT = Answer(
    404,
    "search_context_missing_exception",
    "No search context found for id [{id}]",
    "SearchService.java, from memory",
)
ALL_SHARDS = Answer(
    400,
    "search_phase_execution_exception",
    "all shards failed",
    "SearchPhaseExecutionException.java, from memory",
)
NO_SCRIPT = Answer(
    404,
    "resource_not_found_exception",
    "unable to find script [{id}] in cluster state",
    "ScriptService.java, from memory",
)
TEMPLATE_MISSING = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: template is missing;",
    "SearchTemplateRequest.java, from memory",
)
TEMPLATE_BROKEN = Answer(
    400,
    "general_script_exception",
    "Failed to compile inline script [{source}] using lang [mustache]",
    "ScriptService.java, from memory",
)
TEMPLATE_CAUSE = Answer(
    400,
    "mustache_exception",
    "Improperly closed variable in query-template @[query-template:1]",
    "MustacheParser.java (mustache.java)",
)
TEMPLATE_RESULT = Answer(400, "x_content_parse_exception", "[1:1] {problem}")
SCRIPT_NOT_DELETED = Answer(
    404,
    "resource_not_found_exception",
    "stored script [{id}] does not exist and cannot be deleted",
    "ScriptService.java, from memory",
)
SCRIPT_LANGUAGE = Answer(
    400, "illegal_argument_exception", "script_lang not supported [{lang}]", "ScriptService.java, from memory"
)
SCRIPT_BODY = Answer(
    400,
    "illegal_argument_exception",
    "must specify <source> for stored script",
    "StoredScriptSource.java, from memory",
)


def failed_on_shards(refusal: Refusal, index: str, node: str) -> Refusal:
    """A refusal that a shard reported, as a search wraps it."""
    shards = [{"shard": 0, "index": index, "node": node, "reason": refusal.item()}]
    metadata = {"phase": "query", "grouped": True, "failed_shards": shards}
    status = refusal.status
    return Refusal(status, ALL_SHARDS.kind, ALL_SHARDS.text, metadata, cause=refusal.cause, root=refusal)
