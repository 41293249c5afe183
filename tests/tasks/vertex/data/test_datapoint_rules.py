import numpy as np
import pytest
from pydantic import ValidationError

from tasks.vertex.data.rules import NOTEBOOK_RULES, DatapointRules
from tasks.vertex.data.vectors import VectorFile

ROWS = np.zeros((4, 2), dtype=np.float32)


def records(path, **rules):
    made = DatapointRules(**rules)
    with VectorFile(path) as file:
        found = [record for block in file.blocks(made.columns) for record in made.records(block)]
    for record in found:
        del record["embedding"]
    return found


def test_by_the_seeds_rules_each_row_is_a_class_of_its_own_with_tags_a_and_b_by_turns(write_hdf5):
    assert records(write_hdf5(train=ROWS[:3]), **NOTEBOOK_RULES.model_dump()) == [
        {"id": "0", "restricts": [{"namespace": "class", "allow": ["0"]}], "crowding_tag": "a"},
        {"id": "1", "restricts": [{"namespace": "class", "allow": ["1"]}], "crowding_tag": "b"},
        {"id": "2", "restricts": [{"namespace": "class", "allow": ["2"]}], "crowding_tag": "a"},
    ]


def test_tags_go_by_the_row_number_across_blocks_whatever_the_ids(write_hdf5, monkeypatch):
    monkeypatch.setattr("tasks.vertex.data.matrices.BLOCK_ROWS", 3)
    path = write_hdf5(train=ROWS, ids=["w", "x", "y", "z"])
    found = records(path, crowding_tags=["p", "q"])
    assert [record["crowding_tag"] for record in found] == ["p", "q", "p", "q"]


def test_by_default_nothing_is_attached(write_hdf5):
    assert records(write_hdf5(train=ROWS[:1])) == [{"id": "0"}]


def test_columns_become_restricts_by_their_type(write_hdf5):
    path = write_hdf5(
        train=ROWS[:2],
        color=["red", "blue"],
        sold=np.array([True, False]),
        stock=np.array([3, 4], dtype=np.uint8),
        weight=np.array([0.1, 2], dtype=np.float32),
        price=np.array([0.1, 2.5]),
    )
    columns = ["color", "sold", "stock", "weight", "price"]
    first, second = records(path, restrict_columns=columns)
    assert first == {
        "id": "0",
        "restricts": [{"namespace": "color", "allow": ["red"]}, {"namespace": "sold", "allow": ["true"]}],
        "numeric_restricts": [
            {"namespace": "stock", "value_int": 3},
            {"namespace": "weight", "value_float": float(np.float32(0.1))},
            {"namespace": "price", "value_double": 0.1},
        ],
    }
    assert second["restricts"][1] == {"namespace": "sold", "allow": ["false"]}


def test_a_row_without_a_value_has_no_restrict_there(write_hdf5):
    path = write_hdf5(train=ROWS[:2], color=["", "blue"], price=np.array([1.5, np.nan]))
    first, second = records(path, restrict_columns=["color", "price"])
    assert first == {"id": "0", "numeric_restricts": [{"namespace": "price", "value_double": 1.5}]}
    assert second == {"id": "1", "restricts": [{"namespace": "color", "allow": ["blue"]}]}


@pytest.mark.parametrize(
    ("column", "tags"),
    [(["x", "", "y", "x"], ["x", None, "y", "x"]), (np.array([0, 1, 0, 2]), ["0", "1", "0", "2"])],
    ids=["text", "integers"],
)
def test_crowding_tags_can_come_from_a_column(write_hdf5, column, tags):
    found = records(write_hdf5(train=ROWS, brand=column), crowding_column="brand")
    assert [record.get("crowding_tag") for record in found] == tags


@pytest.mark.parametrize(
    "rules",
    [
        {"restrict_namespace": "class", "restrict_columns": ["class"]},
        {"restrict_columns": ["x", "x"]},
        {"restrict_columns": [""]},
        {"restrict_namespace": ""},
        {"crowding_tags": ["a", ""]},
        {"crowding_tag": "a"},
    ],
    ids=str,
)
def test_rules_that_the_service_would_refuse_are_refused_at_once(rules):
    with pytest.raises(ValidationError):
        DatapointRules(**rules)


def test_rules_survive_the_way_through_a_form():
    rules = DatapointRules(restrict_columns=("x",), crowding_column="y")
    assert DatapointRules.model_validate_json(rules.model_dump_json()) == rules
    assert rules.columns == ("x", "y")
    assert all(
        field.get("description") for field in DatapointRules.model_json_schema()["properties"].values()
    )
