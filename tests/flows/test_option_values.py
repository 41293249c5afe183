"""Values that no option can hold are refused with the option's name, from a command line and from a form."""

from __future__ import annotations

import pytest

from flows.elastic.search import SearchOptions
from flows.option_values import check_values
from flows.vertex.query import QueryOptions
from tasks.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "blank"), (" \n", "blank"), ("a\0b", "UTF-8 without NUL"), ("\udcff", "UTF-8 without NUL"), ("x" * 10_001, "10,001 characters"),
        (float("nan"), "finite"), (float("-inf"), "finite"), (2**63, "64 bits"), (-(2**63) - 1, "64 bits"),
        (("a", ""), "blank"), ({"b": [1, float("inf")]}, "finite"),
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_it_is_refused_with_the_options_name(value, said):
    with pytest.raises(InvalidInput, match=rf"{said}|from --id-field.*{said}") as refused:
        check_values({"name": "fine", "id_field": value})
    assert "(from --id-field)" in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**63 - 1, 1e308, "é\n", "x" * 10_000, (), ("a", 1.5)],
    ids=lambda v: repr(v)[:9],
)
def test_what_an_option_may_hold_passes(value):
    check_values({"name": value})


def test_a_form_is_refused_as_a_command_line_is():
    with pytest.raises(InvalidInput, match="--text"):
        SearchOptions.model_validate({"name": "films", "target": "sandbox", "text": "\ud800"})
    with pytest.raises(InvalidInput, match="--vector"):
        QueryOptions.model_validate({"name": "films", "target": "sandbox", "vector": [1.0, float("nan")]})
