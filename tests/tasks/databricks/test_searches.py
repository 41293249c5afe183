"""What no query of an index can be is said before the service is asked; filters are read exactly."""

from __future__ import annotations

import pytest

from tasks.databricks.searches import Query, find, parse_filters
from tasks.errors import InvalidInput
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
]


@pytest.mark.parametrize(("query", "told"), UNFIT, ids=[told[:30] for _, told in UNFIT])
def test_a_query_that_does_not_fit_the_index_is_refused(query, told):
    with pytest.raises(InvalidInput, match=told):
        find(NOBODY, INDEX, query)


def test_what_is_given_decides_how_the_service_searches():
    assert Query(vector=(1, 2)).kind == "ANN"
    assert Query(text="moon").kind == "FULL_TEXT"
    assert Query(text="moon", vector=(1, 2)).kind == "HYBRID"


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": 1, "a": 2}', '{"a": 1e999}', "genre = 'Drama'"])
def test_filters_that_cannot_be_read_are_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match="Accepted: a JSON object such as"):
        parse_filters(text)


def test_filters_are_what_they_say():
    assert parse_filters('{"year >=": 1990, "genre": ["Drama"]}') == {"year >=": 1990, "genre": ["Drama"]}
