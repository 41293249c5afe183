"""What an index costs while it exists, shown before the first paid step. This is no quotation: the price list decides."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.databricks.specs import STANDARD, EndpointKind
from tasks.plurals import counted
from tasks.prices.prices import prices

EMPTY = f"nothing; an empty endpoint may still be billed until it is deleted (price list: {prices().databricks.source})"
"""Each endpoint has a base price, and a STANDARD one keeps the units that its indexes once took until it is deleted ("Cost management guide",
https://docs.databricks.com/gcp/en/generative-ai/vector-search-cost-management). Whether one that never had an index costs is not said there."""


def hourly_cost(
    rows: int, dimensions: int, beside: Sequence[tuple[int, int]] = (), kind: EndpointKind = STANDARD
) -> str:
    """How many units an index takes, with those of other indexes on the same endpoint.

    Args:
        rows: of the index.
        dimensions: of its vectors.
        beside: rows and dimensions of the others, which cost too until they are removed; 0 dimensions where they are not known, as of
            vectors that another model makes.
        kind: of the endpoint.
    """
    there = [(rows, dimensions), *beside]
    told = prices().databricks
    unit = told.unit_floats[kind]
    units = max(1, math.ceil(sum(rows * dimensions for rows, dimensions in there) / unit))
    others = (
        f", and {counted(sum(rows for rows, _ in beside), 'row')} of other versions until they are pruned"
        if beside
        else ""
    )
    least = "" if all(each for _, each in there) else "at least "
    return (
        f"An endpoint costs the hours of its vector search units from its first index on until it is deleted, queried or not: "
        f"{least}{counted(units, 'unit')} for {counted(rows, 'row')} of {counted(dimensions, 'dimension')}{others} (see the "
        f"price list, {told.source})."
    )
