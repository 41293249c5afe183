"""Ids of data objects: valid, distinct, and read back as the data has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.vertex_collections.ids import ALLOWED, IdTooLong, data_object_id, original_id


@pytest.mark.parametrize(
    ("id_", "stored"),
    [
        ("products", "products"),
        ("a-1", "a-1"),
        ("x" * 63, "x" * 63),
        ("17", "id-17"),
        ("0", "id-0"),
        ("-5", "id--5"),
        ("550e8400-e29b-41d4-a716-446655440000", "id-550e8400-e29b-41d4-a716-446655440000"),
        ("id-17", "id-id-17"),
        ("b32-a", "id-b32-a"),
        ("1" * 60, "id-" + "1" * 60),
        ("SKU_7/b", "b32-knfvkxzxf5ra"),
        ("ends-", "b32-mvxgi4zn"),
        ("é", "b32-youq"),
        ("A" * 36, "b32-" + "ifaucqkb" * 7 + "ie"),
    ],
)
def test_an_id_is_kept_prefixed_or_coded_and_can_be_read_back(id_, stored):
    assert data_object_id(id_) == stored
    assert ALLOWED.fullmatch(stored)
    assert original_id(stored) == id_


@pytest.mark.parametrize("id_", ["x" * 64, "1" * 61, "A" * 37, "é" * 19, "id-" + "x" * 58])
def test_an_id_that_no_form_has_room_for_is_refused_with_its_row(id_):
    with pytest.raises(IdTooLong, match=r"row 4 of a\.hdf5.*63 characters .*, 60 .*, and 36 bytes"):
        data_object_id(id_, row=4, source="a.hdf5")


@given(
    st.one_of(st.text(min_size=1, max_size=64), st.from_regex(r"(id-|b32-)?[-a-z0-9]{1,50}", fullmatch=True))
)
def test_every_id_that_is_taken_is_allowed_and_comes_back(id_):
    try:
        stored = data_object_id(id_)
    except IdTooLong:
        return
    assert ALLOWED.fullmatch(stored)
    assert original_id(stored) == id_


@pytest.mark.parametrize("stored", ["b32-", "b32-1", "b32-77777", "films", "b32-aaaaaaaaa"])
def test_ids_that_are_no_translations_stay_as_they_are_or_do_not_fail(stored):
    assert isinstance(original_id(stored), str)
