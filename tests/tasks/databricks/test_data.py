"""What a row of an index can be is seen before anything is created: in data files, and in lines of JSON."""

from __future__ import annotations

import json
import re

import pytest

from tasks.databricks.data import RowSource, check_size, opened, read_query_vector, read_validated, rows_of
from tasks.databricks.files import read_row_file
from tasks.databricks.indexes import IndexState
from tasks.databricks.specs import IndexSpec, index_name
from tasks.errors import InvalidInput
from tasks.json_lines import BadLine
from tests.flows.vertex.conftest import write_vectors

INDEX = IndexState(
    name="films",
    full_name="main.default.films",
    endpoint="films",
    state="ONLINE_DIRECT_ACCESS",
    said="",
    rows=0,
    index_type="DIRECT_ACCESS",
    columns={
        "id": "string",
        "embedding": "array<float>",
        "genre": "string",
        "year": "long",
        "stars": "double",
    },
    vector_column="embedding",
    dimensions=2,
)


def validated(file, *columns, vector_column="embedding"):
    return read_validated.fn(RowSource(data=str(file), columns=columns), vector_column)


def test_columns_become_columns_of_their_own_types_and_a_row_without_a_value_has_none(tmp_path):
    file = write_vectors(
        tmp_path / "films.hdf5", rows=3, genre=["Drama", "", "Crime"], year=[1990, 1991, 1992], good=[True, False, True]
    )  # fmt: skip
    found, types = validated(file, "genre", "year", "good")
    assert (found.rows, types) == (3, (("genre", "string"), ("year", "long"), ("good", "string")))
    with opened(RowSource(data=str(file))) as opened_file:
        rows = list(rows_of(opened_file, ("genre", "year", "good"), "vector"))
    assert [{key: row[key] for key in row if key != "vector"} for row in rows] == [
        {"id": "0", "genre": "Drama", "year": 1990, "good": "true"},
        {"id": "1", "year": 1991, "good": "false"},
        {"id": "2", "genre": "Crime", "year": 1992, "good": "true"},
    ]


def test_what_is_no_column_of_an_index_is_refused_by_name(tmp_path):
    file = write_vectors(tmp_path / "films.hdf5", rows=2, **{"a b": [1, 2], "year": [1, 2]})
    for columns, vector, part in (
        (("a b",), "embedding", "'a b'"),
        (("year",), "year", "'year'"),
        (("genres",), "embedding", "genres"),
    ):
        with pytest.raises(InvalidInput, match=part):
            validated(file, *columns, vector_column=vector)


def test_files_of_others_and_elsewhere_are_refused_in_words_of_this_engine(tmp_path):
    records = tmp_path / "datapoints.jsonl"
    records.write_text('{"id": "a", "embedding": [1, 2]}\n')
    with pytest.raises(InvalidInput, match="databricks upsert-datapoints"):
        validated(records)
    with pytest.raises(InvalidInput, match="gs://bucket/films"):
        validated("gs://bucket/films.hdf5")
    with pytest.raises(InvalidInput, match="no such query row: 20"):
        read_query_vector.fn(RowSource(data=str(write_vectors(tmp_path / "a.hdf5", rows=2))), 20)


def test_an_id_and_a_row_must_fit_the_service(tmp_path):
    file = write_vectors(tmp_path / "films.hdf5", rows=2, ids=["a", "x" * 129])
    with pytest.raises(InvalidInput, match=r"This id is too long.*row 1 of"):
        validated(file)
    check_size({"id": "a", "plot": "x" * 102_000}, source="row 0")
    with pytest.raises(InvalidInput, match=re.escape("at most 102,400 bytes")):
        check_size({"id": "a", "plot": "x" * 102_400}, source="row 0")


def test_no_two_names_have_the_same_index():
    for name in ("films_1", "Films", "1films", "films-", "f"):
        with pytest.raises(ValueError, match="lowercase letters, digits and dashes"):
            IndexSpec(name=name, dimensions=2)
    assert (
        index_name("main.default", IndexSpec(name="my-films", dimensions=2).name) == "main.default.my_films"
    )


LINE = {"id": 7, "genre": "Drama", "embedding": [1, 2.5]}
WRONG = [
    ("[1]", "Not a JSON object"),
    ("{", "Not a line of JSON"),
    (json.dumps(LINE | {"id": ""}), "id is missing"),
    (json.dumps(LINE | {"id": "x" * 129}), "too long"),
    (json.dumps(LINE | {"plot": "x"}), "no such column"),
    (json.dumps(LINE | {"year": 1.5}), "year has another type"),
    (json.dumps(LINE | {"year": 2**63}), "year has another type"),
    (json.dumps(LINE | {"stars": True}), "stars has another type"),
    (json.dumps(LINE | {"genre": 1}), "genre has another type"),
    (json.dumps(LINE | {"embedding": [1]}), "another length"),
    (json.dumps(LINE | {"embedding": [1, 1e39]}), "not of numbers"),
    (json.dumps(LINE | {"embedding": None}), "is missing"),
    (json.dumps(LINE | {"genre": "x" * 102_400}), "too large"),
    (json.dumps(LINE) + "\n" + json.dumps(LINE), "that of line 1"),
    ("", "no rows"),
]


@pytest.mark.parametrize(("text", "part"), WRONG, ids=[part for _, part in WRONG])
def test_a_line_that_is_no_row_is_refused_with_its_number(tmp_path, text, part):
    file = tmp_path / "rows.jsonl"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=part) as caught:
        read_row_file.fn(file, INDEX)
    if text:
        assert isinstance(caught.value, BadLine)


def test_lines_that_fit_are_counted(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(
        json.dumps(LINE) + "\n\n" + json.dumps(LINE | {"id": "8", "stars": 4, "genre": None}) + "\n"
    )
    assert read_row_file.fn(file, INDEX) == 2
