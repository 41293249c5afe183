"""Texts, types and statuses of refusals, as the server's source has them; each case names what it was read in."""

import pytest
from elasticsearch import ApiError

from sandbox.elastic.documents import embeddings
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import mappings, names, settings


def pruned(name, value):
    return {"weighted_tokens": {"v": {"tokens": {"a": 1}, "pruning_config": {name: value}}}}


def of(kind, body):
    return {"aggs": {"mine": {kind: body}}}


INVALID_PATH = (
    "Invalid aggregation order path [a>b]. The provided aggregation [a] either does not exist, or is a pipeline aggregation "
    "and cannot be used to sort the buckets."
)
# source: the body of a search, and the type and reason of its refusal.
SEARCHES = {
    "SearchSourceBuilder.java, size": (
        {"size": -1},
        "illegal",
        "[size] parameter cannot be negative, found [-1]",
    ),
    "SearchSourceBuilder.java, from": (
        {"from": -1},
        "illegal",
        "[from] parameter cannot be negative but was [-1]",
    ),
    "SortOrder.java": (
        {"sort": {"n": "up"}},
        "illegal",
        "No enum constant org.elasticsearch.search.sort.SortOrder.UP",
    ),
    "MatchQueryBuilder.java": (
        {"query": {"match": {"t": {"query": "a", "analyzer": "x"}}}},
        "query_shard",
        "[match] analyzer [x] not found",
    ),
    "MatchQueryBuilder.java, text": (
        {"query": {"match": {"t": {}}}},
        "parsing",
        "No text specified for text query",
    ),
    "MultiMatchQueryBuilder.java": (
        {"query": {"multi_match": {"fields": ["t"]}}},
        "parsing",
        "No text specified for multi_match query",
    ),
    "ExistsQueryBuilder.java": (
        {"query": {"exists": {}}},
        "parsing",
        "[exists] must be provided with a [field]",
    ),
    "ConstructingObjectParser.java": ({"query": {"semantic": {}}}, "illegal", "Required [field, query]"),
    "SparseVectorQueryBuilder.java": ({"query": {"sparse_vector": {}}}, "parsing", "Required [field]"),
    "TextExpansionQueryBuilder.java": (
        {"query": {"text_expansion": {"v": {"model_text": "a"}}}},
        "illegal",
        "[text_expansion] requires a model_id value",
    ),
    "TokenPruningConfig.java, ratio": (
        {"query": pruned("tokens_freq_ratio_threshold", -2)},
        "illegal",
        "[tokens_freq_ratio_threshold] must be between [1] and [100], got -2.0",
    ),
    "TokenPruningConfig.java, weight": (
        {"query": pruned("tokens_weight_threshold", 5)},
        "illegal",
        "[tokens_weight_threshold] must be between 0 and 1",
    ),
    "TokenPruningConfig.java": (
        {"query": pruned("depth", 5)},
        "parsing",
        "[pruning_config] unknown token [depth]",
    ),
    "TermsAggregationBuilder.java": (
        of("terms", {"field": "n", "size": 0}),
        "illegal",
        "[size] must be greater than 0. Found [0] in [mine]",
    ),
    "HistogramAggregationBuilder.java": (
        of("histogram", {"field": "n", "interval": 0}),
        "illegal",
        "[interval] must be >0 for histogram aggregation [mine]",
    ),
    "RangeAggregationBuilder.java": (
        of("range", {"field": "n", "ranges": []}),
        "illegal",
        "No [ranges] specified for the [mine] aggregation",
    ),
    "PercentilesConfig.java": (
        of("percentiles", {"field": "n", "percents": [150]}),
        "illegal",
        "percent must be in [0,100], got [150.0]: [mine]",
    ),
    "Rounding.java": (
        of("date_histogram", {"field": "n", "fixed_interval": "0s"}),
        "illegal",
        "Zero or negative time interval not supported",
    ),
    "InternalOrder.java": (
        of("terms", {"field": "n", "order": {"_key": "up"}}),
        "parsing",
        "Unknown order direction [up]",
    ),
    "AggregationExecutionException.java": (
        of("terms", {"field": "n", "order": {"a>b": "asc"}}),
        "invalid_path",
        INVALID_PATH,
    ),
}
KINDS = {
    "illegal": "illegal_argument_exception",
    "parsing": "parsing_exception",
    "query_shard": "query_shard_exception",
}


@pytest.fixture(scope="module")
def index(here):
    fields = {"t": {"type": "text"}, "n": {"type": "long"}, "v": {"type": "sparse_vector"}}
    here.indices.create(index="refusing", mappings={"properties": fields})
    here.index(index="refusing", document={"t": "a", "n": 1, "v": {"a": 1}}, refresh=True)
    yield "refusing"
    here.indices.delete(index="refusing")


@pytest.mark.parametrize(("body", "kind", "reason"), SEARCHES.values(), ids=SEARCHES)
def test_a_search_is_refused_in_the_words_of_the_service(here, index, body, kind, reason):
    with pytest.raises(ApiError) as refused:
        here.search(index=index, body=body)
    (root,) = refused.value.body["error"]["root_cause"]
    assert (refused.value.status_code, root["type"], root["reason"]) == (400, KINDS.get(kind, kind), reason)


BYTES = "element_type [byte] vectors only support"
VECTORS = [
    ({}, [0, 0], "The [cosine] similarity does not support vectors with zero magnitude.", "0.0, 0.0"),
    (
        {"similarity": "dot_product"},
        [1, 2, 3, 4, 5],
        "The [dot_product] similarity can only be used with unit-length vectors.",
        "1.0, 2.0, 3.0, 4.0, 5.0, ...",
    ),
    (
        {"element_type": "byte"},
        [1, 200],
        f"{BYTES} integers between [-128, 127] but found [200.0] at dim [1];",
        "1.0, 200.0",
    ),
    (
        {"element_type": "byte"},
        [1.5],
        f"{BYTES} non-decimal values but found decimal value [1.5] at dim [0];",
        "1.5",
    ),
]


@pytest.mark.parametrize(("definition", "value", "problem", "preview"), VECTORS)
def test_a_vector_is_refused_in_the_words_of_the_service(definition, value, problem, preview):
    """DenseVectorFieldMapper.java."""
    with pytest.raises(Refusal) as refused:
        embeddings.vector("v", definition, value, "1")
    reason = f"[1:1] failed to parse: {problem} Preview of invalid vector: [{preview}]"
    assert refused.value.reason == reason


SEARCH_AFTER = (
    "Cannot use [collapse] in conjunction with [search_after] unless the search is sorted on the same field. Multiple sort "
    "fields are not allowed."
)


def test_collapsed_hits_have_no_pages_by_another_field_and_no_scroll(here, index):
    """SearchAfterBuilder.java, SearchSourceBuilder.java."""
    with pytest.raises(ApiError) as refused:
        here.search(index=index, collapse={"field": "n"}, sort=["n", "_seq_no"], search_after=[1, 1])
    assert refused.value.body["error"]["root_cause"][0]["reason"] == SEARCH_AFTER
    with pytest.raises(ApiError, match="1: cannot use `collapse` in a scroll context;"):
        here.search(index=index, collapse={"field": "n"}, scroll="1m")


SCRIPTS = [
    ({}, "must specify lang for stored script"),
    ({"lang": "mustache"}, "must specify source for stored script"),
]


@pytest.mark.parametrize(("script", "reason"), SCRIPTS)
def test_a_stored_script_needs_a_language_and_a_source(here, script, reason):
    """StoredScriptSource.java."""
    with pytest.raises(ApiError, match=reason):
        here.put_script(id="x", script=script)


def test_a_second_write_index_is_a_state_that_must_not_be(here, index):
    """IndexAbstraction.java: an illegal state, which is answered 500."""
    here.indices.create(index="other")
    actions = [{"add": {"index": each, "alias": "both", "is_write_index": True}} for each in (index, "other")]
    with pytest.raises(ApiError) as refused:
        here.indices.update_aliases(actions=actions)
    here.indices.delete(index="other")
    assert refused.value.status_code == 500
    assert refused.value.body["error"]["type"] == "illegal_state_exception"


def test_a_value_where_an_object_stands_is_named_by_its_last_part(here):
    """DocumentParser.java."""
    inner = {"properties": {"o": {"properties": {"x": {"type": "long"}}}}}
    here.indices.create(index="objects", mappings={"properties": {"a": inner}})
    with pytest.raises(ApiError) as refused:
        here.index(index="objects", document={"a": {"o": 1}})
    here.indices.delete(index="objects")
    words = "object mapping for [a.o] tried to parse field [o] as object, but found a concrete value"
    assert words in refused.value.body["error"]["reason"]


TEXT, OBJECT = {"type": "text"}, {"properties": {"x": {"type": "long"}}}
MERGES = [
    (TEXT, OBJECT, "mapper [f] cannot be changed from type [text] to [ObjectMapper]"),
    (OBJECT, TEXT, "can't merge a non object mapping [f] with an object mapping"),
]


@pytest.mark.parametrize(("old", "new", "reason"), MERGES)
def test_a_field_does_not_become_an_object_nor_an_object_a_field(old, new, reason):
    """FieldMapper.java, ObjectMapper.java."""
    with pytest.raises(Refusal) as refused:
        mappings.merged({"properties": {"f": old}}, {"properties": {"f": new}})
    assert refused.value.reason == reason


NAMES = [
    ("A#b", "must not contain '#'"),
    ("a:b", "must not contain ':'"),
    ("_A", "must not start with"),
    ("A", "must be lowercase"),
]


@pytest.mark.parametrize(("name", "problem"), NAMES)
def test_the_first_problem_of_a_name_is_told(name, problem):
    """MetadataCreateIndexService.java."""
    with pytest.raises(Refusal, match=problem):
        names.check(name)


@pytest.mark.parametrize(("value", "place"), [("boom", -1), ("x-1", 1)])
def test_a_range_of_replicas_is_refused_with_the_place_of_its_dash(value, place):
    """AutoExpandReplicas.java."""
    with pytest.raises(Refusal, match=rf"from value: \[{value}\] at index {place}$"):
        settings.check({"auto_expand_replicas": value})
