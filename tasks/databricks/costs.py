"""What an index costs while it exists, shown before the first paid step. This is no quotation: the price list decides."""

from __future__ import annotations

import math

UNIT = 2_000_000 * 768
"""Floats that one vector search unit of a STANDARD endpoint holds: two million vectors of 768 dimensions. From memory."""
PRICES = "https://www.databricks.com/product/pricing/vector-search"


def hourly_cost(rows: int, dimensions: int) -> str:
    """How many units rows of these dimensions take."""
    units = max(1, math.ceil(rows * dimensions / UNIT))
    noun = "unit" if units == 1 else "units"
    return (
        f"An endpoint costs the hours of its vector search units from its first index on until its indexes are deleted, queried or "
        f"not: {units} {noun} for {rows:,} rows of {dimensions:,} dimensions (from memory; see the price list, {PRICES})."
    )
