"""Files of data objects: every line is checked before the first is sent."""

import json

import pytest

from tasks.errors import InvalidInput
from tasks.json_lines import BadLine
from tasks.vertex_collections.collections import CollectionState
from tasks.vertex_collections.files import read_data_object_file

GOOD = {"id": "heat", "data": {"year": 1995}, "embedding": [0.1, 0.9]}


def collection(**change):
    fields = {
        "name": "films", "resource": "projects/p/locations/l/collections/films", "vector_field": "embedding", "dimensions": 2,
        "model": "", "task_type": 0, "data_fields": ("year",), "metric": "DOT_PRODUCT", "content": "a", "coming": "",
        "replaces": False,
    }  # fmt: skip
    return CollectionState(**{**fields, **change})


@pytest.fixture
def checked(tmp_path):
    def of(*lines, **change):
        file = tmp_path / "films.jsonl"
        file.write_text(
            "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        )
        return read_data_object_file.fn(file, collection(**change))

    return of


def test_both_forms_of_a_vector_and_ids_as_numbers_are_taken(checked):
    whole = {"id": 17, "vectors": {"embedding": {"dense": {"values": [1, 2]}}}}
    assert checked(GOOD, whole, "", {"id": "a", "vectors": {"embedding": [1, 2]}}) == 3


def test_a_vector_may_be_left_to_the_model_of_the_collection(checked):
    assert checked({"id": "a", "data": {"year": 1}}, model="gemini-embedding-001") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", "line 2 of .*Not a line of JSON|Not a line of JSON.*line 2"),
        ("[1]", "Not a JSON object"),
        (GOOD | {"embedding": [1, 2, 3]}, "another length: 3.*2 finite numbers"),
        (GOOD | {"embedding": ["a", 1]}, "missing or not of numbers"),
        (GOOD | {"embedding": [1e39, 1]}, "missing or not of numbers"),
        ({"id": "a"}, "missing or not of numbers"),
        (GOOD | {"id": None}, "The id is missing"),
        (GOOD | {"id": "x" * 64}, "too long for a data object"),
        (GOOD | {"data": {"genre": "a"}}, "no such data field: 'genre'.*Accepted: year"),
        (GOOD | {"restricts": []}, "no field restricts.*id, data, vectors, embedding"),
        (GOOD | {"vectors": {"embedding": [1, 2]}}, "no vectors of the collection"),
        ({"id": "a", "vectors": {"words": [1, 2]}}, "no vectors of the collection"),
        (GOOD | {"id": "first"}, "that of line 1 as well: 'first'"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_with_its_number(checked, line, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        checked(GOOD | {"id": "first"}, line)
    assert isinstance(refused.value, BadLine) == ("too long" not in said)


def test_an_empty_file_is_refused(checked):
    with pytest.raises(InvalidInput, match="no data objects"):
        checked("")
