"""`copy_to`: values that are indexed in another field as well, and shown where they were written only."""

import pytest
from elasticsearch import BadRequestError

TEXT = {"type": "text"}


@pytest.fixture
def copied(here, request):
    """An index whose `title` and `tags` are copied to `all`, and `year` to a field that the mapping does not have."""
    index = f"copies-{abs(hash(request.node.nodeid))}"
    properties = {
        "title": {**TEXT, "copy_to": "all"},
        "tags": {"type": "keyword", "copy_to": ["all", "labels"]},
        "year": {"type": "integer", "copy_to": "when"},
        "all": {**TEXT, "copy_to": "never"},
        "labels": {"type": "keyword"},
    }
    here.indices.create(index=index, mappings={"properties": properties})
    here.index(
        index=index,
        id="1",
        document={"title": "A red fox", "tags": ["wild", "brown"], "year": 1995, "all": "own words"},
    )
    here.index(index=index, id="2", document={"title": None, "tags": []}, refresh=True)
    yield index
    here.indices.delete(index=index)


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.parametrize(
    "query",
    [
        {"match": {"all": "fox"}},
        {"match": {"all": "wild"}},
        {"match": {"all": "own"}},
        {"match_phrase": {"all": "red fox"}},
        {"term": {"labels": "brown"}},
        {"term": {"when": 1995}},
        {"exists": {"field": "all"}},
    ],
)
def test_values_are_found_where_they_are_copied_to(here, copied, query):
    assert ids(here.search(index=copied, query=query)) == ["1"]


def test_copies_are_highlighted_and_shown_by_fields_but_not_in_the_source(here, copied):
    found = here.search(
        index=copied,
        query={"match": {"all": "fox"}},
        highlight={"fields": {"all": {}}},
        fields=["all", "labels"],
    )
    (hit,) = found["hits"]["hits"]
    assert hit["highlight"] == {"all": ["A red <em>fox</em>"]}
    assert hit["fields"] == {"all": ["own words", "wild", "brown", "A red fox"], "labels": ["wild", "brown"]}
    assert set(hit["_source"]) == {"title", "tags", "year", "all"}


def test_a_copy_is_not_copied_on_and_a_missing_target_is_mapped_dynamically(here, copied):
    properties = here.indices.get_mapping(index=copied)[copied]["mappings"]["properties"]
    assert properties["when"] == {"type": "long"}
    assert ids(here.search(index=copied, query={"match": {"never": "own"}})) == ["1"]
    assert not ids(here.search(index=copied, query={"match": {"never": "fox"}}))
    here.indices.put_mapping(index=copied, properties={"title": TEXT})
    here.index(index=copied, id="3", document={"title": "A grey fox"}, refresh=True)
    assert ids(here.search(index=copied, query={"match": {"all": "fox"}})) == ["1"]


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        (
            {"a": {**TEXT, "fields": {"b": {**TEXT, "copy_to": "c"}}}},
            r"Found the copy_to in field \[b\] which is within a",
        ),
        (
            {"a": {**TEXT, "copy_to": "b.c"}, "b": {**TEXT, "fields": {"c": TEXT}}},
            r"copy to a multi-field: \[b.c\]",
        ),
        (
            {"a": {**TEXT, "copy_to": "b"}, "b": {"type": "object"}},
            r"copy to field \[b\] since it is mapped as an object",
        ),
        ({"a": {**TEXT, "copy_to": "b.c"}, "b": {"type": "nested"}}, r"from nested object \[null\] to \[b\]"),
        (
            {"b": {"type": "nested", "properties": {"c": {**TEXT, "copy_to": "a"}}}},
            "the sandbox does not support",
        ),
        ({"a": {"type": "sparse_vector", "copy_to": "b"}}, r"unknown parameter \[copy_to\]"),
    ],
    ids=[
        "from a multi-field",
        "to a multi-field",
        "to an object",
        "into nested objects",
        "out of them",
        "of vectors",
    ],
)
def test_what_cannot_be_copied_is_refused(here, properties, problem):
    with pytest.raises(BadRequestError, match=problem):
        here.indices.create(index="no-copies", mappings={"properties": properties})
