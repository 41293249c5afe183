"""`_validate/query` through the official client: what is wrong with a query, and how Lucene writes it out."""

import pytest
from elasticsearch import BadRequestError, NotFoundError

SHARD = "org.elasticsearch.index.query.QueryShardException: "
PARSING = "org.elasticsearch.common.ParsingException: "


@pytest.fixture(scope="module")
def validate(here):
    properties = {"title": {"type": "text"}, "genre": {"type": "keyword"}, "day": {"type": "date"}}
    here.indices.create(
        index="validated", mappings={"properties": {**properties, "tokens": {"type": "sparse_vector"}}}
    )
    yield lambda query=None, **options: here.indices.validate_query(index="validated", query=query, **options)
    here.indices.delete(index="validated")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (None, "*:*"),
        ({"match": {"title": "Red fox"}}, "title:red title:fox"),
        (
            {"match": {"title": {"query": "Red fox", "operator": "and", "boost": 2}}},
            "(+title:red +title:fox)^2.0",
        ),
        ({"bool": {"must_not": {"term": {"genre": "war"}}}}, "-genre:war #*:*"),
        (
            {"bool": {"must": {"match": {"title": "a b"}}, "filter": [{"exists": {"field": "day"}}]}},
            "+(title:a title:b) #ConstantScore(FieldExistsQuery [field=day])",
        ),
    ],
)
def test_a_valid_query_is_written_out_where_that_is_asked_for(validate, query, text):
    assert validate(query).body == {"_shards": {"total": 1, "successful": 1, "failed": 0}, "valid": True}
    (explained,) = validate(query, explain=True)["explanations"]
    assert explained == {"index": "validated", "valid": True, "explanation": text}


def test_a_typed_query_and_every_shard_are_validated(validate):
    assert validate(q="title:fox")["valid"]
    assert validate(q="title:(fox")["valid"] is False
    assert validate(all_shards=True)["explanations"] == [{"index": "validated", "shard": 0, "valid": True}]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"query": {"boool": {}}}, f"{PARSING}unknown query [boool] did you mean [bool]?"),
        ({"match_all": {}}, f"{PARSING}request does not support [match_all]"),
    ],
)
@pytest.mark.usefixtures("validate")
def test_a_query_that_cannot_be_read_is_invalid_before_any_index_is_asked(here, body, error):
    headers = {"accept": "application/json", "content-type": "application/json"}
    path = "/validated/_validate/query"
    assert here.perform_request("POST", path, headers=headers, body=body).body == {"valid": False}
    shown = here.perform_request("POST", f"{path}?explain=true", headers=headers, body=body)
    assert shown.body == {"valid": False, "error": error}


def test_a_query_that_an_index_refuses_is_invalid_there(validate):
    query = {"sparse_vector": {"field": "title", "query_vector": {"a": 1}}}
    assert validate(query)["valid"] is False
    (explained,) = validate(query, explain=True)["explanations"]
    assert explained["error"].startswith("[validated/")
    assert (
        f"] {SHARD}failed to create query: field [title] must be type [sparse_vector]" in explained["error"]
    )


def test_what_the_sandbox_lacks_is_refused_and_not_called_invalid(validate):
    with pytest.raises(BadRequestError, match=r"does not imitate the query \[span_term\]"):
        validate({"span_term": {"title": "fox"}})
    with pytest.raises(BadRequestError, match=r"does not write out the Lucene query of \[range\]"):
        validate({"range": {"day": {"gte": "now"}}}, explain=True)
    assert validate({"range": {"day": {"gte": "now"}}})["valid"]


def test_an_index_that_is_missing_is_missing(here):
    with pytest.raises(NotFoundError):
        here.indices.validate_query(index="nowhere")
