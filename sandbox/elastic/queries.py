"""Queries: for now only all documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sandbox.elastic.searcher import Array, Searcher

if TYPE_CHECKING:
    from sandbox.elastic.cluster import Cluster


def matching(_cluster: Cluster, searcher: Searcher, _query: Mapping[str, Any] | None) -> Array:
    """The numbers of the documents that a query matches, ascending."""
    return np.flatnonzero(searcher.alive)
