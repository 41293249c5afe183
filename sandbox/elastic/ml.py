"""Machine learning and all that runs in the background: the part that its own modules fill.

ROUTES collects theirs; attach fills the cluster's hooks.
"""

from __future__ import annotations

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.routing import Route

ROUTES: tuple[Route, ...] = ()


def attach(cluster: Cluster) -> None:
    """Fill `cluster.ingest` and `cluster.infer`, and start what runs in the background."""


def detach(cluster: Cluster) -> None:
    """End what runs in the background."""
