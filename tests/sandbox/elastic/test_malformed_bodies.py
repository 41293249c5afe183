"""Whatever JSON a body holds, it is refused in words, with status 400: an internal error of the stand-in would be its own mistake."""

import pytest
from elasticsearch import ApiError, BadRequestError

LATE = 9_000_000_000_000_000


@pytest.fixture(scope="module")
def dated(shared):
    """An index with a number, a text and a date, the last one that there is among them."""
    fields = {"n": {"type": "long"}, "t": {"type": "text"}, "d": {"type": "date"}}
    shared.client.indices.create(index="malformed", mappings={"properties": fields})
    shared.client.index(index="malformed", id="1", document={"n": 1, "t": "A fox.", "d": "9999-12-31"})
    shared.client.index(index="malformed", id="2", document={"d": "9999-10-01"}, refresh=True)
    yield shared.client
    shared.client.indices.delete(index="malformed")


def aggregation(kind, **body):
    return {"aggs": {"a": {kind: body}}}


def scored(**body):
    return {"query": {"function_score": body}}


SEARCHES = {
    "missing beyond 64 bits": aggregation("terms", field="n", missing=1e300),
    "missing beyond 9999": aggregation("date_histogram", field="d", fixed_interval="1d", missing=LATE),
    "bounds": aggregation("histogram", field="n", interval=5, extended_bounds=5),
    "bounds beyond 9999": aggregation(
        "date_histogram", field="d", calendar_interval="year", extended_bounds={"min": "9999-12-31||+1d"}
    ),
    "format": aggregation("date_histogram", field="d", calendar_interval="month", format=5),
    "after": aggregation("composite", sources=[{"x": {"terms": {"field": "n"}}}], after=5),
    "percents": aggregation("percentiles", field="n", percents=5),
    "values": aggregation("percentile_ranks", field="n", values=5),
    "highlight fields": {"highlight": {"fields": 5}},
    "highlight field": {"highlight": {"fields": {"t": 5}}},
    "no tags": {"query": {"match": {"t": "fox"}}, "highlight": {"fields": {"t": {"pre_tags": []}}}},
    "source": {"_source": [1]},
    "sort": {"sort": {"n": 1}},
    "functions": scored(functions=[1]),
    "factor": scored(field_value_factor=5),
    "date math": {"query": {"range": {"d": {"gte": "now+99999999999999999999d"}}}},
}


@pytest.mark.parametrize("body", SEARCHES.values(), ids=SEARCHES)
def test_a_search_is_refused(dated, body):
    with pytest.raises(BadRequestError):
        dated.search(index="malformed", body=body)


CALLS = {
    "analyze": ("POST", "/_analyze", {"text": 5}),
    "analyzed field": ("POST", "/malformed/_analyze", {"text": "a", "field": [1]}),
    "field_caps": ("POST", "/malformed/_field_caps", {"fields": [1]}),
    "patterns": ("PUT", "/_index_template/bad", {"index_patterns": 5}),
    "components": ("PUT", "/_index_template/bad", {"index_patterns": ["bad*"], "composed_of": 5}),
    "template": ("PUT", "/_index_template/bad", {"index_patterns": ["bad*"], "template": 5}),
    "mappings": ("PUT", "/_component_template/bad", {"template": {"mappings": 5}}),
    "alias": ("PUT", "/_component_template/bad", {"template": {"aliases": {"a": 5}}}),
    "dynamic template": ("PUT", "/bad", {"mappings": {"dynamic_templates": [{"a": 5}]}}),
    "its mapping": ("PUT", "/bad", {"mappings": {"dynamic_templates": [{"a": {"match": "*", "mapping": 5}}]}}),
    "its pattern": (
        "PUT", "/bad", {"mappings": {"dynamic_templates": [{"a": {"match": "(", "match_pattern": "regex", "mapping": {}}}]}}
    ),
    "a late date": ("PUT", "/malformed/_doc/3", {"d": LATE}),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), CALLS.values(), ids=CALLS)
def test_a_call_is_refused_and_nothing_is_stored(dated, method, path, body):
    with pytest.raises(ApiError) as refused:
        dated.perform_request(
            method,
            path,
            body=body,
            headers={"accept": "application/json", "content-type": "application/json"},
        )
    assert refused.value.status_code == 400
    assert not dated.indices.exists(index="bad")
    assert not dated.indices.exists_index_template(name="bad")
    assert not dated.cluster.exists_component_template(name="bad")


def test_the_last_dates_that_there_are_have_their_buckets(dated):
    found = dated.search(
        index="malformed", aggs={"a": {"date_histogram": {"field": "d", "calendar_interval": "month"}}}
    )
    counts = [each["doc_count"] for each in found["aggregations"]["a"]["buckets"]]
    assert counts == [1, 0, 1]
