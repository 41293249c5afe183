"""The engines, one line each. Everything that serves all engines reads this list."""

from __future__ import annotations

from typing import Any

from flows.answers.engine import ANSWERS
from flows.databricks.engine import DATABRICKS
from flows.elastic.engine import ELASTIC
from flows.engine import Engine
from flows.vertex.engine import VERTEX
from flows.vertex_collections.engine import VERTEX_COLLECTIONS

ENGINES: tuple[Engine[Any], ...] = (
    VERTEX,
    VERTEX_COLLECTIONS,
    ELASTIC,
    DATABRICKS,
    ANSWERS,
)
