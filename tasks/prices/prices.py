"""The prices that commands tell, from one file with their source and date: tasks/prices/prices.toml."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel

FILE = Path(__file__).with_suffix(".toml")


class VertexPrices(BaseModel, frozen=True):
    """Of Vertex AI Vector Search."""

    source: str
    """The price list."""
    section: str
    """Which part of it, and of which region."""
    as_of: date
    seen: str
    """Where the prices were read."""
    build_usd_per_gib: float
    node_hours: dict[str, float]
    """USD per node and hour, by machine type."""


class DatabricksPrices(BaseModel, frozen=True):
    """Of Databricks Vector Search, in its units."""

    source: str
    as_of: date
    seen: str
    unit_floats: dict[str, int]
    """Floats that one unit holds, by the kind of endpoint."""


class Prices(BaseModel, frozen=True):
    """All of them."""

    vertex: VertexPrices
    databricks: DatabricksPrices


@cache
def prices() -> Prices:
    """What the file says."""
    return Prices.model_validate(tomllib.loads(FILE.read_text()))
