"""The refusals of searches."""

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
COUNT_BODY = Answer(400, "parsing_exception", "request does not support [{key}]", "RestActions.java")
NO_LAST_NEWLINE = Answer(
    400,
    "illegal_argument_exception",
    "The msearch request must be terminated by a newline [\n]",
    "MultiSearchRequest.java",
)
HEADER_KEY = Answer(
    400,
    "illegal_argument_exception",
    "key [{key}] is not supported in the metadata section",
    "MultiSearchRequest.java",
)
CONCURRENT_SEARCHES = Answer(
    400,
    "illegal_argument_exception",
    "maxConcurrentSearchRequests must be positive",
    "MultiSearchRequest.java",
)
NOT_WRITTEN_OUT = Answer(
    400,
    "parsing_exception",
    "the sandbox does not write out the Lucene query of [{name}], which [explain] asks for; without [explain] it is validated",
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
    "AbstractQueryBuilder.java",
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
EXPLAIN_NO_RETRIEVER = Answer(
    400,
    "parsing_exception",
    "the sandbox does not explain the scores of a [{kind}] retriever",
)
NOT_SUPPORTED = Answer(
    400,
    "parsing_exception",
    "[{query}] query does not support [{parameter}]",
    "MatchQueryBuilder.java",
)
BAD_VALUE = Answer(400, "parsing_exception", "[{where}] failed to parse [{parameter}]: [{value}]")
NEGATIVE_BOOST = Answer(
    400,
    "illegal_argument_exception",
    "negative [boost] are not allowed in [{query}], use a value between 0 and 1 to deboost",
    "AbstractQueryBuilder.java, where [{query}] is the whole query",
)
RATIO_LIMITS = Answer(
    400,
    "illegal_argument_exception",
    "[tokens_freq_ratio_threshold] must be between [1] and [100], got {value}",
    "TokenPruningConfig.java",
)
WEIGHT_LIMITS = Answer(
    400,
    "illegal_argument_exception",
    "[tokens_weight_threshold] must be between 0 and 1",
    "TokenPruningConfig.java",
)
UNKNOWN_PRUNING = Answer(
    400, "parsing_exception", "[pruning_config] unknown token [{name}]", "TokenPruningConfig.java"
)
NO_ANALYZER = Answer(
    400, "query_shard_exception", "[match] analyzer [{name}] not found", "MatchQueryBuilder.java"
)
REQUIRED = Answer(
    400,
    "parsing_exception",
    "[{query}] requires {what}",
    "SparseVectorQueryBuilder.java; of others the words of the sandbox",
)
NO_TEXT = Answer(
    400,
    "parsing_exception",
    "No text specified for {query} query",
    "MatchQueryBuilder.java, MultiMatchQueryBuilder.java, TextExpansionQueryBuilder.java",
)
NO_VALUE = Answer(400, "illegal_argument_exception", "value cannot be null", "BaseTermQueryBuilder.java")
NO_FIELD = Answer(
    400, "parsing_exception", "[exists] must be provided with a [field]", "ExistsQueryBuilder.java"
)
NO_MODEL = Answer(
    400,
    "illegal_argument_exception",
    "[text_expansion] requires a model_id value",
    "TextExpansionQueryBuilder.java",
)
ARGUMENTS_MISSING = Answer(
    400, "illegal_argument_exception", "Required [{names}]", "ConstructingObjectParser.java"
)
NO_FIELD_OF_VECTOR = Answer(400, "parsing_exception", "Required [field]", "SparseVectorQueryBuilder.java")
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
    "QueryStringQueryParser.java",
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
    "TermsQueryBuilder.java",
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
    "SearchExecutionContext.java",
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
    "SemanticQueryBuilder.java",
)
NOT_IMITATED = Answer(
    400,
    "parsing_exception",
    "the sandbox does not imitate the query [{name}]; COVERAGE.md lists those that it does",
)
COLLAPSE_AFTER = Answer(
    400,
    "illegal_argument_exception",
    "Cannot use [collapse] in conjunction with [search_after] unless the search is sorted on the same field. Multiple sort "
    "fields are not allowed.",
    "SearchAfterBuilder.java",
)
FUZZINESS = Answer(400, "illegal_argument_exception", "Invalid fuzziness value: {value}", "Fuzziness.java")
HIGHLIGHT = Answer(
    400,
    "illegal_argument_exception",
    "{problem}",
    "HighlightPhase.java; the words of the sandbox where it is named",
)
HIGHLIGHT_TAGS = Answer(400, "parsing_exception", "{problem}", "AbstractHighlighterBuilder.java")
PARSE = Answer(400, "parse_exception", "{problem}", "JavaDateMathParser.java")
KNN = Answer(400, "illegal_argument_exception", "{problem}", "KnnSearchBuilder.java")
ONE_VECTOR = Answer(
    400,
    "illegal_argument_exception",
    "either [query_vector_builder] or [query_vector] must be provided",
    "KnnSearchBuilder.java",
)
QUERY_DIMENSIONS = Answer(
    400,
    "illegal_argument_exception",
    "the query vector has a different dimension [{query}] than the index vectors [{index}]",
    "DenseVectorFieldMapper.java",
)
SCRIPT_NOT_IMITATED = Answer(
    400,
    "script_exception",
    "the sandbox has no painless: of [script_score] only the scripts over vectors that the reference shows, not [{source}]",
)
SCRIPT = Answer(
    400, "script_exception", "runtime error", "ScriptException.java; its cause: ScoreScriptUtils.java"
)
RETRIEVER = Answer(
    400,
    "parsing_exception",
    "{problem}",
    "LinearRetrieverComponent.java, ScoreNormalizer.java, RRFRankBuilder.java; of the form of the body the words of the sandbox",
)
UNKNOWN_RETRIEVER = Answer(400, "parsing_exception", "unknown retriever [{kind}]", "RetrieverBuilder.java")
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
    "SearchRequest.java",
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
    "expected a result of type [text_expansion_result] received [text_embedding_result]. Is [{model}] a compatible model?",
    "SparseVectorQueryBuilder.java, SparseInferenceRewriteAction.java",
)
EXPANSION_NOT_SPARSE = Answer(
    500,
    "illegal_state_exception",
    "expected a result of type [text_expansion_result] received [text_embedding_result]. Is [{model}] a compatible model?",
    "TextExpansionQueryBuilder.java; SparseVectorQueryBuilder.java of 8.15",
)
NOT_DENSE = Answer(
    500,
    "illegal_state_exception",
    "expected a result of type [text_embedding_result] received [text_expansion_result]. Is [{model}] a text embedding model?",
    "TextEmbeddingQueryVectorBuilder.java",
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
    "FieldSortBuilder.java",
)
SORT_ORDER = Answer(
    400,
    "illegal_argument_exception",
    "No enum constant org.elasticsearch.search.sort.SortOrder.{order}",
    "SortOrder.java",
)
WINDOW = Answer(
    400,
    "illegal_argument_exception",
    "Result window is too large, from + size must be less than or equal to: [{limit}] but was [{wanted}]. See the "
    "scroll api for a more efficient way to request large data sets. This limit can be set by changing the "
    "[index.max_result_window] index level setting.",
    "DefaultSearchContext.java",
)
NEGATIVE_SIZE = Answer(
    400,
    "illegal_argument_exception",
    "[size] parameter cannot be negative, found [{value}]",
    "SearchSourceBuilder.java",
)
NEGATIVE_FROM = Answer(
    400,
    "illegal_argument_exception",
    "[from] parameter cannot be negative but was [{value}]",
    "SearchSourceBuilder.java",
)
SEARCH_AFTER_FROM = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [from] parameter must be set to 0 when [search_after] is used;",
    "SearchRequest.java",
)
SEARCH_AFTER_VALUES = Answer(
    400,
    "illegal_argument_exception",
    "search_after has {given} value(s) but sort has {wanted}.",
    "SearchAfterBuilder.java",
)
SEARCH_AFTER_SORT = Answer(
    400,
    "illegal_argument_exception",
    "Sort must contain at least one field.",
    "SearchAfterBuilder.java",
)
NO_CONTEXT = Answer(
    404,
    "search_context_missing_exception",
    "No search context found for id [{id}]",
    "SearchService.java",
)
ALL_SHARDS = Answer(
    400,
    "search_phase_execution_exception",
    "all shards failed",
    "SearchPhaseExecutionException.java",
)


def failed_on_shards(refusal: Refusal, index: str, node: str) -> Refusal:
    """A refusal that a shard reported, as a search wraps it."""
    shards = [{"shard": 0, "index": index, "node": node, "reason": refusal.item()}]
    metadata = {"phase": "query", "grouped": True, "failed_shards": shards}
    status = refusal.status
    return Refusal(status, ALL_SHARDS.kind, ALL_SHARDS.text, metadata, cause=refusal.cause, root=refusal)
