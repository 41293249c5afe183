"""SQL-like filters of storage-optimized endpoints: what is honoured, and what is refused by name."""

from __future__ import annotations

import pytest

from sandbox.databricks.errors import Refusal
from sandbox.databricks.filter_strings import parsed

COLUMNS = ("id", "genre", "year", "good")
ROWS = [
    {"id": 1, "genre": "Drama", "year": 1990, "good": True},
    {"id": 2, "genre": "Crime", "year": 1995, "good": False},
    {"id": 3, "genre": "O'Hara", "year": 2000, "good": True},
    {"id": 4, "genre": None, "year": None, "good": None},
]
FILTERS = [
    ("genre = 'Drama'", [1]),
    ("genre != 'Drama'", [2, 3]),
    ("`genre` <> 'Drama' and year < 2000", [2]),
    ("genre = 'O''Hara'", [3]),
    ("year >= 1995", [2, 3]),
    ("year > 1990.5 AND year <= 2e3", [2, 3]),
    ("genre IN ('Drama', 'Crime')", [1, 2]),
    ("genre NOT IN ('Drama', 'Crime')", [3]),
    ("good = TRUE", [1, 3]),
    ("NOT good = true", [2]),
    ("year = 1990 OR year = 1995 AND genre = 'x'", [1]),
    ("(year = 1990 OR year = 1995) AND NOT (genre = 'Drama')", [2]),
    ("id = 4 OR year = 1990", [1, 4]),
    ("", [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("text", "ids"), FILTERS, ids=[text or "none" for text, _ in FILTERS])
def test_a_filter_keeps_the_rows_that_fulfil_it_and_never_one_without_a_value(text, ids):
    condition = parsed(text, COLUMNS)
    assert [row["id"] for row in ROWS if condition(row)] == ids


REFUSED = [
    ("plot = 'x'", 400, "Filter column plot"),
    ("genre = Drama", 400, "at 'Drama'"),
    ("genre = ", 400, "at 'its end'"),
    ("genre = 'Drama", 400, "Could not parse"),
    ("genre = 'Drama' year = 1", 400, "at 'year = 1'"),
    ("genre = 'x'; DROP TABLE films", 400, "at '; DROP"),
    ("(genre = 'x'", 400, "its end"),
    ("genre IN ()", 400, r"at '\)'"),
    ("year = 'x'", 400, "cannot be compared with column year"),
    ("genre < 3", 400, "cannot be compared with column genre"),
    ("(" * 200 + "year = 1" + ")" * 200, 400, "nested too deeply"),
    ("genre LIKE 'D%'", 501, "LIKE in filter_string: not imitated"),
    ("year NOT BETWEEN 1 AND 2", 501, "BETWEEN in filter_string"),
    ("genre IS NULL", 501, "IS in filter_string"),
    ({"genre": "x"}, 400, "must be a string"),
]


@pytest.mark.parametrize(("text", "status", "told"), REFUSED, ids=[str(text)[:30] for text, _, _ in REFUSED])
def test_what_is_no_filter_or_is_not_imitated_is_refused_by_name(text, status, told):
    with pytest.raises(Refusal, match=told) as caught:
        list(map(parsed(text, COLUMNS), ROWS))
    assert caught.value.status == status
