"""How many units an index takes, in words."""

from __future__ import annotations

import pytest

from tasks.databricks.costs import EMPTY, hourly_cost
from tasks.prices.prices import prices


@pytest.mark.parametrize(
    ("rows", "beside", "said"),
    [
        (2_000_000, [], ": 1 unit for 2,000,000 rows of 768 dimensions"),
        (2_000_001, [], ": 2 units for"),
        (
            1_000_000,
            [(1_000_001, 768)],
            ": 2 units for 1,000,000 rows of 768 dimensions, and 1,000,001 rows of other versions",
        ),
        (1_000_000, [(9_000_000, 0)], ": at least 1 unit for"),
    ],
    ids=["a full unit", "one row more", "with another version", "with one whose dimensions are not known"],
)
def test_units_are_those_of_every_version(rows, beside, said):
    assert said in hourly_cost(rows, 768, beside)


def test_an_empty_endpoint_is_said_to_be_billed_perhaps_with_the_price_list():
    assert "may still be billed until it is deleted" in EMPTY
    assert prices().databricks.source in EMPTY
