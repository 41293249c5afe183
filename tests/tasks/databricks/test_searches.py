"""What no query of an index can be is said before the service is asked; filters are read exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.calls import ServiceRefused
from tasks.databricks.endpoints import ensure_endpoint, wait_for_endpoint
from tasks.databricks.filters import columns_of, keys_filter, parse_filters, refuse_other_form
from tasks.databricks.index_lifecycle import ensure_index, wait_for_index
from tasks.databricks.loading import upsert
from tasks.databricks.searches import Query, find, read_present, read_vector
from tasks.databricks.specs import IndexSpec
from tasks.databricks.verification import verify_count
from tasks.errors import InvalidInput
from tasks.waiting import Deadline
from tests.tasks.databricks.test_data import INDEX

NOBODY = None
"""The settings of no workspace: nothing is asked."""

UNFIT = [
    (Query(vector=(1,)), "another number of dimensions than the index: 1 .* Accepted: 2"),
    (Query(), "another number of dimensions than the index: 0"),
    (Query(vector=(1, 2), columns=("plot",)), "no such column: 'plot' .*id, embedding, genre"),
    (Query(text="moon", text_columns=("plot",)), "no such column: 'plot'"),
    (Query(text="moon", num_results=201), "finds fewer rows: 201 .* Accepted: 1 to 200"),
    (Query(text="moon", vector=(1, 2), num_results=201), "finds fewer rows"),
    (Query(vector=(1, 2), rerank=("genre",)), "The reranker .*'no text' .from text"),
    (Query(text="moon", num_results=51, rerank=("genre",)), "1 to 50 results"),
    (Query(text="moon", rerank=("plot",)), "no such column: 'plot'"),
]


@pytest.mark.parametrize(("query", "told"), UNFIT, ids=[told[:30] for _, told in UNFIT])
def test_a_query_that_does_not_fit_the_index_is_refused(query, told):
    with pytest.raises(InvalidInput, match=told):
        find(NOBODY, INDEX, query)


def test_what_is_given_decides_how_the_service_searches():
    assert Query(vector=(1, 2)).kind == "ANN"
    assert Query(text="moon").kind == "FULL_TEXT"
    assert Query(text="moon", vector=(1, 2)).kind == "HYBRID"


OBJECT = "Accepted: a JSON object such as"
UNREADABLE = [
    ("[1]", OBJECT),
    ("{", OBJECT),
    ('{"a": 1, "a": 2}', OBJECT),
    ('{"a": 1e999}', OBJECT),
    ("genre", "cannot be read at its end"),
    ("genre = Drama", "cannot be read at 'Drama'"),
    ("genre = 'Drama", 'cannot be read at "\'Drama"'),
    ("genre = 'x' year = 1", "cannot be read at 'year = 1'"),
    ("(year = 1", "cannot be read at its end"),
    ("genre IN ()", r"cannot be read at '\)'"),
    ("year NOT = 1", "cannot be read at '= 1'"),
    ("1 = year; DROP TABLE films", "cannot be read at '1 = year"),
]


@pytest.mark.parametrize(("text", "told"), UNREADABLE, ids=[text for text, _ in UNREADABLE])
def test_filters_that_cannot_be_read_are_refused_with_an_example(text, told):
    with pytest.raises(InvalidInput, match=told):
        parse_filters(text)


def test_filters_are_what_they_say():
    assert parse_filters('{"year >=": 1990, "genre": ["Drama"]}') == {"year >=": 1990, "genre": ["Drama"]}
    text = "`genre` NOT IN ('O''Hara', 'x') AND (year >= -1.5e3 OR NOT good = true) and t LIKE 'a%' or y is not null AND z BETWEEN 1 AND 2"
    assert parse_filters(text) == text
    assert columns_of(text) == ["genre", "year", "good", "t", "y", "z"]


OTHER_FORM = [
    ("year = 1990", "STANDARD", "takes filters in the other form: .year = 1990. .* Accepted: a JSON object"),
    ({"year": 1990}, "STORAGE_OPTIMIZED", "takes filters in the other form: .* Accepted: a condition"),
    ("plot = 'x'", "STORAGE_OPTIMIZED", "no such column: 'plot'"),
]


@pytest.mark.parametrize(("given", "kind", "told"), OTHER_FORM, ids=[told[:30] for *_, told in OTHER_FORM])
def test_an_endpoint_takes_filters_in_one_form_alone(given, kind, told):
    with pytest.raises(InvalidInput, match=told):
        refuse_other_form(given, "films", kind, ("id", "year"))


def test_rows_are_looked_up_by_their_keys_in_the_form_of_the_endpoint():
    assert keys_filter("id", ["a", "O'H"], "STANDARD") == {"id": ["a", "O'H"]}
    wanted = keys_filter("id", ["a", "O'H"], "STORAGE_OPTIMIZED")
    assert wanted == "id IN ('a', 'O''H')"
    assert columns_of(wanted) == ["id"]


def test_on_a_storage_optimized_endpoint_conditions_filter_and_the_reranker_is_refused_by_name(settings):
    deadline, name = Deadline.after(minutes=1), "optimized"
    spec = IndexSpec(name=name, dimensions=16, data_columns=(("genre", "string"),))
    ensure_endpoint.fn(
        settings, name, spec=spec.spec, content="x", has_index=False, deadline=deadline, kind="STORAGE_OPTIMIZED"
    )  # fmt: skip
    assert wait_for_endpoint.fn(settings, name, deadline).kind == "STORAGE_OPTIMIZED"
    ensure_index.fn(settings, spec, deadline)
    index = wait_for_index.fn(settings, name, deadline)
    rows = [{"id": id_, "genre": id_, "embedding": [1.0] * 16} for id_ in ("O'H", "b")]
    upsert(settings, index, rows, 2, deadline)
    verify_count.fn(settings, index, 2, deadline)
    query = Query(vector=(1.0,) * 16)
    assert [one.id for one in find(settings, index, replace(query, filters="genre = 'O''H'"))] == ["O'H"]
    assert len(read_vector.fn(settings, index, "O'H")) == 16
    assert read_present.fn(settings, index, ["O'H", "c"]) == {"O'H"}
    with pytest.raises(InvalidInput, match="is STORAGE_OPTIMIZED and takes filters in the other form"):
        find(settings, index, replace(query, filters={"genre": "b"}))
    with pytest.raises(ServiceRefused, match="LIKE in filter_string: not imitated"):
        find(settings, index, replace(query, filters="genre LIKE 'b'"))
    with pytest.raises(
        ServiceRefused, match=r"reranker \(the reranker's model is the service's own\): not imitated"
    ):
        find(settings, index, replace(query, text="b", rerank=("genre",)))
