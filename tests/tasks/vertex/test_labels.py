"""Labels of the user's own: Google's rules, and none of our marks."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.vertex.labels import check_number, differing, parse_labels
from tasks.vertex.marks import OURS


def test_labels_are_read_as_they_are_written():
    written = ["team=search", "empty=", "größe=x-1_2", "a=1"]
    assert parse_labels(written) == {"team": "search", "empty": "", "größe": "x-1_2", "a": "1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("team", "Not a label: 'team'"),
        ("=x", "Not a label"),
        ("Team=x", "Not a label"),
        ("team=X", "Not a label"),
        ("1team=x", "the key begins with a letter"),
        ("te am=x", "Not a label"),
        ("team=a.b", "Not a label"),
        ("team=a=b", "Not a label"),
        (f"team={'x' * 64}", "at most 63"),
        (f"{'x' * 64}=y", "at most 63"),
        ("content=x", "one of the marks by which this project knows what it created"),
        ("imported=x", "one of the marks"),
        ("serves_products=x", "one of the marks"),
    ],
)
def test_what_google_would_refuse_or_what_is_ours_is_refused(text, said):
    with pytest.raises(InvalidInput, match=said):
        parse_labels([text])


def test_a_key_twice_is_refused():
    with pytest.raises(InvalidInput, match="A label is given twice: 'team=b'"):
        parse_labels(["team=a", "team=b"])


def test_what_differs_is_what_has_to_change():
    assert differing({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "x", "d": "4"}) == {"b": "2", "c": "3"}


def test_our_marks_always_have_room():
    there = {f"l{number}": "" for number in range(50)}
    check_number({"l0": "x"}, there, resource="index a")
    with pytest.raises(InvalidInput, match=f"Too many labels for index a.*our {len(OURS)} marks"):
        check_number({f"m{number}": "" for number in range(2)}, there, resource="index a")
