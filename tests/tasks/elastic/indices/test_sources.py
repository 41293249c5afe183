"""Sources of every kind, read as one: several indices, an alias, a data stream, a query."""

import json

import pytest
from elasticsearch.helpers import bulk

from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.sources import (
    narrowed,
    read_sample,
    read_source,
    source_query,
    verify_different_ids,
    written_query,
)
from tasks.errors import InvalidInput

ENGLISH = {"term": {"language": "en"}}


@pytest.fixture
def store(settings, name):
    """Makes an index with a mapping and documents: `store("a", {"n": "long"}, [{"n": 1}])`; ids count within an index."""
    client, made = connect(settings), []

    def index(suffix, fields, documents, start=0, **more):
        made.append(f"{name}-{suffix}")
        properties = {field: {"type": kind} for field, kind in fields.items()}
        client.indices.create(index=made[-1], mappings={"properties": properties}, **more)
        rows = (
            {"_index": made[-1], "_id": f"{start + n}", **document} for n, document in enumerate(documents)
        )
        bulk(client, rows, refresh=True)
        return made[-1]

    yield index
    client.indices.delete(index=made)


def test_several_indices_and_an_alias_of_them_are_read_as_one(settings, name, store):
    a = store("a", {"plot": "text", "n": "long"}, [{"plot": "x", "n": 1}, {"plot": "y", "n": 2}])
    b = store("b", {"plot": "text", "language": "keyword"}, [{"plot": "z"}], start=2)
    for index in (a, b):
        connect(settings).indices.put_alias(index=index, name=f"{name}-both")
    both = read_source.fn(settings, f"{a},{b}")
    assert (both.documents, both.indices) == (3, (a, b))
    assert set(both.properties) == {"plot", "n", "language"}
    verify_different_ids.fn(settings, both)
    assert len(read_sample.fn(settings, both.name, ["plot"], size=5)) == 3
    aliased = read_source.fn(settings, f"{name}-both")
    assert (aliased.documents, aliased.content) == (3, both.content)
    assert read_source.fn(settings, a).content != both.content
    connect(settings).index(index=b, document={"plot": "new"})
    assert read_source.fn(settings, f"{name}-both").content != both.content


def test_a_query_is_counted_and_is_part_of_the_content(settings, store):
    index = store("a", {"language": "keyword"}, [{"language": "en"}, {"language": "de"}, {"language": "en"}])
    english = read_source.fn(settings, index, ENGLISH)
    assert (english.documents, english.query) == (2, ENGLISH)
    whole = read_source.fn(settings, index)
    german = read_source.fn(settings, index, {"term": {"language": "de"}})
    assert len({whole.content, english.content, german.content}) == 3
    assert len(read_sample.fn(settings, index, ["language"], within=ENGLISH)) == 2
    with pytest.raises(InvalidInput, match="--source-query"):
        read_source.fn(settings, index, {"nonsense": {}})


def test_an_id_in_two_indices_is_named_before_anything_is_embedded(settings, store):
    a = store("a", {"language": "keyword"}, [{"language": "en"}, {"language": "de"}])
    b = store("b", {"language": "keyword"}, [{"language": "en"}, {"language": "en"}], start=1)
    with pytest.raises(InvalidInput, match=rf"1 in {a} and {b}"):
        verify_different_ids.fn(settings, read_source.fn(settings, f"{a},{b}"))
    verify_different_ids.fn(settings, read_source.fn(settings, f"{a},{b}", ENGLISH))


def test_indices_that_do_not_go_together_are_refused_with_the_field(settings, store):
    a = store("a", {"year": "long"}, [])
    b = store("b", {"year": "keyword"}, [])
    with pytest.raises(InvalidInput, match=rf"The field year is keyword in {b} and long in another index"):
        read_source.fn(settings, f"{a},{b}")


@pytest.mark.parametrize("pattern", ["films*", "films,-old", "films,", "<films-{now}>", "_all"])
def test_a_pattern_is_refused_because_it_could_match_its_own_result(settings, pattern):
    with pytest.raises(InvalidInput, match="pattern could also match"):
        read_source.fn(settings, pattern)


def test_one_missing_index_among_several_is_named(settings, store):
    with pytest.raises(InvalidInput, match="no such index: 'nowhere'"):
        read_source.fn(settings, f"{store('a', {}, [])},nowhere")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "no JSON"),
        ("[]", "not one query"),
        ('{"term": {}, "match": {}}', "not one query"),
        ('{"bool": {"filter": [{"range": {"t": {"gte": "now-7d/d"}}}]}}', "relative to now.*'now-7d/d'"),
        ('{"query_string": {"query": "seen:[2026-01-01 TO now/d]"}}', "relative to now.*'now/d'"),
        ('{"query_string": {"query": "seen:>=now-1d"}}', "relative to now.*'now-1d'"),
    ],
)
def test_what_is_no_query_or_moves_with_the_time_is_refused(text, problem):
    with pytest.raises(InvalidInput, match=problem):
        source_query(text)


def test_a_query_is_read_with_or_without_its_wrapper_and_narrowed_without_scoring():
    assert source_query(json.dumps({"query": ENGLISH})) == source_query(json.dumps(ENGLISH)) == ENGLISH
    assert source_query(written_query(ENGLISH)) == ENGLISH
    assert narrowed(None) is None
    assert narrowed(ENGLISH, without=[{"ids": {"values": ["1"]}}]) == {
        "bool": {"filter": [ENGLISH], "must_not": [{"ids": {"values": ["1"]}}]}
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"match": {"to": "now and then"}}',
        '{"term": {"from": "nowhere"}}',
        '{"query_string": {"query": "title:now OR plot:\\"from now on\\""}}',
        '{"range": {"seen": {"gte": "2026-01-31"}}}',
    ],
)
def test_a_text_that_only_says_now_is_no_date_relative_to_it(text):
    assert source_query(text) == json.loads(text)
